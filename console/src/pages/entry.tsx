/** Signing in, and making the first user of an organization. */
import { useLocation } from "preact-iso";
import { useState } from "preact/hooks";
import { get, post } from "../lib/api";
import { changed, ended, signedIn } from "../lib/session";
import { useTitle, useWork } from "../lib/use";
import { Brand } from "../shell";
import { Button, Note, Problem } from "../ui/parts";
import { TextField } from "../ui/field";

export function Entry() {
  const { path } = useLocation();
  const isNew = path.endsWith("/register");
  return (
    <div class="entry">
      <main class="entry-form">
        <div>
          <Brand />
          {isNew ? <Register /> : <SignIn />}
        </div>
      </main>
      <aside class="entry-side" aria-label="About VoiceERA">
        <h2>Phone agents you can listen to, measure and trust.</h2>
        <p>Every call is recorded, transcribed and explained, on your own machines.</p>
        <Waves />
      </aside>
    </div>
  );
}

function Waves() {
  const bars = Array.from({ length: 64 }, (_, index) => 12 + 78 * Math.abs(Math.sin(index * 0.37) * Math.cos(index * 0.11 + 0.6)));
  return (
    <svg viewBox="0 0 640 200" preserveAspectRatio="none" aria-hidden="true">
      {bars.map((height, index) => (
        <rect key={index} x={index * 10 + 3} y={196 - height * 1.8} width="4" height={height * 1.8} rx="2" fill={index % 9 < 4 ? "#2cc4b4" : "#6f69f5"} opacity={0.35 + height / 160} />
      ))}
    </svg>
  );
}

function SignIn() {
  useTitle("Sign in");
  const { path, url, route } = useLocation();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const work = useWork(async () => {
    signedIn(await post("/auth/login", { body: { email, password } }));
    if (path.endsWith("/login")) route("/console", true);
    else if (location.pathname + location.search !== url) route(url, true);
  });
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void work.run();
      }}
    >
      <div>
        <h1>Sign in</h1>
        <p class="dim">
          New here? <a href="/console/register">Create an organization</a>
        </p>
      </div>
      {ended.value && !work.error && <Note kind="warn">{ended.value}</Note>}
      <Problem error={work.error} shown={["email", "password"]} />
      <TextField label="E-mail" field="email" error={work.error} value={email} onText={setEmail} type="email" autocomplete="username" required autoFocus />
      <TextField label="Password" field="password" error={work.error} value={password} onText={setPassword} type="password" autocomplete="current-password" required />
      <Button type="submit" look="first full" busy={work.busy}>
        Sign in
      </Button>
      <p class="small dim">
        <a href="/forgot-password">Forgot your password?</a>
      </p>
    </form>
  );
}

function Register() {
  useTitle("Create an organization");
  const { route } = useLocation();
  const [form, setForm] = useState({ email: "", password: "", first_name: "", last_name: "", organization_name: "" });
  const on = (name: keyof typeof form) => (value: string) => setForm({ ...form, [name]: value });
  const work = useWork(async () => {
    await post("/auth/register", { body: form });
    signedIn(await post("/auth/login", { body: { email: form.email, password: form.password } }));
    changed(await get("/auth/me"));
    route("/console", true);
  });
  const { error } = work;
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void work.run();
      }}
    >
      <div>
        <h1>Create an organization</h1>
        <p class="dim">
          Already have an account? <a href="/console/login">Sign in</a>
        </p>
      </div>
      <Problem error={error} shown={Object.keys(form)} />
      <TextField label="Organization" field="organization_name" error={error} value={form.organization_name} onText={on("organization_name")} autocomplete="organization" required autoFocus />
      <div class="fields" style={{ "--least": "140px" }}>
        <TextField label="First name" field="first_name" error={error} value={form.first_name} onText={on("first_name")} autocomplete="given-name" required />
        <TextField label="Last name" field="last_name" error={error} value={form.last_name} onText={on("last_name")} autocomplete="family-name" required />
      </div>
      <TextField label="E-mail" field="email" error={error} value={form.email} onText={on("email")} type="email" autocomplete="username" required />
      <TextField label="Password" field="password" error={error} value={form.password} onText={on("password")} type="password" autocomplete="new-password" hint="At least 8 characters." required />
      <Button type="submit" look="first full" busy={work.busy}>
        Create organization
      </Button>
    </form>
  );
}
