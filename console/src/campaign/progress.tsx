import type { Schemas } from "../lib/api";
import { count, percent } from "../lib/format";

export const CONTACT_STATES = [
  ["reached", "Reached", "fill-good"],
  ["in_progress", "In a call", "c1"],
  ["pending", "Waiting", "line-strong"],
  ["exhausted", "Tried enough", "fill-warn"],
  ["suppressed", "Do not call", "c4"],
  ["invalid", "Not a number", "fill-bad"],
  ["canceled", "Canceled", "c5"],
] as const;

type Progress = Pick<Schemas["Progress"], (typeof CONTACT_STATES)[number][0] | "total">;

export const doneOf = (of: Progress): number => of.total - of.pending - of.in_progress;

export function ProgressBar({ of, legend }: { of: Progress; legend?: boolean }) {
  const share = of.total ? (100 * doneOf(of)) / of.total : 0;
  return (
    <div class="stack tight">
      <div class="bar" role="img" aria-label={`${percent(share)} of ${count(of.total)} contacts are done`}>
        {CONTACT_STATES.map(([key, name, colour]) =>
          of[key] ? <span key={key} title={`${name}: ${count(of[key])}`} style={{ width: `${(100 * of[key]) / of.total}%`, background: `var(--${colour})` }} /> : null,
        )}
      </div>
      {legend ? (
        <ul class="legend">
          {CONTACT_STATES.filter(([key]) => of[key]).map(([key, name, colour]) => (
            <li key={key}>
              <span class="key" style={{ background: `var(--${colour})` }} /> {name} <b class="num">{count(of[key])}</b>
            </li>
          ))}
        </ul>
      ) : (
        <span class="row between small dim num">
          <span>
            {count(doneOf(of))} of {count(of.total)} done
          </span>
          <span>{percent(Math.round(share))}</span>
        </span>
      )}
    </div>
  );
}
