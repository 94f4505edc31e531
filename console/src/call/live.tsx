/** A call while it happens. */
import { useState } from "preact/hooks";
import { Radio } from "lucide";
import type { Schemas } from "../lib/api";
import { useEvents, type LiveEvent } from "../lib/events";
import { milliseconds, words } from "../lib/format";
import { Icon } from "../ui/icon";

interface Turn {
  index: number;
  speaker: string;
  text: string;
  result: string | null;
  latency: number | null;
}

const EARLIER_TURNS = 200;

export function Live({ call, onState }: { call: Schemas["CallLogDetail"]; onState: (status: string, isOver: boolean) => void }) {
  const [turns, setTurns] = useState<Turn[]>([]);
  const [now, setNow] = useState<{ speaker: string; text: string } | null>(null);
  const on = (event: LiveEvent) => {
    switch (event.kind) {
      case "call_state":
        return onState(String(event.status), event.outcome !== null);
      case "speaking":
        return setNow({ speaker: "agent", text: String(event.text) });
      case "partial":
        return setNow({ speaker: "caller", text: String(event.text) });
      case "turn": {
        const turn: Turn = {
          index: Number(event.index),
          speaker: String(event.speaker),
          text: String(event.text),
          result: event.result as string | null,
          latency: event.latency_ms as number | null,
        };
        setNow((old) => (old?.speaker === turn.speaker ? null : old));
        return setTurns((old) => [...old.filter(({ index }) => index !== turn.index), turn].slice(-EARLIER_TURNS));
      }
    }
  };
  const line = useEvents(`/calls/${call.id}/events`, on);
  return (
    <section class="card">
      <header>
        <h2 class="row">
          <Icon of={Radio} /> Live
        </h2>
        <span class="small dim" role="status">
          {{ connecting: "Listening in…", live: "You see what is said as it is said", lost: "The line was lost; trying again" }[line.value]}
        </span>
      </header>
      <ol class="said pad" aria-live="polite">
        {!turns.length && !now && <li class="dim">Nobody has spoken yet.</li>}
        {turns.map((turn) => (
          <li key={turn.index} class={`turn ${turn.speaker}`}>
            <div class="grow">
              <div class="turn-who">
                {words(turn.speaker)}
                {turn.latency !== null && <span class="small faint num"> answered in {milliseconds(turn.latency)}</span>}
              </div>
              <p class="wrap-any">{turn.text}</p>
              {turn.result && <span class="tag">understood: {words(turn.result)}</span>}
            </div>
          </li>
        ))}
        {now && (
          <li class={`turn now ${now.speaker}`}>
            <div class="grow">
              <div class="turn-who">{words(now.speaker)} is speaking</div>
              <p class="wrap-any">{now.text}</p>
            </div>
          </li>
        )}
      </ol>
    </section>
  );
}
