import { useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import type { ApiError } from "../lib/api";
import { listed, sameList } from "../lib/typed";
import { TextField } from "./field";

/** Several short texts, separated by commas. */
export function ListField({ label, hint, field, error, full, value, onValue, placeholder, suggestions }: { label: string; hint?: ComponentChildren; field?: string; error?: ApiError | null; full?: boolean; value: readonly string[]; onValue: (value: string[]) => void; placeholder?: string; suggestions?: string[] }) {
  const [typed, setTyped] = useState(value.join(", "));
  const shown = sameList(typed, value) ? typed : value.join(", ");
  const type = (text: string) => {
    setTyped(text);
    onValue(listed(text));
  };
  return <TextField label={label} hint={hint ?? "Separated by commas."} field={field} error={error} full={full} value={shown} onText={type} placeholder={placeholder} suggestions={suggestions} />;
}
