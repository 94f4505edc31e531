import type { Schemas } from "../lib/api";
import { duration, milliseconds, plural, words } from "../lib/format";
import { Pill } from "../ui/pill";

type Trial = Schemas["TrialShown"];
type Outcome = Trial["outcomes"][number];

/** Callee by callee: how it ended, what was demanded and did not come, and the call itself. */
export function Outcomes({ trial, isOpen }: { trial: Trial; isOpen: boolean }) {
  const found = new Map(trial.outcomes.map((each) => [each.callee, each]));
  return (
    <ul class="lines">
      {trial.callees.map((callee, place) => {
        const outcome = found.get(place);
        return (
          <li key={place}>
            <div class="line">
              <div class="row">
                <span class="grow truncate strong">{callee.name}</span>
                {outcome ? <Pill of={outcome.passed ? "passed" : "failed"} /> : <Pill of={isOpen ? "queued" : "canceled"} name={isOpen ? "Waits" : "Not tried"} />}
              </div>
              {outcome && <Told outcome={outcome} />}
            </div>
          </li>
        );
      })}
    </ul>
  );
}

function Told({ outcome }: { outcome: Outcome }) {
  const figures = [
    words(outcome.disposition ?? outcome.hangup_cause),
    outcome.seconds !== null && duration(outcome.seconds),
    plural(outcome.turns, "turn"),
    outcome.latency_ms_p95 !== null && `answers in ${milliseconds(outcome.latency_ms_p50)}, ${milliseconds(outcome.latency_ms_p95)} at most`,
  ];
  return (
    <>
      {outcome.call_id && (
        <p class="small dim">
          {figures.filter(Boolean).join(" · ")} · <a href={`/console/calls/${outcome.call_id}`}>listen to it</a>
        </p>
      )}
      {outcome.failure && <p class="small step-problem">{outcome.failure}</p>}
      {outcome.problems.map((problem) => (
        <p key={problem} class="small step-problem">
          {problem}
        </p>
      ))}
    </>
  );
}
