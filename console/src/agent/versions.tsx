import { useState } from "preact/hooks";
import { get, type Schemas } from "../lib/api";
import { useAsk } from "../lib/use";
import { Answered, Card, Empty } from "../ui/parts";

type Agent = Schemas["AgentShown"];

const NOT_CONTENT = new Set(["id", "organization_id", "version", "created_by", "created_at", "updated_at", "status"]);

/** Every change made a version that stays as it was; calls name the one that they ran with. */
export function Versions({ agent }: { agent: Agent }) {
  const [after, setAfter] = useState(agent.version);
  const [before, setBefore] = useState(Math.max(1, agent.version - 1));
  const pair = useAsk(`versions:${agent.id}:${before}:${after}`, (signal) =>
    Promise.all([before, after].map((version) => get("/agents/{agent_id}", { path: { agent_id: agent.id }, query: { version }, signal }))),
  );
  const numbers = Array.from({ length: agent.version }, (_, index) => agent.version - index);
  if (agent.version === 1) {
    return (
      <Card>
        <Empty title="One version so far">When you change the agent, the earlier versions stay here to compare.</Empty>
      </Card>
    );
  }
  const picker = (label: string, value: number, on: (value: number) => void) => (
    <select class="input little" aria-label={label} value={value} onChange={(event) => on(Number(event.currentTarget.value))}>
      {numbers.map((number) => (
        <option key={number} value={number}>
          Version {number}
          {number === agent.version ? " (now)" : ""}
        </option>
      ))}
    </select>
  );
  return (
    <Card
      title="What changed"
      pad={false}
      actions={
        <>
          {picker("From version", before, setBefore)} <span class="faint">to</span> {picker("To version", after, setAfter)}
        </>
      }
    >
      <Answered of={pair}>{([old, young]) => <Differences before={old!} after={young!} />}</Answered>
    </Card>
  );
}

function Differences({ before, after }: { before: Agent; after: Agent }) {
  const [old, young] = [flat(before), flat(after)];
  const changed = [...new Set([...old.keys(), ...young.keys()])].filter((path) => old.get(path) !== young.get(path)).sort();
  if (!changed.length) return <Empty title="They are the same" />;
  return (
    <div class="table-scroll" tabIndex={0}>
      <table class="table diff">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Version {before.version}</th>
            <th scope="col">Version {after.version}</th>
          </tr>
        </thead>
        <tbody>
          {changed.map((path) => (
            <tr key={path}>
              <th scope="row">
                <code>{path}</code>
              </th>
              <td>{old.has(path) ? <del>{old.get(path)}</del> : <span class="faint">–</span>}</td>
              <td>{young.has(path) ? <ins>{young.get(path)}</ins> : <span class="faint">–</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function flat(value: object): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (at: unknown, path: string) => {
    if (at !== null && typeof at === "object") for (const [name, inner] of Object.entries(at)) walk(inner, path ? `${path}.${name}` : name);
    else if (at !== null && at !== "") found.set(path, String(at));
  };
  for (const [name, inner] of Object.entries(value)) if (!NOT_CONTENT.has(name)) walk(inner, name);
  return found;
}
