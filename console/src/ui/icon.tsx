import { h } from "preact";
import type { IconNode } from "lucide";

/** A line icon; it says nothing to a screen reader, so the words stand beside it or on its button. */
export function Icon({ of, turning, class: more }: { of: IconNode; turning?: boolean; class?: string }) {
  return (
    <svg
      class={`icon${turning ? " turning" : ""}${more ? ` ${more}` : ""}`}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.9"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {of.map(([tag, attributes]) => h(tag, attributes as Record<string, string>))}
    </svg>
  );
}
