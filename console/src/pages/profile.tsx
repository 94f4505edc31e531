import { useState } from "preact/hooks";
import { post, put } from "../lib/api";
import { ZONE } from "../lib/format";
import { changed, forget, user } from "../lib/session";
import { theme, type Theme } from "../lib/theme";
import { useTitle, useWork } from "../lib/use";
import { TextField } from "../ui/field";
import { Button, Card, PageHead, Problem, Segmented } from "../ui/parts";
import { say } from "../ui/toast";

const THEMES = [["system", "As the system"], ["light", "Light"], ["dark", "Dark"]] as const;

export function Profile() {
  useTitle("Your profile");
  const me = user.value!;
  const [form, setForm] = useState({ first_name: me.first_name, last_name: me.last_name, email: me.email });
  const [passwords, setPasswords] = useState({ current_password: "", password: "" });
  const path = { user_id: me.id };
  const save = useWork(async () => {
    changed(await put("/users/{user_id}", { path, body: { ...form, ...(form.email !== me.email ? { current_password: passwords.current_password } : {}) } }));
    say("Saved");
  });
  const renew = useWork(async () => {
    await put("/users/{user_id}", { path, body: passwords });
    setPasswords({ current_password: "", password: "" });
    say("The password is changed");
  });
  const everywhere = useWork(async () => {
    await post("/auth/logout", { query: { all: true } });
    forget("You are signed out everywhere.");
  });
  return (
    <div class="page">
      <PageHead title="Your profile">Times are shown in your zone, {ZONE}.</PageHead>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save.run();
        }}
      >
        <Card title="You" actions={<Button type="submit" look="first little" busy={save.busy}>Save</Button>}>
          <div class="fields">
            <TextField label="First name" field="first_name" error={save.error} value={form.first_name} onText={(first_name) => setForm({ ...form, first_name })} autocomplete="given-name" />
            <TextField label="Last name" field="last_name" error={save.error} value={form.last_name} onText={(last_name) => setForm({ ...form, last_name })} autocomplete="family-name" />
            <TextField label="E-mail" field="email" error={save.error} type="email" value={form.email} onText={(email) => setForm({ ...form, email })} autocomplete="email" hint="A new one takes your password, below." />
          </div>
          <Problem error={save.error} shown={["first_name", "last_name", "email"]} />
        </Card>
      </form>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void renew.run();
        }}
      >
        <Card title="Password" actions={<Button type="submit" look="little" busy={renew.busy} disabled={!passwords.password}>Change</Button>}>
          <div class="fields">
            <TextField label="Your password now" field="current_password" error={renew.error} type="password" value={passwords.current_password} onText={(current_password) => setPasswords({ ...passwords, current_password })} autocomplete="current-password" />
            <TextField label="The new one" field="password" error={renew.error} type="password" value={passwords.password} onText={(password) => setPasswords({ ...passwords, password })} autocomplete="new-password" hint="At least 8 characters." />
          </div>
          <Problem error={renew.error} shown={["current_password", "password"]} />
        </Card>
      </form>
      <Card title="Colours">
        <Segmented label="Colours" options={THEMES} value={theme.value} onChange={(next: Theme) => (theme.value = next)} />
      </Card>
      <Card title="Sessions" about="On every machine where you are signed in">
        <Button busy={everywhere.busy} onClick={() => void everywhere.run()}>
          Sign out everywhere
        </Button>
        <Problem error={everywhere.error} />
      </Card>
    </div>
  );
}
