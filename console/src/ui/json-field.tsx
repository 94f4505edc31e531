import { useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import type { ApiError } from "../lib/api";
import { TextArea } from "./field";

/** An object as JSON. What is no JSON yet stays in the field, said beneath it, and is not handed on. */
export function JsonField({ label, hint, field, error, value, onValue, rows = 5, placeholder }: { label: string; hint?: ComponentChildren; field?: string; error?: ApiError | null; value: unknown; onValue: (value: unknown) => void; rows?: number; placeholder?: string }) {
  const [text, setText] = useState(isNothing(value) ? "" : JSON.stringify(value, null, 2));
  const [problem, setProblem] = useState<string | null>(null);
  const type = (next: string) => {
    setText(next);
    try {
      onValue(next.trim() ? JSON.parse(next) : undefined);
      setProblem(null);
    } catch (broken) {
      setProblem(`This is no JSON yet: ${broken instanceof Error ? broken.message : broken}`);
    }
  };
  return <TextArea label={label} hint={hint} field={field} error={error} problem={problem} mono rows={rows} placeholder={placeholder} value={text} onText={type} />;
}

const isNothing = (value: unknown): boolean => value === undefined || value === null || (typeof value === "object" && !Object.keys(value).length);
