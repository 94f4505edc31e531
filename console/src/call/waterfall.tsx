import type { Schemas } from "../lib/api";
import { duration, milliseconds } from "../lib/format";
import { Legend } from "../ui/plot-legend";

type Latency = NonNullable<Schemas["Segment"]["latency"]>;

const PARTS = [
  { name: "Waiting for the end of speech", key: "endpointing_ms", colour: "c5" },
  { name: "Recognition", key: "stt_ms", colour: "c2" },
  { name: "Brain", key: "brain_ms", colour: "c1" },
  { name: "Voice", key: "tts_ms", colour: "c3" },
  { name: "Platform", key: "platform_ms", colour: "c4" },
] as const;

/** How long the caller waited for each answer, and for what. */
export function Waterfall({ segments }: { segments: Schemas["Segment"][] }) {
  const answers = segments.flatMap(({ latency, start_ms }) => (latency ? [{ latency, start_ms }] : []));
  if (!answers.length) return <p class="dim">No answer of the agent followed something that the caller said.</p>;
  const longest = Math.max(...answers.map(({ latency }) => totalOf(latency)), 400);
  return (
    <div class="stack">
      <table class="waterfall">
        <caption class="only-read">What each answer took, in parts</caption>
        <thead class="only-read">
          <tr>
            <th scope="col">At</th>
            <th scope="col">Parts</th>
            <th scope="col">In all</th>
          </tr>
        </thead>
        <tbody>
          {answers.map(({ latency, start_ms }) => (
            <tr key={start_ms}>
              <td class="num small dim">{duration(start_ms / 1000)}</td>
              <td>
                <span class="waterfall-bar">
                  {PARTS.map(({ key, colour, name }) => (
                    <span
                      key={key}
                      title={`${name}: ${milliseconds(latency[key])}`}
                      style={{ width: `${(100 * Math.max(0, latency[key])) / longest}%`, background: `var(--${colour})` }}
                    />
                  ))}
                </span>
                <span class="only-read">{PARTS.map(({ key, name }) => `${name} ${milliseconds(latency[key])}`).join(", ")}</span>
              </td>
              <td class="num small right">{milliseconds(latency.total_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Legend of={PARTS.map(({ name, colour }) => ({ name, colour }))} />
    </div>
  );
}

const totalOf = (latency: Latency): number => Math.max(latency.total_ms, PARTS.reduce((sum, { key }) => sum + Math.max(0, latency[key]), 0));
