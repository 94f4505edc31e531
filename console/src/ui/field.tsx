import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { CircleAlert, Search } from "lucide";
import type { ApiError } from "../lib/api";
import { Icon } from "./icon";

/** What an input may be given besides; the library's own types know each kind of input by itself. */
interface Given {
  type?: "text" | "email" | "password" | "tel" | "url" | "number" | "date" | "time" | "datetime-local" | "search";
  autocomplete?: string;
  required?: boolean;
  autoFocus?: boolean;
  placeholder?: string;
  min?: number | string;
  max?: number | string;
  step?: number | string;
  disabled?: boolean;
  readOnly?: boolean;
  rows?: number;
}

interface Common {
  label: string;
  hint?: ComponentChildren;
  /** The name that the API gives the field, by which its problem is found. */
  field?: string;
  error?: ApiError | null;
  problem?: string | null;
  full?: boolean;
}

export function problemOf(error: ApiError | null | undefined, field: string | undefined): string | null {
  if (!error || !field) return null;
  return error.fields.find((each) => each.field === field)?.message ?? null;
}

function Framed({ id, label, hint, problem, full, children }: Common & { id: string; children: ComponentChildren }) {
  return (
    <div class={`field${full ? " full" : ""}`}>
      <label for={id}>{label}</label>
      {children}
      {problem && (
        <span class="problem" id={`${id}-problem`}>
          <Icon of={CircleAlert} />
          {problem}
        </span>
      )}
      {hint && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
    </div>
  );
}

const described = (id: string, hint: unknown, problem: unknown) => ({
  "aria-describedby": [problem ? `${id}-problem` : "", hint ? `${id}-hint` : ""].filter(Boolean).join(" ") || undefined,
  "aria-invalid": problem ? ("true" as const) : undefined,
});

export function TextField({
  label, hint, field, error, problem, full, value, onText, suggestions, ...rest
}: Common & { value: string; onText: (value: string) => void; suggestions?: string[] } & Given) {
  const id = useId();
  const wrong = problem ?? problemOf(error, field);
  return (
    <Framed {...{ id, label, hint, full, problem: wrong }}>
      <input
        class="input" id={id} type="text" autocomplete="off" {...(rest as object)} value={value} {...described(id, hint, wrong)}
        list={suggestions ? `${id}-list` : undefined} onInput={(event) => onText(event.currentTarget.value)}
      />
      {suggestions && (
        <datalist id={`${id}-list`}>
          {suggestions.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
    </Framed>
  );
}

export function TextArea({
  label, hint, field, error, problem, full = true, value, onText, mono, ...rest
}: Common & { value: string; onText: (value: string) => void; mono?: boolean } & Pick<Given, "required" | "placeholder" | "rows" | "disabled" | "readOnly">) {
  const id = useId();
  const wrong = problem ?? problemOf(error, field);
  return (
    <Framed {...{ id, label, hint, full, problem: wrong }}>
      <textarea class={`input${mono ? " mono" : ""}`} id={id} rows={4} {...rest} value={value} {...described(id, hint, wrong)} onInput={(event) => onText(event.currentTarget.value)} />
    </Framed>
  );
}

export function SelectField({
  label, hint, field, error, problem, full, value, onText, options, ...rest
}: Common & { value: string; onText: (value: string) => void; options: readonly (readonly [string, string])[] } & Pick<Given, "required" | "disabled">) {
  const id = useId();
  const wrong = problem ?? problemOf(error, field);
  return (
    <Framed {...{ id, label, hint, full, problem: wrong }}>
      <select class="input" id={id} {...rest} value={value} {...described(id, hint, wrong)} onChange={(event) => onText(event.currentTarget.value)}>
        {options.map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
    </Framed>
  );
}

export function CheckField({ label, hint, value, onChange, full }: { label: string; hint?: string; value: boolean; onChange: (value: boolean) => void; full?: boolean }) {
  return (
    <label class={`check${full ? " full" : ""}`}>
      <input type="checkbox" checked={value} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>
        {label}
        {hint && <span class="small dim"> {hint}</span>}
      </span>
    </label>
  );
}

/** A filter in a row of filters: its name is its first option. */
export function Choice({ label, value, onText, options }: { label: string; value: string; onText: (value: string) => void; options: readonly (readonly [string, string])[] }) {
  return (
    <select class={`input${value ? " chosen" : ""}`} aria-label={label} value={value} onChange={(event) => onText(event.currentTarget.value)}>
      <option value="">{label}</option>
      {options.map(([name, text]) => (
        <option key={name} value={name}>
          {text}
        </option>
      ))}
    </select>
  );
}

export function SearchField({ label, value, onText }: { label: string; value: string; onText: (value: string) => void }) {
  return (
    <div class="seek">
      <Icon of={Search} />
      <input class="input" type="search" placeholder={label} aria-label={label} value={value} onInput={(event) => onText(event.currentTarget.value)} />
    </div>
  );
}
