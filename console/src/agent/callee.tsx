import { useId, useState } from "preact/hooks";
import { ChevronDown, ChevronRight } from "lucide";
import type { ApiError, Schemas } from "../lib/api";
import { CheckField, TextArea, TextField } from "../ui/field";
import { ListField } from "../ui/list-field";
import { Button } from "../ui/parts";

export type Callee = Schemas["TrialCallee-Input"];
type Reply = NonNullable<Callee["replies"]>[number];

export const NEW_CALLEE: Callee = { name: "Somebody", replies: [{ says: "Yes." }] };
const KEYS = /^press(?:es)?\s+([0-9*#]+)$/i;

interface Props {
  callee: Callee;
  isIn: boolean;
  onIn: (isIn: boolean) => void;
  put: (callee: Callee) => void;
  error: ApiError | null;
  field: string;
}

/** A simulated person on a line; what they say and what must come of it underneath. */
export function CalleeFields({ callee, isIn, onIn, put, error, field }: Props) {
  const [isOpened, setOpened] = useState(false);
  const id = useId();
  return (
    <>
      <div class="row">
        <input type="checkbox" aria-label={`Try it on: ${callee.name}`} checked={isIn} onChange={(event) => onIn(event.currentTarget.checked)} />
        <span class="grow truncate">
          <span class="strong">{callee.name}</span>
          <span class="small dim block truncate">{about(callee)}</span>
        </span>
        {callee.reaches && <span class="tag">must reach {callee.reaches}</span>}
        <Button look="quiet little" icon={isOpened ? ChevronDown : ChevronRight} label={`${isOpened ? "Fold" : "Change"}: ${callee.name}`} aria-expanded={isOpened} aria-controls={id} onClick={() => setOpened(!isOpened)} />
      </div>
      {isOpened && (
        <div class="fields callee" id={id}>
          <TextField label="Name" field={`${field}.name`} error={error} value={callee.name} onText={(name) => put({ ...callee, name })} />
          <TextField label="Must reach" field={`${field}.reaches`} error={error} value={callee.reaches ?? ""} onText={(text) => put({ ...callee, reaches: text || null })} placeholder="any ending" hint="A disposition." />
          <Replies replies={callee.replies ?? []} put={(replies) => put({ ...callee, replies })} />
          <TextField label="Turns, at most" field={`${field}.max_turns`} error={error} type="number" min={1} value={String(callee.max_turns ?? "")} onText={(text) => put({ ...callee, max_turns: text ? Number(text) : null })} />
          <TextField label="Answers within (ms, 95 of 100)" field={`${field}.latency_p95_ms`} error={error} type="number" min={1} value={String(callee.latency_p95_ms ?? "")} onText={(text) => put({ ...callee, latency_p95_ms: text ? Number(text) : null })} />
          <ListField label="The agent must never say" field={`${field}.never_says`} error={error} value={callee.never_says ?? []} onValue={(never_says) => put({ ...callee, never_says })} full />
          <CheckField label="Cuts in while the agent speaks" value={callee.interrupts ?? false} onChange={(interrupts) => put({ ...callee, interrupts })} />
          <CheckField label="Has a voicemail instead" value={callee.voicemail ?? false} onChange={(voicemail) => put({ ...callee, voicemail })} />
        </div>
      )}
    </>
  );
}

function about(callee: Callee): string {
  if (callee.voicemail) return "A machine takes the call";
  const said = (callee.replies ?? []).map(lineOf).join(" · ");
  const known = Object.entries(callee.variables ?? {}).map(([name, value]) => `{{${name}}} = ${value}`);
  return [said || "Stays silent", callee.interrupts ? "cuts in" : "", ...known].filter(Boolean).join(" · ");
}

const lineOf = (reply: Reply): string => (reply.press ? `press ${reply.press}` : (reply.says ?? ""));

function Replies({ replies, put }: { replies: readonly Reply[]; put: (replies: Reply[]) => void }) {
  const [text, setText] = useState(replies.map(lineOf).join("\n"));
  const type = (next: string) => {
    setText(next);
    put(
      next
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean)
        .map((line) => {
          const keys = KEYS.exec(line);
          return keys ? { press: keys[1]! } : { says: line };
        }),
    );
  };
  return <TextArea label="What they answer" value={text} onText={type} rows={3} hint="A line each time the agent has spoken. “press 12” presses keys." />;
}
