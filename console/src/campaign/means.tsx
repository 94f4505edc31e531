/** Which numbers a campaign calls from, what it may cost, who takes its calls, and which agents share it. */
import { get, type ApiError, type Schemas } from "../lib/api";
import { asNumber, asText } from "../lib/typed";
import { agents, choices } from "../lib/names";
import { useAsk } from "../lib/use";
import { CheckField, SelectField, TextField } from "../ui/field";
import { ListField } from "../ui/list-field";
import { Card } from "../ui/parts";
import type { Draft } from "./form";

interface Props {
  draft: Draft;
  change: (by: Partial<Draft>) => void;
  error: ApiError | null;
}

export function CampaignMeans({ draft, change, error }: Props) {
  const lines = useAsk<Schemas["IntegrationShown"][]>("lines", async (signal) => (await get("/integrations", { query: { type: "telephony", limit: 100 }, signal })).items);
  const split = draft.split;
  return (
    <>
      <Card title="Whose number they see">
        <div class="stack">
          <div class="fields">
            <SelectField label="Carrier" field="telephony_provider" error={error} value={draft.telephony_provider ?? ""} onText={(text) => change({ telephony_provider: text || null })} options={[["", "the one that is connected"], ...[...new Set((lines.data ?? []).map(({ provider }) => provider))].map((name) => [name, name] as const)]} />
            <ListField label="Call from these numbers alone" field="caller_ids" error={error} value={draft.caller_ids ?? []} onValue={(caller_ids) => change({ caller_ids })} placeholder="+12025550100" hint="Separated by commas. Empty: from any of yours." />
          </div>
          <CheckField label="Prefer a number of the same area" value={draft.local_presence ?? true} onChange={(local_presence) => change({ local_presence })} />
        </div>
      </Card>
      <Card title="What it may cost, and who takes over">
        <div class="fields">
          <TextField label="Dollars in all" field="spend_cap" error={error} type="number" min={0} step="any" value={asText(draft.spend_cap)} onText={(text) => change({ spend_cap: asNumber(text) })} hint="Nobody is dialled whose call could pass it. Empty: no cap." />
          <TextField label="Dollars a minute" field="price_per_minute" error={error} type="number" min={0} step="any" value={asText(draft.price_per_minute)} onText={(text) => change({ price_per_minute: asNumber(text) })} hint="What caps count with. Empty: the carrier's setting." />
          <TextField label="Colleagues who take calls" field="people" error={error} type="number" min={1} value={asText(draft.people)} onText={(text) => change({ people: asNumber(text) })} hint="Where the agent hands calls over: dialling then follows who is free." />
          {draft.people && <TextField label="Abandoned calls, at most (%)" field="max_abandoned" error={error} type="number" min={0.1} max={20} step="any" value={String(Math.round(1000 * (draft.max_abandoned ?? 0.03)) / 10)} onText={(text) => change({ max_abandoned: Number(text) / 100 })} />}
        </div>
      </Card>
      <Card title="Two agents, compared" about="A part of the people, drawn by chance, hears another agent; Analytics then compares the two">
        <div class="fields">
          <SelectField label="The other agent" field="split.agent_id" error={error} value={split?.agent_id ?? ""} onText={(agent_id) => change({ split: agent_id ? { percent: split?.percent ?? 50, agent_id } : null })} options={[["", "none: all hear the same one"], ...choices(agents.value.filter(({ id }) => id !== draft.agent_id))]} />
          {split && <TextField label="Of a hundred people, it talks to" field="split.percent" error={error} type="number" min={1} max={99} value={String(split.percent)} onText={(text) => change({ split: { ...split, percent: Number(text) } })} />}
        </div>
      </Card>
    </>
  );
}
