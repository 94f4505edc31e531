import { useAsk } from "../lib/use";
import { get, type ApiError, type Schemas } from "../lib/api";
import { CheckField, SelectField, TextArea, TextField } from "../ui/field";
import { ListField } from "../ui/list-field";
import { Card } from "../ui/parts";
import { Afterwards } from "./after";
import { CallerLookup } from "./caller-lookup";
import { FlowEditor } from "./flow-editor";
import { TEMPLATES, type Draft } from "./templates";
import { Tools } from "./tools";

type Change = (by: Partial<Draft>) => void;
type Props = { draft: Draft; change: Change; error: ApiError | null };
type Conversation = NonNullable<Draft["conversation"]>;

const BRAINS = [
  ["flow", "A flow: fixed steps, exact answers"],
  ["llm", "A language model: talks freely"],
  ["external", "Your own service, called for each turn"],
] as const;
const SECONDS: [keyof Conversation, string, number, number, string?][] = [
  ["endpointing_silence", "Silence that ends the caller's turn", 0.1, 5],
  ["barge_in_confirm", "Speech that counts as an interruption", 0.05, 2],
  ["hello_wait", "Wait for their hello", 0, 5],
  ["reprompt_after", "Ask again after silence of", 1, 60],
  ["silence_hangup", "Hang up after silence of", 5, 300],
  ["maximum_duration", "Longest call", 10, 7200],
];

const KINDS_THAT_FAIL = [["stt", "If recognition fails"], ["tts", "If the voice fails"], ["llm", "If the model fails"]] as const;

const withOut = (lists: Record<string, string[] | undefined>): Draft["fallback_providers"] => Object.fromEntries(Object.entries(lists).filter(([, names]) => names?.length)) as Draft["fallback_providers"];

export const brainOf = (draft: Draft): string => draft.brain ?? (draft.flow && !draft.llm_provider ? "flow" : "llm");

export function AgentFields({ draft, change, error }: Props) {
  const brain = brainOf(draft);
  const setBrain = (next: string) => {
    const flow = draft.flow ?? (next === "flow" ? TEMPLATES[0]!.draft.flow : undefined);
    change({ brain: next as Draft["brain"], ...(flow ? { flow } : {}) });
  };
  return (
    <>
      <Card title="Who it is">
        <div class="fields">
          <TextField label="Name" field="name" error={error} value={draft.name} onText={(name) => change({ name })} required />
          <TextField label="Language" field="language" error={error} value={draft.language ?? "en-US"} onText={(language) => change({ language })} hint="A tag like en-US or hi-IN." />
          <SelectField label="What decides its answers" value={brain} onText={setBrain} options={BRAINS} field="brain" error={error} />
          <TextArea label="Description" field="description" error={error} value={draft.description ?? ""} onText={(description) => change({ description })} rows={2} />
        </div>
      </Card>
      {brain === "flow" && draft.flow && <FlowEditor flow={draft.flow} language={(draft.language ?? "en-US").split("-")[0]!.toLowerCase()} change={(flow) => change({ flow })} error={error} />}
      {brain !== "flow" && <Prompt {...{ draft, change, error }} />}
      <Voices {...{ draft, change, error }} />
      <TakingTurns {...{ draft, change, error }} />
      <Card title="What counts as success">
        <ListField label="Dispositions that reach the goal" field="success_dispositions" error={error} value={draft.success_dispositions ?? []} onValue={(success_dispositions) => change({ success_dispositions })} placeholder="confirmed, rescheduled" hint="Separated by commas; the goal rate in reports counts them." />
      </Card>
      <CallerLookup {...{ draft, change, error }} />
      <Tools tools={draft.tools ?? []} change={(tools) => change({ tools })} error={error} />
      <Afterwards {...{ draft, change, error }} />
    </>
  );
}

function Prompt({ draft, change, error }: Props) {
  return (
    <Card title="What it knows and does">
      <div class="stack">
        <TextArea label="Greeting" field="greeting_message" error={error} value={draft.greeting_message ?? ""} onText={(greeting_message) => change({ greeting_message })} rows={2} hint="Its first words. Variables like {{name}} are filled in." />
        <TextArea label="Instructions" field="system_prompt" error={error} value={draft.system_prompt ?? ""} onText={(system_prompt) => change({ system_prompt })} rows={12} hint="Who it is, what it wants to find out, what it must not say." />
      </div>
    </Card>
  );
}

function Voices({ draft, change, error }: Props) {
  const known = useAsk<Schemas["ProviderShown"][]>("providers", (signal) => get("/integrations/providers", { signal }));
  const names = (type: string, ...more: string[]): string[] => [...new Set([...more, ...(known.data ?? []).filter((each) => each.type === type).map(({ provider }) => provider)])];
  const voice = draft.voice_parameters ?? {};
  return (
    <Card title="Ears, voice and line" about="Built-in providers run on this machine; others need an integration">
      <div class="fields">
        <TextField label="Speech recognition" field="stt_provider" error={error} value={draft.stt_provider ?? "moonshine"} onText={(stt_provider) => change({ stt_provider })} suggestions={names("stt", "moonshine", "pocketsphinx")} />
        <TextField label="Voice" field="tts_provider" error={error} value={draft.tts_provider ?? "espeak"} onText={(tts_provider) => change({ tts_provider })} suggestions={names("tts", "espeak")} />
        <TextField label="Speed of the voice" field="voice_parameters.speed" error={error} type="number" min={0.5} max={2} step={0.1} value={String(voice.speed ?? 1)} onText={(text) => change({ voice_parameters: { ...voice, speed: Number(text) } })} />
        <TextField label="Which voice" field="voice_parameters.voice_id" error={error} value={voice.voice_id ?? ""} onText={(text) => change({ voice_parameters: { ...voice, voice_id: text || null } })} hint="The provider's name for it." />
        {brainOf(draft) === "llm" && (
          <>
            <TextField label="Language model's provider" field="llm_provider" error={error} value={draft.llm_provider ?? ""} onText={(text) => change({ llm_provider: text || null })} suggestions={names("llm")} />
            <TextField label="Model" field="llm_model" error={error} value={draft.llm_model ?? ""} onText={(text) => change({ llm_model: text || null })} />
          </>
        )}
        {KINDS_THAT_FAIL.map(([kind, label]) => (
          <ListField key={kind} label={label} field={`fallback_providers.${kind}`} error={error} value={draft.fallback_providers?.[kind] ?? []} onValue={(names) => change({ fallback_providers: withOut({ ...draft.fallback_providers, [kind]: names }) })} hint="Who takes over in the middle of a call. Separated by commas." />
        ))}
        <TextField label="Carrier" field="telephony_provider" error={error} value={draft.telephony_provider ?? ""} onText={(text) => change({ telephony_provider: text || null })} suggestions={names("telephony")} hint="Empty: the one that is connected." />
      </div>
    </Card>
  );
}

function TakingTurns({ draft, change, error }: Props) {
  const now: Conversation = draft.conversation ?? {};
  const set = (by: Partial<Conversation>) => change({ conversation: { ...now, ...by } });
  return (
    <Card title="Taking turns" about="Seconds">
      <div class="stack">
        <div class="fields">
          {SECONDS.map(([name, label, min, max]) => (
            <TextField key={name} label={label} field={`conversation.${name}`} error={error} type="number" min={min} max={max} step="any" value={String(now[name] ?? "")} onText={(text) => set({ [name]: text === "" ? undefined : Number(text) })} />
          ))}
          <SelectField
            label="When a voicemail answers"
            value={now.voicemail ?? "hang_up"}
            onText={(voicemail) => set({ voicemail: voicemail as Conversation["voicemail"] })}
            options={[["hang_up", "Hang up"], ["leave_message", "Leave a message"], ["continue", "Talk on"]]}
          />
          <TextField label="Fill a silence after" field="conversation.filler_after" error={error} type="number" min={0.3} max={4} step="any" value={String(now.filler_after ?? "")} onText={(text) => set({ filler_after: text === "" ? null : Number(text) })} hint="Empty: silence while it thinks." />
          {now.filler_after && <ListField label="With words like" field="conversation.fillers" error={error} value={now.fillers ?? []} onValue={(fillers) => set({ fillers })} placeholder="One moment, Let me see" />}
          {now.voicemail === "leave_message" && <TextArea label="Message" value={now.voicemail_message ?? ""} onText={(voicemail_message) => set({ voicemail_message })} rows={2} />}
        </div>
        <CheckField label="The caller may interrupt the agent" value={now.barge_in ?? true} onChange={(barge_in) => set({ barge_in })} />
        <CheckField label="The agent speaks first" value={now.greet_first ?? true} onChange={(greet_first) => set({ greet_first })} />
        {brainOf(draft) === "llm" && <CheckField label="Ask the model while the caller may still go on" hint="Answers sooner; replies that nobody hears are billed, too." value={now.early_reply ?? false} onChange={(early_reply) => set({ early_reply })} />}
      </div>
    </Card>
  );
}
