import { signal } from "@preact/signals";
import { CircleAlert, CircleCheck } from "lucide";
import { Icon } from "./icon";

interface Toast {
  id: number;
  text: string;
  kind: "good" | "bad";
}

const toasts = signal<Toast[]>([]);
let last = 0;

/** Says briefly that something was done. */
export function say(text: string, kind: Toast["kind"] = "good"): void {
  const id = ++last;
  toasts.value = [...toasts.value, { id, text, kind }];
  setTimeout(() => (toasts.value = toasts.value.filter((each) => each.id !== id)), kind === "bad" ? 8000 : 4000);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, kind }) => (
        <div key={id} class={`toast ${kind}`}>
          <Icon of={kind === "bad" ? CircleAlert : CircleCheck} />
          <span class="wrap-any">{text}</span>
        </div>
      ))}
    </div>
  );
}
