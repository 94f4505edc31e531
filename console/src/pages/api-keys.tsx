import { useState } from "preact/hooks";
import { KeyRound, Plus } from "lucide";
import { get, post, remove, type Schemas } from "../lib/api";
import { sinceThen } from "../lib/format";
import { mayWrite } from "../lib/may";
import { useAsk, useTitle, useWork } from "../lib/use";
import { Confirm, Dialog } from "../ui/dialog";
import { SelectField, TextField } from "../ui/field";
import { Answered, Button, Empty, PageHead, Problem, Time } from "../ui/parts";
import { Secret } from "./webhooks";

export function ApiKeys() {
  useTitle("API keys");
  const asked = useAsk("keys", async (signal) => (await get("/api-keys", { query: { limit: 100 }, signal })).items);
  const [opened, setOpened] = useState(false);
  const make = mayWrite() && (
    <Button look="first" icon={Plus} onClick={() => setOpened(true)}>
      New key
    </Button>
  );
  return (
    <div class="page">
      <PageHead title="API keys" actions={make}>
        For programs. Everything that this console does, the API does: <a href="/docs">its documentation</a>.
      </PageHead>
      <Answered of={asked}>
        {(items) => (
          <section class="card">
            {items.length === 0 ? (
              <Empty icon={KeyRound} title="No keys yet" actions={make}>
                A key may do what you may, or only read. It is shown once.
              </Empty>
            ) : (
              <ul class="lines">
                {items.map((each) => (
                  <Row key={each.id} row={each} reload={asked.reload} />
                ))}
              </ul>
            )}
          </section>
        )}
      </Answered>
      {opened && <Make onClose={() => setOpened(false)} onDone={asked.reload} />}
    </div>
  );
}

function Row({ row, reload }: { row: Schemas["ApiKeyShown"]; reload: () => void }) {
  const [revoking, setRevoking] = useState(false);
  return (
    <li>
      <div class="line row wrap">
        <span class="grow">
          <span class="strong">{row.name}</span> <span class="tag">{row.scope === "read" ? "reads" : "reads and writes"}</span>
          <span class="small dim block">
            <code>••••{row.last_four}</code> · used {sinceThen(row.last_used_at)}
            {row.expires_at && (
              <>
                {" "}
                · until <Time at={row.expires_at} />
              </>
            )}
          </span>
        </span>
        <Button look="little" onClick={() => setRevoking(true)}>
          Revoke
        </Button>
      </div>
      {revoking && (
        <Confirm
          title={`Revoke ${row.name}?`}
          action="Revoke"
          onClose={() => setRevoking(false)}
          work={async () => {
            await remove("/api-keys/{key_id}", { path: { key_id: row.id } });
            reload();
          }}
        >
          Programs that use it are refused at once.
        </Confirm>
      )}
    </li>
  );
}

function Make({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState("");
  const [scope, setScope] = useState<"read" | "write">("read");
  const [until, setUntil] = useState("");
  const [key, setKey] = useState<string | null>(null);
  const save = useWork(async () => {
    const made = await post("/api-keys", { body: { name, scope, expires_at: until ? new Date(`${until}T23:59:59`).toISOString() : null } });
    setKey(made.key);
    onDone();
  });
  if (key) return <Secret title="The key is made" text={key} about="It is shown this once; keep it where your program finds it." onClose={onClose} />;
  return (
    <Dialog
      title="New API key"
      onClose={onClose}
      onSubmit={() => void save.run()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="first" busy={save.busy}>
            Make key
          </Button>
        </>
      }
    >
      <TextField label="Name" field="name" error={save.error} value={name} onText={setName} placeholder="What it is for" required autoFocus />
      <SelectField label="It may" value={scope} onText={(next) => setScope(next as "read")} options={[["read", "Read"], ["write", "Read and write"]]} />
      <TextField label="Ends after" field="expires_at" error={save.error} type="date" value={until} onText={setUntil} hint="Empty: never." />
      <Problem error={save.error} shown={["name", "expires_at"]} />
    </Dialog>
  );
}
