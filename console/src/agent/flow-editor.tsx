import { useState } from "preact/hooks";
import { CircleAlert, CornerDownRight, Languages, MessageCircle, MessageCircleQuestionMark, PhoneOff, Plus, Split, Trash2, Wrench, X, type IconNode } from "lucide";
import { get, type ApiError } from "../lib/api";
import { listed } from "../lib/typed";
import { useAsk } from "../lib/use";
import { CheckField, SelectField, TextField } from "../ui/field";
import { Icon } from "../ui/icon";
import { Button, Card, Note } from "../ui/parts";
import { languagesOf, orderOf, problemsOf, renamed, withText } from "./flow-rules";
import type { Flow, Step } from "./templates";

type Ask = Extract<Step, { kind: "ask" }>;

const KINDS: Record<Step["kind"], [string, IconNode]> = {
  say: ["Say", MessageCircle],
  ask: ["Ask", MessageCircleQuestionMark],
  branch: ["Branch", Split],
  tool: ["Use a tool", Wrench],
  language: ["Change the language", Languages],
  end: ["End", PhoneOff],
};
const ANSWERS = [
  ["yes_no", "Yes or no"],
  ["choice", "One of several answers"],
  ["number", "A number"],
  ["digits", "Digits, spoken one by one"],
  ["date", "A date"],
  ["name", "A name"],
  ["keypad", "Keys pressed"],
  ["free", "Anything"],
] as const;

/** Steps as cards in the order in which a call meets them. */
export function FlowEditor({ flow, language, change, error }: { flow: Flow; language: string; change: (flow: Flow) => void; error: ApiError | null }) {
  const recordings = useAsk<string[]>("prompts:names", async (signal) => (await get("/prompts", { query: { limit: 100 }, signal })).items.map(({ name }) => name));
  const problems = problemsOf(flow);
  const names = Object.keys(flow.steps);
  const put = (name: string, step: Step) => change({ ...flow, steps: { ...flow.steps, [name]: step } });
  const add = () => {
    const name = freeName(names, "step");
    change({ ...flow, steps: { ...flow.steps, [name]: { kind: "say", text: "", next: "" } } });
    requestAnimationFrame(() => document.getElementById(`step-${name}`)?.scrollIntoView({ behavior: "smooth", block: "center" }));
  };
  const drop = (name: string) => {
    const { [name]: _, ...steps } = flow.steps;
    change({ start: flow.start, steps });
  };
  return (
    <Card
      title="Conversation"
      about="Steps in the order in which a call meets them"
      actions={
        <Button icon={Plus} look="little" onClick={add}>
          Add a step
        </Button>
      }
    >
      <div class="stack">
        <div class="fields">
          <SelectField label="First step" value={flow.start} onText={(start) => change({ ...flow, start })} options={names.map((name) => [name, name] as const)} field="flow.start" error={error} />
        </div>
        {problems[""]?.map((each) => <Note key={each} kind="bad">{each}</Note>)}
        <ol class="flow">
          {orderOf(flow).map(({ name }) => (
            <StepCard
              key={name}
              name={name}
              step={flow.steps[name]!}
              names={names}
              recordings={recordings.data ?? []}
              others={languagesOf(flow)}
              language={language}
              isFirst={name === flow.start}
              problems={[...(problems[name] ?? []), ...(error?.fields ?? []).filter(({ field }) => field.startsWith(`flow.steps.${name}.`)).map(({ field, message }) => `${field.slice(`flow.steps.${name}.`.length)}: ${message}`)]}
              put={(step) => put(name, step)}
              drop={() => drop(name)}
              rename={(to) => change(renamed(flow, name, to))}
            />
          ))}
        </ol>
      </div>
    </Card>
  );
}

function freeName(names: string[], stem: string): string {
  for (let number = 1; ; number++) if (!names.includes(`${stem}_${number}`)) return `${stem}_${number}`;
}

interface CardProps {
  name: string;
  step: Step;
  names: string[];
  /** Those that can be played in place of the voice. */
  recordings: string[];
  language: string;
  /** Languages that the flow changes to: what is said may be written in them, too. */
  others: string[];
  isFirst: boolean;
  problems: string[];
  put: (step: Step) => void;
  drop: () => void;
  rename: (to: string) => void;
}

function StepCard({ name, step, names, recordings, language, others, isFirst, problems, put, drop, rename }: CardProps) {
  const [typed, setTyped] = useState(name);
  const [kindName, icon] = KINDS[step.kind];
  const targets = [["", "choose a step"], ...names.filter((each) => each !== name).map((each) => [each, each])] as [string, string][];
  const speaks = step.kind === "say" || step.kind === "ask" || step.kind === "end";
  return (
    <li class={`step-card ${step.kind}${problems.length ? " wrong" : ""}`} id={`step-${name}`}>
      <div class="row">
        <span class="step-kind">
          <Icon of={icon} />
        </span>
        <input
          class="input step-name"
          aria-label={`Name of the step ${name}`}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value.replace(/\W+/g, "_"))}
          onBlur={() => (typed ? rename(typed) : setTyped(name))}
        />
        {isFirst && <span class="tag">first</span>}
        <span class="grow" />
        <select class="input little" aria-label={`What ${name} does`} value={step.kind} onChange={(event) => put(asKind(step, event.currentTarget.value as Step["kind"]))}>
          {Object.entries(KINDS).map(([kind, [text]]) => (
            <option key={kind} value={kind}>
              {text}
            </option>
          ))}
        </select>
        <Button look="quiet little" icon={Trash2} label={`Remove the step ${name}`} onClick={drop} />
      </div>
      {speaks && (
        <textarea class="input" rows={2} aria-label={`${kindName}: the words of ${name}`} placeholder="What the agent says. {{name | there}} puts a variable in." value={step.text ?? ""} onInput={(event) => put({ ...step, text: event.currentTarget.value })} />
      )}
      {speaks &&
        others.map((tag) => (
          <textarea
            key={tag}
            class="input"
            rows={2}
            lang={tag}
            aria-label={`${kindName}: the words of ${name} in ${tag}`}
            placeholder={`The same in ${tag}`}
            value={step.texts?.[tag] ?? ""}
            onInput={(event) => put({ ...step, texts: withText(step.texts, tag, event.currentTarget.value) })}
          />
        ))}
      {speaks && (recordings.length > 0 || Object.keys(step.prompts ?? {}).length > 0) && <Played step={step} recordings={recordings} language={language} put={put} />}
      {speaks && <CheckField label="Nobody may keep this" hint="The recording pauses, and the answer is written down nowhere." value={step.private ?? false} onChange={(on) => put({ ...step, private: on })} />}
      {step.kind === "ask" && <Expecting name={name} step={step} put={put} targets={targets} />}
      {step.kind === "say" && <Next label="Then" value={step.next} targets={targets} onText={(next) => put({ ...step, next })} />}
      {step.kind === "end" && (
        <div class="fields">
          <TextField label="How the call ended" value={step.disposition ?? ""} onText={(disposition) => put({ ...step, disposition })} placeholder="confirmed" hint="Shown in the log, counted in reports." />
        </div>
      )}
      {step.kind === "branch" && (
        <>
          <div class="fields">
            <TextField label="Variable to go by" value={step.on} onText={(on) => put({ ...step, on })} />
          </div>
          <Branches branches={step.branches} targets={targets} put={(branches) => put({ ...step, branches })} open />
          <Next label="Otherwise" value={step.next} targets={targets} onText={(next) => put({ ...step, next })} />
        </>
      )}
      {step.kind === "tool" && (
        <>
          <div class="fields">
            <TextField label="Tool" value={step.tool} onText={(tool) => put({ ...step, tool })} />
            <TextField label="Keep the answer as" value={step.save_as ?? ""} onText={(save_as) => put({ ...step, save_as: save_as || null })} />
          </div>
          <Next label="Then" value={step.next} targets={targets} onText={(next) => put({ ...step, next })} />
        </>
      )}
      {step.kind === "language" && (
        <>
          <div class="fields">
            <TextField label="Language" value={step.language} onText={(language) => put({ ...step, language })} placeholder="hi-IN" hint="Heard and spoken from here." />
          </div>
          <Next label="Then" value={step.next} targets={targets} onText={(next) => put({ ...step, next })} />
        </>
      )}
      {problems.map((each) => (
        <p key={each} class="step-problem">
          <Icon of={CircleAlert} />
          {each}
        </p>
      ))}
    </li>
  );
}

/** A recording in place of the voice, for callers of the agent's language. */
function Played({ step, recordings, language, put }: { step: Exclude<Step, { kind: "branch" | "tool" | "language" }>; recordings: string[]; language: string; put: (step: Step) => void }) {
  const { [language]: chosen = "", ...others } = step.prompts ?? {};
  const missing = chosen && !recordings.includes(chosen) ? [[chosen, `${chosen} (missing)`] as const] : [];
  return (
    <div class="fields">
      <SelectField label="Spoken by" value={chosen} onText={(name) => put({ ...step, prompts: name ? { ...others, [language]: name } : others })} options={[["", "the agent's voice"], ...recordings.map((each) => [each, `the recording ${each}`] as const), ...missing]} />
    </div>
  );
}

function Expecting({ name, step, put, targets }: { name: string; step: Ask; put: (step: Step) => void; targets: [string, string][] }) {
  const type = step.expect?.type ?? "yes_no";
  const choices = step.expect?.choices ?? {};
  const answers = type === "choice" ? Object.keys(choices) : type === "yes_no" ? ["yes", "no"] : [];
  const setChoices = (next: Record<string, string[]>) => put({ ...step, expect: { ...step.expect, type, choices: next } });
  return (
    <>
      <div class="fields">
        <SelectField label="It expects" value={type} options={ANSWERS} onText={(kind) => put({ ...step, expect: { ...step.expect, type: kind as Ask["expect"]["type"], choices: kind === "choice" ? choices : {} } })} />
        <TextField label="Keep the answer as" value={step.save_as ?? ""} onText={(save_as) => put({ ...step, save_as: save_as || null })} hint="A variable for later texts and for the log." />
      </div>
      {type === "choice" && (
        <div class="stack tight">
          {Object.entries(choices).map(([answer, phrases]) => (
            <div key={answer} class="row">
              <span class="tag">{answer}</span>
              <input
                class="input"
                aria-label={`Ways to say ${answer}`}
                value={phrases.join(", ")}
                placeholder="what people say, separated by commas"
                onChange={(event) => setChoices({ ...choices, [answer]: listed(event.currentTarget.value) })}
              />
              <Button look="quiet little" icon={X} label={`Remove the answer ${answer}`} onClick={() => setChoices(Object.fromEntries(Object.entries(choices).filter(([key]) => key !== answer)))} />
            </div>
          ))}
          <AddAnswer label={`Add an answer to ${name}`} add={(answer) => setChoices({ ...choices, [answer]: choices[answer] ?? [answer.replace(/_/g, " ")] })} />
        </div>
      )}
      {answers.length > 0 && <Branches branches={step.branches ?? {}} answers={answers} targets={targets} otherwise={step.next ? "as for any other answer" : undefined} put={(branches) => put({ ...step, branches })} />}
      <Next label={answers.length ? "Any other answer" : "Then"} value={step.next ?? ""} targets={targets} onText={(next) => put({ ...step, next: next || null })} />
      <div class="fields">
        <SelectField label="If nothing is said" value={step.on_silence ?? ""} options={[["", "ask again, then end"], ...targets.slice(1)]} onText={(on_silence) => put({ ...step, on_silence: on_silence || null })} />
        <SelectField label="If it is not understood" value={step.on_unknown ?? ""} options={[["", "ask again, then end"], ...targets.slice(1)]} onText={(on_unknown) => put({ ...step, on_unknown: on_unknown || null })} />
      </div>
      <CheckField label="The caller may interrupt" value={step.interruptible ?? true} onChange={(interruptible) => put({ ...step, interruptible })} />
    </>
  );
}

function Branches({ branches, answers, targets, put, open, otherwise }: { branches: Record<string, string>; answers?: string[]; targets: [string, string][]; put: (branches: Record<string, string>) => void; open?: boolean; otherwise?: string }) {
  const shown = answers ?? Object.keys(branches);
  const set = (answer: string, to: string) => {
    const next = { ...branches, [answer]: to };
    if (!to && !open) delete next[answer];
    put(next);
  };
  return (
    <div class="stack tight">
      {shown.map((answer) => (
        <Next key={answer} label={`On “${answer}”`} value={branches[answer] ?? ""} targets={otherwise ? [["", otherwise], ...targets.slice(1)] : targets} onText={(to) => set(answer, to)} />
      ))}
      {open && <AddAnswer label="Add a value" add={(answer) => set(answer, "")} />}
    </div>
  );
}

function Next({ label, value, targets, onText }: { label: string; value: string; targets: [string, string][]; onText: (value: string) => void }) {
  return (
    <label class="row next">
      <Icon of={CornerDownRight} />
      <span class="next-label">{label}</span>
      <select class="input" value={value} onChange={(event) => onText(event.currentTarget.value)}>
        {targets.map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
        {value && !targets.some(([name]) => name === value) && <option value={value}>{value} (missing)</option>}
      </select>
    </label>
  );
}

function AddAnswer({ label, add }: { label: string; add: (answer: string) => void }) {
  const [typed, setTyped] = useState("");
  const put = () => {
    const answer = typed.trim().toLowerCase().replace(/\W+/g, "_");
    if (answer) add(answer);
    setTyped("");
  };
  return (
    <div class="row">
      <input
        class="input add-answer"
        aria-label={label}
        placeholder="another answer"
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          put();
        }}
      />
      <Button look="little" icon={Plus} onClick={put}>
        Add
      </Button>
    </div>
  );
}

function asKind(step: Step, kind: Step["kind"]): Step {
  const text = "text" in step ? (step.text ?? "") : "";
  const next = ("next" in step && step.next) || "";
  switch (kind) {
    case "say":
      return { kind, text, next };
    case "ask":
      return { kind, text, expect: { type: "yes_no" }, branches: {}, next: next || null };
    case "branch":
      return { kind, on: "", branches: {}, next };
    case "tool":
      return { kind, tool: "", next };
    case "language":
      return { kind, language: "", next };
    case "end":
      return { kind, text, disposition: "" };
  }
}
