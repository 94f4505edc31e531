import { useLocation } from "preact-iso";
import { useState } from "preact/hooks";
import { Activity, Pencil, Plug, Plus, Trash2 } from "lucide";
import { get, post, put, remove, type Schemas } from "../lib/api";
import { milliseconds, words } from "../lib/format";
import { mayWrite } from "../lib/may";
import { useAsk, useTitle, useWork } from "../lib/use";
import { Confirm, Dialog } from "../ui/dialog";
import { SelectField, TextField } from "../ui/field";
import { Answered, Button, Empty, Note, PageHead, Problem, Time } from "../ui/parts";
import { Pill } from "../ui/pill";
import { SchemaFields, type Schema, type Values } from "../ui/schema-form";
import { say } from "../ui/toast";

type Integration = Schemas["IntegrationShown"];
type Provider = Schemas["ProviderShown"];

const TYPES: Record<string, [string, string]> = {
  telephony: ["Carriers", "They carry your calls."],
  llm: ["Language models", "For agents that talk freely."],
  stt: ["Speech recognition", "Besides the built-in one."],
  tts: ["Voices", "Besides the built-in one."],
};

export function Integrations() {
  useTitle("Integrations");
  const { query, route } = useLocation();
  const asked = useAsk("integrations", async (signal) => {
    const [found, providers] = await Promise.all([get("/integrations", { query: { limit: 100 }, signal }), get("/integrations/providers", { signal })]);
    return { items: found.items, providers };
  });
  const [opened, setOpened] = useState<Integration | "new" | null>(query.new ? "new" : null);
  const close = () => {
    setOpened(null);
    if (query.new) route("/console/integrations", true);
  };
  const make = mayWrite() && (
    <Button look="first" icon={Plus} onClick={() => setOpened("new")}>
      Connect a provider
    </Button>
  );
  return (
    <div class="page">
      <PageHead title="Integrations" actions={make}>
        Accounts with carriers, models and voices. Keys are kept encrypted and never shown again.
      </PageHead>
      <Answered of={asked}>
        {({ items, providers }) => (
          <>
            <section class="card">
              {items.length === 0 ? (
                <Empty icon={Plug} title="Nothing is connected yet" actions={make}>
                  To ring anybody the platform needs a carrier. Recognition and a voice are built in.
                </Empty>
              ) : (
                <ul class="lines">
                  {items.map((each) => (
                    <Row key={each.id} integration={each} edit={() => setOpened(each)} reload={asked.reload} />
                  ))}
                </ul>
              )}
            </section>
            {opened && <Connect providers={providers} integration={opened === "new" ? null : opened} type={query.new} onClose={close} onDone={asked.reload} />}
          </>
        )}
      </Answered>
    </div>
  );
}

function Row({ integration, edit, reload }: { integration: Integration; edit: () => void; reload: () => void }) {
  const [deleting, setDeleting] = useState(false);
  const path = { integration_id: integration.id };
  const [result, setResult] = useState<Schemas["IntegrationStatus"] | null>(null);
  const test = useWork(async () => {
    setResult(await post("/integrations/{integration_id}/test", { path }));
    reload();
  });
  return (
    <li>
      <div class="line stack tight">
        <div class="row wrap">
          <span class="grow">
            <span class="strong">{integration.name}</span> <Pill of={integration.status} />
            <span class="small dim block">
              {words(integration.provider)} · {TYPES[integration.type]?.[0] ?? words(integration.type)}
              {Object.entries(integration.credentials).map(([name, ending]) => ` · ${words(name)} ${ending}`)}
            </span>
          </span>
          {mayWrite() && (
            <>
              <Button look="little" icon={Activity} busy={test.busy} onClick={() => void test.run()}>
                Test
              </Button>
              <Button look="quiet little" icon={Pencil} label={`Change ${integration.name}`} onClick={edit} />
              <Button look="quiet little" icon={Trash2} label={`Remove ${integration.name}`} onClick={() => setDeleting(true)} />
            </>
          )}
        </div>
        {result && (
          <Note kind={result.status === "working" ? "good" : "bad"}>
            {result.status === "working" ? "It answered" : "It did not work"}
            {result.latency_ms !== null && ` in ${milliseconds(result.latency_ms)}`}
            {result.detail && `: ${result.detail}`}{" "}
            <span class="dim small">
              <Time at={result.tested_at} />
            </span>
          </Note>
        )}
        <Problem error={test.error} />
      </div>
      {deleting && (
        <Confirm
          title={`Remove ${integration.name}?`}
          action="Remove"
          onClose={() => setDeleting(false)}
          work={async () => {
            await remove("/integrations/{integration_id}", { path });
            say("Removed");
            reload();
          }}
        >
          Its keys are erased. Campaigns that call over it cannot ring anybody until another is connected.
        </Confirm>
      )}
    </li>
  );
}

function Connect({ providers, integration, type, onClose, onDone }: { providers: Provider[]; integration: Integration | null; type?: string; onClose: () => void; onDone: () => void }) {
  const real = providers.filter(({ provider }) => provider !== "scripted");
  const first = real.find((each) => each.type === type) ?? real[0];
  const [chosen, setChosen] = useState(integration ? `${integration.type}:${integration.provider}` : first ? `${first.type}:${first.provider}` : "");
  const provider = providers.find((each) => `${each.type}:${each.provider}` === chosen);
  const [name, setName] = useState(integration?.name ?? (first ? words(first.provider) : ""));
  const [config, setConfig] = useState<Values>(integration?.config ?? {});
  const [credentials, setCredentials] = useState<Values>({});
  const save = useWork(async () => {
    const secrets = Object.fromEntries(Object.entries(credentials).filter(([, value]) => value !== undefined)) as Record<string, string>;
    if (integration) {
      await put("/integrations/{integration_id}", { path: { integration_id: integration.id }, body: { name, config, ...(Object.keys(secrets).length ? { credentials: secrets } : {}) } });
    } else {
      await post("/integrations", { body: { name, type: provider!.type, provider: provider!.provider, config, credentials: secrets } });
    }
    say(integration ? "Saved" : "Connected; press Test to see whether it answers");
    onDone();
    onClose();
  });
  return (
    <Dialog
      wide
      title={integration ? `Change ${integration.name}` : "Connect a provider"}
      onClose={onClose}
      onSubmit={() => void save.run()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="first" busy={save.busy} disabled={!provider && !integration}>
            {integration ? "Save" : "Connect"}
          </Button>
        </>
      }
    >
      <div class="fields">
        {!integration && (
          <SelectField
            label="Provider"
            value={chosen}
            onText={(next) => {
              setChosen(next);
              setName(words(next.split(":")[1]));
              setConfig({});
              setCredentials({});
            }}
            options={real.map((each) => [`${each.type}:${each.provider}`, `${words(each.provider)} – ${TYPES[each.type]?.[0] ?? words(each.type)}`] as const)}
            field="provider"
            error={save.error}
          />
        )}
        <TextField label="Name" field="name" error={save.error} value={name} onText={setName} required />
      </div>
      {provider && (
        <>
          <h3>Keys</h3>
          <SchemaFields schema={provider.credentials as Schema} values={credentials} onValues={setCredentials} error={save.error} prefix="credentials." kept={integration?.credentials} />
          <h3>Settings</h3>
          <SchemaFields schema={provider.settings as Schema} values={config} onValues={setConfig} error={save.error} prefix="config." />
        </>
      )}
      <Problem error={save.error} />
    </Dialog>
  );
}
