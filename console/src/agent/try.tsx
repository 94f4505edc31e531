/** An agent talks with simulated people before it rings real ones. */
import { useEffect, useState } from "preact/hooks";
import { Play, Plus, Square, Users } from "lucide";
import { get, post, type Schemas } from "../lib/api";
import { plural } from "../lib/format";
import { mayWrite } from "../lib/may";
import { useAsk, useWork } from "../lib/use";
import { Answered, Button, Card, Empty, Note, Problem, Time } from "../ui/parts";
import { Pill } from "../ui/pill";
import { CalleeFields, NEW_CALLEE, type Callee } from "./callee";
import { Outcomes } from "./trial-outcomes";

type Trial = Schemas["TrialShown"];

const LOOK_MS = 2000;
const isOpen = (trial: Trial): boolean => trial.status === "queued" || trial.status === "running";

export function TryIt({ agent, isReady }: { agent: Schemas["AgentShown"]; isReady: boolean }) {
  const path = { agent_id: agent.id };
  const suggested = useAsk<Callee[]>(`callees:${agent.id}:${agent.version}`, (signal) => get("/agents/{agent_id}/trial-callees", { path, signal }));
  const trials = useAsk(`trials:${agent.id}`, (signal) => get("/agents/{agent_id}/trials", { path, query: { limit: 20 }, signal }));
  const [shownId, setShownId] = useState<string | null>(null);
  const items = trials.data?.items ?? [];
  const shown = items.find(({ id }) => id === shownId) ?? items[0] ?? null;
  const open = items.some(isOpen);
  useEffect(() => {
    if (!open) return;
    const timer = setTimeout(trials.reload, LOOK_MS);
    return () => clearTimeout(timer);
  }, [open, trials.data]);
  return (
    <div class="call-columns">
      <div class="stack">
        <Answered of={suggested} lines={6}>
          {(callees) => (
            <People
              agent={agent}
              suggested={callees}
              mayBegin={isReady && !open && mayWrite()}
              onBegun={(trial) => {
                setShownId(trial.id);
                trials.reload();
              }}
            />
          )}
        </Answered>
      </div>
      <div class="stack">
        <Answered of={trials} lines={4}>
          {() => (shown ? <Result trial={shown} reload={trials.reload} /> : <NotYet />)}
        </Answered>
        {items.length > 1 && (
          <Card title="Earlier" pad={false}>
            <ul class="lines">
              {items.map((trial) => (
                <li key={trial.id}>
                  <button type="button" class="line row trial-line" aria-pressed={trial.id === shown?.id} onClick={() => setShownId(trial.id)}>
                    <Time at={trial.created_at} />
                    <span class="small dim">version {trial.agent_version}</span>
                    <span class="grow" />
                    <Verdict trial={trial} />
                  </button>
                </li>
              ))}
            </ul>
          </Card>
        )}
      </div>
    </div>
  );
}

const NotYet = () => (
  <Card>
    <Empty icon={Users} title="Nobody has talked with it yet">
      Simulated people ring your agent, hear it with their own ears and answer with their own voices. You read how each conversation went.
    </Empty>
  </Card>
);

function People({ agent, suggested, mayBegin, onBegun }: { agent: Schemas["AgentShown"]; suggested: Callee[]; mayBegin: boolean; onBegun: (trial: Trial) => void }) {
  const [callees, setCallees] = useState(() => suggested.map((callee) => ({ callee, isIn: true })));
  const chosen = callees.filter(({ isIn }) => isIn).map(({ callee }) => callee);
  const put = (index: number, by: Partial<(typeof callees)[number]>) => setCallees(callees.map((each, place) => (place === index ? { ...each, ...by } : each)));
  const begin = useWork(async () => onBegun(await post("/agents/{agent_id}/trials", { path: { agent_id: agent.id }, body: { callees: chosen } })));
  return (
    <Card
      title="Who talks with it"
      about="Suggested from the agent: somebody for each ending of a flow, and those who are hard to talk with"
      actions={
        <Button look="first" icon={Play} busy={begin.busy} disabled={!mayBegin || !chosen.length} onClick={() => void begin.run()}>
          Try it on {plural(chosen.length, "person", "people")}
        </Button>
      }
      pad={false}
    >
      <Problem error={begin.error} />
      <ul class="lines">
        {callees.map(({ callee, isIn }, index) => (
          <li key={index}>
            <div class="line">
              <CalleeFields callee={callee} isIn={isIn} onIn={(next) => put(index, { isIn: next })} put={(next) => put(index, { callee: next })} error={begin.error} field={`callees.${chosen.indexOf(callee)}`} />
            </div>
          </li>
        ))}
      </ul>
      <div class="pad">
        <Button icon={Plus} look="little" onClick={() => setCallees([...callees, { callee: NEW_CALLEE, isIn: true }])}>
          Add a person
        </Button>
      </div>
    </Card>
  );
}

function Verdict({ trial }: { trial: Trial }) {
  if (trial.status !== "done") return <Pill of={trial.status} live={trial.status === "running"} />;
  const passed = trial.outcomes.filter((each) => each.passed).length;
  return <Pill of={passed === trial.callees.length ? "passed" : "failed"} name={`${passed} of ${trial.callees.length}`} />;
}

function Result({ trial, reload }: { trial: Trial; reload: () => void }) {
  const stop = useWork(async () => {
    await post("/trials/{trial_id}/cancel", { path: { trial_id: trial.id }, body: {} });
    reload();
  });
  return (
    <Card
      title={isOpen(trial) ? "They are talking" : "How it went"}
      about={
        <>
          Version {trial.agent_version}, <Time at={trial.created_at} />
        </>
      }
      actions={
        <>
          <Verdict trial={trial} />
          {isOpen(trial) && mayWrite() && (
            <Button look="little" icon={Square} busy={stop.busy} onClick={() => void stop.run()}>
              Break off
            </Button>
          )}
        </>
      }
      pad={false}
    >
      {trial.problem && (
        <div class="pad">
          <Note kind="bad">{trial.problem}</Note>
        </div>
      )}
      <Problem error={stop.error} />
      <Outcomes trial={trial} isOpen={isOpen(trial)} />
    </Card>
  );
}
