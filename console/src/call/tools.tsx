import { Check, X } from "lucide";
import type { Schemas } from "../lib/api";
import { duration, milliseconds, words } from "../lib/format";
import { Icon } from "../ui/icon";

/** What the agent did besides talking, in order. */
export function ToolsUsed({ tools }: { tools: Schemas["CallTool"][] }) {
  return (
    <ol class="stack">
      {tools.map((tool) => (
        <li key={`${tool.at_ms}-${tool.name}`}>
          <div class="row between">
            <span class="row">
              <span class={`check-mark ${tool.worked ? "good" : "bad"}`}>
                <Icon of={tool.worked ? Check : X} />
              </span>
              <span class="strong">{words(tool.name)}</span>
              <span class="only-read">{tool.worked ? "worked" : "failed"}</span>
            </span>
            <span class="small faint num">
              {duration(tool.at_ms / 1000)} · {milliseconds(tool.took_ms)}
            </span>
          </div>
          {tool.arguments !== "{}" && <code class="small block wrap-any">{tool.arguments}</code>}
          {tool.answer && <p class="small dim wrap-any">{tool.answer}</p>}
        </li>
      ))}
    </ol>
  );
}
