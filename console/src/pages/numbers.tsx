import { useEffect, useState } from "preact/hooks";
import { Hash, Pencil, Plus, Trash2 } from "lucide";
import { get, post, put, remove, type Schemas } from "../lib/api";
import { plural } from "../lib/format";
import { mayWrite } from "../lib/may";
import { agents, choices, learnNames, nameIn } from "../lib/names";
import { useAsk, useTitle, useWork } from "../lib/use";
import { Confirm, Dialog } from "../ui/dialog";
import { CheckField, SelectField, TextField } from "../ui/field";
import { Answered, Button, Empty, PageHead, Problem } from "../ui/parts";
import { Pill } from "../ui/pill";

type Shown = Schemas["NumberShown"];

export function Numbers() {
  useTitle("Numbers");
  useEffect(() => void learnNames(), []);
  const asked = useAsk("numbers", async (signal) => {
    const [found, lines] = await Promise.all([get("/phone-numbers", { query: { limit: 100 }, signal }), get("/integrations", { query: { type: "telephony", limit: 100 }, signal })]);
    return { items: found.items, lines: lines.items };
  });
  const [opened, setOpened] = useState<Shown | "new" | null>(null);
  const make = mayWrite() && (
    <Button look="first" icon={Plus} onClick={() => setOpened("new")}>
      Add a number
    </Button>
  );
  return (
    <div class="page">
      <PageHead title="Numbers" actions={make}>
        Numbers of yours: who answers them, and which calls come from them.
      </PageHead>
      <Answered of={asked}>
        {({ items, lines }) => (
          <>
            <section class="card">
              {items.length === 0 ? (
                <Empty icon={Hash} title="No numbers yet" actions={make}>
                  Name a number that your carrier gave you, and choose the agent that answers it.
                </Empty>
              ) : (
                <ul class="lines">
                  {items.map((each) => (
                    <Row key={each.id} number={each} edit={() => setOpened(each)} reload={asked.reload} />
                  ))}
                </ul>
              )}
            </section>
            {opened && <Form number={opened === "new" ? null : opened} lines={lines} onClose={() => setOpened(null)} onDone={asked.reload} />}
          </>
        )}
      </Answered>
    </div>
  );
}

function Row({ number, edit, reload }: { number: Shown; edit: () => void; reload: () => void }) {
  const [deleting, setDeleting] = useState(false);
  return (
    <li>
      <div class="line row wrap">
        <span class="grow">
          <span class="strong num">{number.phone_number}</span> <span class="dim">{number.label}</span>
          <span class="small dim block">
            {number.agent_id ? `Answered by ${nameIn(agents.value, number.agent_id) ?? "an agent"}` : "Calls in are turned away"}
            {number.is_caller_id && " · calls come from it"}
            {number.daily_cap !== null && `, ${plural(number.daily_cap, "call")} a day at most`}
            {number.missed_call === "callback" && " · missed calls are rung back"}
          </span>
        </span>
        <Pill of={number.is_active ? "active" : "paused"} name={number.is_active ? "In use" : "Off"} />
        {mayWrite() && (
          <>
            <Button look="quiet little" icon={Pencil} label={`Change ${number.phone_number}`} onClick={edit} />
            <Button look="quiet little" icon={Trash2} label={`Remove ${number.phone_number}`} onClick={() => setDeleting(true)} />
          </>
        )}
      </div>
      {deleting && (
        <Confirm
          title={`Remove ${number.phone_number}?`}
          action="Remove"
          onClose={() => setDeleting(false)}
          work={async () => {
            await remove("/phone-numbers/{phone_number_id}", { path: { phone_number_id: number.id } });
            reload();
          }}
        >
          Calls to it are turned away, and none come from it.
        </Confirm>
      )}
    </li>
  );
}

function Form({ number, lines, onClose, onDone }: { number: Shown | null; lines: Schemas["IntegrationShown"][]; onClose: () => void; onDone: () => void }) {
  const [draft, setDraft] = useState({
    phone_number: number?.phone_number ?? "",
    label: number?.label ?? "",
    integration_id: number?.integration_id ?? lines[0]?.id ?? "",
    agent_id: number?.agent_id ?? null,
    missed_call: number?.missed_call ?? ("none" as Shown["missed_call"]),
    is_caller_id: number?.is_caller_id ?? true,
    daily_cap: number?.daily_cap ?? null,
    is_active: number?.is_active ?? true,
  });
  const change = (by: Partial<typeof draft>) => setDraft({ ...draft, ...by });
  const save = useWork(async () => {
    const { phone_number, ...settings } = draft;
    if (number) await put("/phone-numbers/{phone_number_id}", { path: { phone_number_id: number.id }, body: settings });
    else await post("/phone-numbers", { body: { phone_number, ...settings } });
    onDone();
    onClose();
  });
  return (
    <Dialog
      title={number ? `Change ${number.phone_number}` : "Add a number"}
      onClose={onClose}
      onSubmit={() => void save.run()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="first" busy={save.busy}>
            {number ? "Save" : "Add"}
          </Button>
        </>
      }
    >
      <div class="fields">
        {!number && <TextField label="Phone number" field="phone_number" error={save.error} type="tel" value={draft.phone_number} onText={(phone_number) => change({ phone_number })} placeholder="+1 202 555 0100" required autoFocus />}
        <TextField label="Label" field="label" error={save.error} value={draft.label} onText={(label) => change({ label })} />
        <SelectField label="Carrier" field="integration_id" error={save.error} value={draft.integration_id} onText={(integration_id) => change({ integration_id })} options={lines.map(({ id, name }) => [id, name] as const)} />
        <SelectField label="Answered by" field="agent_id" error={save.error} value={draft.agent_id ?? ""} onText={(id) => change({ agent_id: id || null })} options={[["", "nobody"], ...choices(agents.value)]} />
        <TextField label="Calls from it a day, at most" field="daily_cap" error={save.error} type="number" min={1} value={draft.daily_cap === null ? "" : String(draft.daily_cap)} onText={(text) => change({ daily_cap: text ? Number(text) : null })} hint="Empty: as many as needed." />
      </div>
      <CheckField label="Calls may come from it" value={draft.is_caller_id} onChange={(is_caller_id) => change({ is_caller_id })} />
      <CheckField label="Ring back whoever rang it in vain" value={draft.missed_call === "callback"} onChange={(on) => change({ missed_call: on ? "callback" : "none" })} />
      <CheckField label="In use" value={draft.is_active} onChange={(is_active) => change({ is_active })} />
      <Problem error={save.error} shown={["phone_number", "label", "integration_id", "agent_id", "daily_cap"]} />
    </Dialog>
  );
}
