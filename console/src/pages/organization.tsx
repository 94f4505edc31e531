import { useState } from "preact/hooks";
import { get, put, type Schemas } from "../lib/api";
import { count, plural } from "../lib/format";
import { asNumber, asText } from "../lib/typed";
import { mayOwn } from "../lib/may";
import { useAsk, useTitle, useWork } from "../lib/use";
import { Confirm } from "../ui/dialog";
import { TextField } from "../ui/field";
import { Answered, Button, Card, Note, PageHead, Problem } from "../ui/parts";
import { say } from "../ui/toast";

type Shown = Schemas["OrganizationShown"];
type Done = (organization: Shown) => void;

const LIMITS: [keyof Shown["dialing"], string, string][] = [
  ["max_concurrent_calls", "Calls at the same time", "Of all campaigns together."],
  ["calls_per_second", "New calls a second", "Of all campaigns together."],
  ["max_number_calls_per_day", "Calls of one number in 24 hours", "Whatever campaign they come from."],
  ["max_number_calls_per_week", "Calls of one number in 7 days", "Whatever campaign they come from."],
  ["daily_spend_cap", "Dollars a day", "Nobody is dialled once this day's calls cost so much."],
  ["agent_daily_spend_cap", "Dollars a day and agent", "An agent's calls pause until midnight UTC."],
];

export function Organization() {
  useTitle("Organization");
  const asked = useAsk("organization", (signal) => get("/organization", { signal }));
  return (
    <div class="page">
      <PageHead title="Organization">Limits that hold over all campaigns, and how long calls are kept.</PageHead>
      <Answered of={asked}>
        {(organization) => (
          <>
            <Naming organization={organization} done={asked.set} />
            <Limits key={JSON.stringify(organization.dialing)} organization={organization} done={asked.set} />
            <Keeping key={JSON.stringify(organization.retention)} organization={organization} done={asked.set} />
          </>
        )}
      </Answered>
    </div>
  );
}

function Naming({ organization, done }: { organization: Shown; done: Done }) {
  const [name, setName] = useState(organization.name);
  const save = useWork(async () => {
    done(await put("/organization", { body: { name } }));
    say("Saved");
  });
  return (
    <Card title="Name" actions={name !== organization.name && <Save work={save} />}>
      <TextField label="Name of the organization" field="name" error={save.error} value={name} onText={setName} readOnly={!mayOwn()} />
      <Problem error={save.error} shown={["name"]} />
    </Card>
  );
}

function Save({ work }: { work: { busy: boolean; run: () => Promise<void> } }) {
  return (
    <Button look="first little" busy={work.busy} onClick={() => void work.run()}>
      Save
    </Button>
  );
}

function Limits({ organization, done }: { organization: Shown; done: Done }) {
  const [draft, setDraft] = useState(organization.dialing);
  const save = useWork(async () => {
    done(await put("/organization", { body: { dialing: draft } }));
    say("Saved");
  });
  const isChanged = JSON.stringify(draft) !== JSON.stringify(organization.dialing);
  return (
    <Card title="Limits of dialling" about="Empty: no limit beside the campaign's own" actions={isChanged && <Save work={save} />}>
      <div class="fields">
        {LIMITS.map(([name, label, hint]) => (
          <TextField key={name} label={label} hint={hint} field={`dialing.${name}`} error={save.error} type="number" min={0} step="any" value={asText(draft[name])} onText={(text) => setDraft({ ...draft, [name]: asNumber(text) })} readOnly={!mayOwn()} />
        ))}
      </div>
      <Problem error={save.error} shown={LIMITS.map(([name]) => `dialing.${name}`)} />
    </Card>
  );
}

function Keeping({ organization, done }: { organization: Shown; done: Done }) {
  const [draft, setDraft] = useState(organization.retention);
  const [asking, setAsking] = useState(false);
  const isChanged = JSON.stringify(draft) !== JSON.stringify(organization.retention);
  const query = { recordings_days: draft.recordings_days ?? undefined, calls_days: draft.calls_days ?? undefined };
  const ahead = useAsk(`retention:${JSON.stringify(query)}`, (signal) => get("/organization/retention", { query, signal }));
  return (
    <Card
      title="How long calls are kept"
      about="Empty: until somebody erases them"
      actions={
        isChanged && (
          <Button look="first little" onClick={() => setAsking(true)}>
            Save
          </Button>
        )
      }
    >
      <div class="stack">
        <div class="fields">
          <TextField label="Recordings, in days" field="retention.recordings_days" error={ahead.error} type="number" min={1} value={asText(draft.recordings_days)} onText={(text) => setDraft({ ...draft, recordings_days: asNumber(text) })} readOnly={!mayOwn()} />
          <TextField label="Calls with all that was said, in days" field="retention.calls_days" error={ahead.error} type="number" min={1} value={asText(draft.calls_days)} onText={(text) => setDraft({ ...draft, calls_days: asNumber(text) })} readOnly={!mayOwn()} hint="Reports of the days they were held change with them." />
        </div>
        {ahead.data && ahead.data.recordings + ahead.data.calls > 0 && (
          <Note kind="warn">
            {isChanged ? "This would erase" : "Being erased"}: {plural(ahead.data.recordings, "recording")}, {plural(ahead.data.calls, "call")}.
          </Note>
        )}
      </div>
      {asking && (
        <Confirm
          title="Keep calls only so long?"
          action="Keep them so long"
          onClose={() => setAsking(false)}
          work={async () => {
            done(await put("/organization", { body: { retention: draft } }));
            say("Saved");
          }}
        >
          {ahead.data ? `${count(ahead.data.recordings)} recordings and ${count(ahead.data.calls)} calls are too old now and are erased within the hour, ` : "What is too old is erased within the hour, "}
          and from then on each as it gets too old. That cannot be undone.
        </Confirm>
      )}
    </Card>
  );
}
