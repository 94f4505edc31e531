/** What is made of an agent's calls afterwards, and what of them nobody may keep. */
import { Plus, Trash2 } from "lucide";
import { get, type ApiError, type Schemas } from "../lib/api";
import { useAsk } from "../lib/use";
import { CheckField, SelectField, TextArea, TextField } from "../ui/field";
import { JsonField } from "../ui/json-field";
import { ListField } from "../ui/list-field";
import { Button, Card } from "../ui/parts";
import type { Draft } from "./templates";

interface Props {
  draft: Draft;
  change: (by: Partial<Draft>) => void;
  error: ApiError | null;
}

type Plan = NonNullable<Draft["analysis"]>;

const PRIVATE: [Schemas["Private"], string][] = [["card", "Card numbers"], ["phone", "Phone numbers"], ["email", "E-mail addresses"], ["digits", "Any row of digits"], ["name", "The contact's name"]];

export function Afterwards({ draft, change, error }: Props) {
  return (
    <>
      <Analysis {...{ draft, change, error }} />
      <Kept {...{ draft, change, error }} />
    </>
  );
}

function Analysis({ draft, change, error }: Props) {
  const plan: Plan = draft.analysis ?? {};
  const set = (by: Partial<Plan>) => change({ analysis: { ...plan, ...by } });
  const models = useAsk<Schemas["IntegrationShown"][]>("models", async (signal) => (await get("/integrations", { query: { type: "llm", limit: 100 }, signal })).items);
  const readers = (models.data ?? []).map(({ provider, name }) => [`${provider}/${name}`, name] as const);
  const chosen = plan.provider ?? "";
  const checks = plan.checks ?? [];
  const setCheck = (index: number, by: Partial<Schemas["PlannedCheck"]>) => set({ checks: checks.map((each, place) => (place === index ? { ...each, ...by } : each)) });
  return (
    <Card title="How its calls are read" about="The built-in analyzer needs nothing; a language model finds more">
      <div class="stack">
        <div class="fields">
          <SelectField
            label="Read by"
            field="analysis.provider"
            error={error}
            value={chosen}
            onText={(provider) => (provider ? set({ provider }) : change({ analysis: {} }))}
            options={[["", "the built-in analyzer"], ...readers, ...(chosen && !readers.some(([name]) => name === chosen) ? [[chosen, chosen] as const] : [])]}
            hint={models.data?.length === 0 ? "Connect a language model under Integrations to choose it here." : undefined}
          />
          {chosen && <TextField label="Model" field="analysis.model" error={error} value={plan.model ?? ""} onText={(model) => set({ model: model || null })} hint="Empty: the integration's." />}
        </div>
        {chosen && (
          <>
            <TextArea label="What it should know" field="analysis.instructions" error={error} value={plan.instructions ?? ""} onText={(instructions) => set({ instructions })} rows={3} />
            <ListField label="Dispositions to choose from" field="analysis.dispositions" error={error} full value={plan.dispositions ?? []} onValue={(dispositions) => set({ dispositions })} hint="Where the call noted none itself. Separated by commas." />
            <JsonField label="What to draw from the call" field="analysis.extract" error={error} value={plan.extract} onValue={(extract) => set({ extract: (extract ?? null) as Plan["extract"] })} rows={6} placeholder={'{"type": "object", "properties": {"visit_at": {"type": ["string", "null"]}}}'} hint="A JSON schema of an object; what fits it stands in the call's answers." />
            <div class="stack tight">
              <h3>Rules to check</h3>
              {checks.map((check, index) => (
                <div key={index} class="row wrap">
                  <input class="input narrow" aria-label={`Name of rule ${index + 1}`} placeholder="price_told" value={check.name} onInput={(event) => setCheck(index, { name: event.currentTarget.value })} />
                  <input class="input grow" aria-label={`Rule ${index + 1}`} placeholder="The agent named the price before it booked." value={check.rule} onInput={(event) => setCheck(index, { rule: event.currentTarget.value })} />
                  <Button look="quiet little" icon={Trash2} label={`Remove rule ${index + 1}`} onClick={() => set({ checks: checks.filter((_, place) => place !== index) })} />
                </div>
              ))}
              <div>
                <Button look="little" icon={Plus} onClick={() => set({ checks: [...checks, { name: "", rule: "" }] })}>
                  Add a rule
                </Button>
              </div>
            </div>
          </>
        )}
      </div>
    </Card>
  );
}

function Kept({ draft, change }: Props) {
  const redaction = draft.redaction ?? {};
  const kinds = redaction.kinds ?? [];
  return (
    <Card title="What is not kept" about="Struck from transcripts, notes of tools and the recording as they are written">
      <div class="stack tight">
        {PRIVATE.map(([kind, name]) => (
          <CheckField key={kind} label={name} value={kinds.includes(kind)} onChange={(on) => change({ redaction: { ...redaction, kinds: on ? [...kinds, kind] : kinds.filter((each) => each !== kind) } })} />
        ))}
        {kinds.length > 0 && <CheckField label="In the recording too" value={redaction.audio ?? true} onChange={(audio) => change({ redaction: { ...redaction, audio } })} />}
      </div>
    </Card>
  );
}
