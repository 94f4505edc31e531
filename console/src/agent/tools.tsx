/** What an agent may do besides talking. */
import { Plus, Trash2 } from "lucide";
import { useState } from "preact/hooks";
import type { ApiError } from "../lib/api";
import { TextField } from "../ui/field";
import { JsonField } from "../ui/json-field";
import { ListField } from "../ui/list-field";
import { Icon } from "../ui/icon";
import { Button, Card } from "../ui/parts";
import { EndpointFields } from "./endpoint";
import type { Draft } from "./templates";

type Tool = NonNullable<Draft["tools"]>[number];
type Kind = Tool["kind"];

const KINDS: Record<Kind, [string, string]> = {
  end_call: ["Hang up", "Says goodbye and ends the call."],
  transfer_call: ["Hand the call over", "To one of the numbers named here, and no other."],
  send_dtmf: ["Press keys", "On the other side's menu."],
  schedule_callback: ["Ring again later", "Notes when; a campaign does it."],
  opt_out: ["Never call again", "Puts the number on the do-not-call list at once."],
  record_outcome: ["Note how it came out", "In the call's disposition and answers."],
  switch_language: ["Change the language", "For callers who speak another one: ears and voice follow."],
  collect_private: ["Ask for digits that nobody keeps", "The recording pauses, the model never learns them."],
  http: ["Ask your server", "A declared address; secrets come from an integration."],
};
const NEW: Record<Kind, Tool> = {
  end_call: { kind: "end_call" },
  transfer_call: { kind: "transfer_call", numbers: {} },
  send_dtmf: { kind: "send_dtmf" },
  schedule_callback: { kind: "schedule_callback", max_days: 30 },
  opt_out: { kind: "opt_out" },
  record_outcome: { kind: "record_outcome", dispositions: [], fields: {} },
  switch_language: { kind: "switch_language", languages: ["hi-IN"] },
  collect_private: { kind: "collect_private", name: "card" },
  http: { kind: "http", name: "look_up", url: "https://", method: "GET", arguments: {}, headers: {} },
};

export function Tools({ tools, change, error }: { tools: Tool[]; change: (tools: Tool[]) => void; error: ApiError | null }) {
  const [adding, setAdding] = useState("");
  const put = (index: number, tool: Tool) => change(tools.map((each, place) => (place === index ? tool : each)));
  const add = (kind: string) => {
    if (kind) change([...tools, NEW[kind as Kind]]);
    setAdding("");
  };
  return (
    <Card title="What it may do" about="Besides talking; a tool that is not here cannot be used">
      <div class="stack">
        {tools.length > 0 && (
          <ul class="flow">
            {tools.map((tool, index) => (
              <li key={`${tool.kind}-${index}`} class="step">
                <div class="row">
                  <span class="grow">
                    <span class="strong">{KINDS[tool.kind][0]}</span> <span class="small dim">{KINDS[tool.kind][1]}</span>
                  </span>
                  <Button look="quiet little" icon={Trash2} label={`Remove: ${KINDS[tool.kind][0]}`} onClick={() => change(tools.filter((_, place) => place !== index))} />
                </div>
                <ToolFields tool={tool} put={(next) => put(index, next)} error={error} prefix={`tools.${index}.`} />
              </li>
            ))}
          </ul>
        )}
        <div class="row">
          <label class="row" for="add-tool">
            <Icon of={Plus} /> Add
          </label>
          <select id="add-tool" class="input status-choice" value={adding} onChange={(event) => add(event.currentTarget.value)}>
            <option value="">something it may do…</option>
            {Object.entries(KINDS).map(([kind, [name]]) => (
              <option key={kind} value={kind}>
                {name}
              </option>
            ))}
          </select>
        </div>
      </div>
    </Card>
  );
}

function ToolFields({ tool, put, error, prefix }: { tool: Tool; put: (tool: Tool) => void; error: ApiError | null; prefix: string }) {
  return (
    <div class="fields">
      <TextField label="When to use it" field={`${prefix}description`} error={error} value={tool.description ?? ""} onText={(description) => put({ ...tool, description })} hint="In words, for a language model." full />
      {tool.kind === "transfer_call" && <JsonField label="Numbers" field={`${prefix}numbers`} error={error} value={tool.numbers} onValue={(numbers) => put({ ...tool, numbers: (numbers ?? {}) as Record<string, string> })} rows={3} placeholder={'{"billing": "+12025550123"}'} hint="Name and number, as JSON." />}
      {tool.kind === "schedule_callback" && <TextField label="Within how many days" field={`${prefix}max_days`} error={error} type="number" min={1} max={365} value={String(tool.max_days ?? 30)} onText={(text) => put({ ...tool, max_days: Number(text) })} />}
      {tool.kind === "record_outcome" && (
        <>
          <ListField label="Dispositions" field={`${prefix}dispositions`} error={error} value={tool.dispositions ?? []} onValue={(dispositions) => put({ ...tool, dispositions })} full />
          <JsonField label="What else to note" field={`${prefix}fields`} error={error} value={tool.fields} onValue={(fields) => put({ ...tool, fields: (fields ?? {}) as typeof tool.fields })} placeholder={'{"amount": {"type": "number", "description": "What they owe"}}'} hint="Name, type and meaning, as JSON." />
        </>
      )}
      {tool.kind === "switch_language" && <ListField label="Languages" field={`${prefix}languages`} error={error} value={tool.languages} onValue={(languages) => put({ ...tool, languages })} placeholder="hi-IN, ta-IN" hint="Tags, separated by commas." />}
      {tool.kind === "collect_private" && (
        <>
          <TextField label="Name" field={`${prefix}name`} error={error} value={tool.name} onText={(name) => put({ ...tool, name })} hint={`{{private.${tool.name}}} in an argument of a request.`} />
          <TextField label="How many digits" field={`${prefix}digits`} error={error} type="number" min={1} max={32} value={tool.digits ? String(tool.digits) : ""} onText={(text) => put({ ...tool, digits: text ? Number(text) : null })} hint="Empty: any." />
        </>
      )}
      {tool.kind === "http" && (
        <>
          <TextField label="Name" field={`${prefix}name`} error={error} value={tool.name} onText={(name) => put({ ...tool, name })} />
          <JsonField label="Arguments" field={`${prefix}arguments`} error={error} value={tool.arguments} onValue={(given) => put({ ...tool, arguments: (given ?? {}) as typeof tool.arguments })} placeholder={'{"order": {"type": "string", "description": "Order number"}}'} />
          <EndpointFields of={tool} put={put} error={error} prefix={prefix} hint="{order} in it takes the argument of that name." longest={10} usual={5} />
        </>
      )}
    </div>
  );
}
