import { useLocation } from "preact-iso";
import { useEffect, useState } from "preact/hooks";
import { PhoneCall } from "lucide";
import { post } from "../lib/api";
import { agents, choices, learnNames } from "../lib/names";
import { useWork } from "../lib/use";
import { Dialog } from "../ui/dialog";
import { SelectField, TextField } from "../ui/field";
import { Button, Note, Problem } from "../ui/parts";

/** Rings one number with one agent, now. */
export function TestCall({ onClose, agentId, variables = [] }: { onClose: () => void; agentId?: string; variables?: string[] }) {
  const { route } = useLocation();
  const [agent, setAgent] = useState(agentId ?? "");
  const [to, setTo] = useState("");
  const [values, setValues] = useState<Record<string, string>>({});
  useEffect(() => void learnNames().then(() => setAgent((old) => old || (agents.value[0]?.id ?? ""))), []);
  const work = useWork(async () => {
    const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value));
    const call = await post("/calls", { body: { agent_id: agent, to, variables: given } });
    onClose();
    route(`/console/calls/${call.id}`);
  });
  return (
    <Dialog
      title="Place a call"
      onClose={onClose}
      onSubmit={() => void work.run()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="first" icon={PhoneCall} busy={work.busy} disabled={!agent}>
            Ring now
          </Button>
        </>
      }
    >
      <p class="dim">The number is dialled within a second, at whatever hour it is there. You can listen to what is said as it happens.</p>
      {!agentId && agents.value.length === 0 && <Note kind="warn">There is no agent yet: <a href="/console/agents/new">make one first</a>.</Note>}
      <Problem error={work.error} shown={["to", "agent_id"]} />
      {!agentId && <SelectField label="Agent" field="agent_id" error={work.error} value={agent} onText={setAgent} options={choices(agents.value)} />}
      <TextField label="Phone number" field="to" error={work.error} value={to} onText={setTo} type="tel" placeholder="+1 202 555 0123" hint="With its country code." required autoFocus />
      {variables.length > 0 && (
        <div class="fields">
          {variables.map((name) => (
            <TextField key={name} label={name} value={values[name] ?? ""} onText={(text) => setValues({ ...values, [name]: text })} />
          ))}
        </div>
      )}
    </Dialog>
  );
}
