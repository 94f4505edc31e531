/** What a campaign's event stream says, as calls and a pace. */
import { useEffect, useReducer, useState } from "preact/hooks";
import { get } from "../lib/api";
import type { Signal } from "@preact/signals";
import { useEvents, type Line, type LiveEvent } from "../lib/events";

export interface LiveCall {
  id: string;
  name: string | null;
  status: string;
  speaker: string | null;
  said: string;
  isGuess: boolean;
}

export interface Board {
  calls: LiveCall[];
  /** New dials a second over the last ten seconds. */
  pace: number;
  line: Signal<Line>;
}

const PACE_MS = 10_000;
const MOST_SHOWN = 200;

interface State {
  calls: Map<string, LiveCall>;
  dials: number[];
}

export function useBoard(id: string, isOpen: boolean, onMove: () => void): Board {
  const [state, put] = useReducer(moved, { calls: new Map(), dials: [] });
  const [, tick] = useState(0);
  // The stream says what moves; what already talks is asked for once.
  useEffect(() => {
    if (!isOpen) return;
    void get("/call-logs", { query: { campaign_id: id, status: "in_progress", limit: 100 } }).then(({ items }) => {
      for (const { id: call_id, contact_name: name, status } of items) put({ kind: "call_state", call_id, name, status, outcome: null });
    }, () => undefined);
  }, [id, isOpen]);
  const line = useEvents(isOpen ? `/campaigns/${id}/events` : null, (event) => {
    put(event);
    if (event.kind === "campaign_state" || (event.kind === "call_state" && event.outcome !== null)) onMove();
    else tick((old) => old + 1);
  });
  const recent = state.dials.filter((at) => at > Date.now() - PACE_MS);
  return { calls: [...state.calls.values()].slice(-MOST_SHOWN), pace: recent.length / (PACE_MS / 1000), line };
}

function moved(state: State, event: LiveEvent): State {
  const id = String(event.call_id ?? "");
  const calls = new Map(state.calls);
  const known = calls.get(id);
  switch (event.kind) {
    case "call_state": {
      if (event.outcome !== null) calls.delete(id);
      else calls.set(id, { ...(known ?? { id, speaker: null, said: "", isGuess: false }), name: event.name as string | null, status: String(event.status) });
      const dials = event.status === "dialing" && !known ? [...state.dials, Date.now()].filter((at) => at > Date.now() - PACE_MS) : state.dials;
      return { calls, dials };
    }
    case "speaking":
    case "partial":
    case "turn": {
      // A call that began before we looked: its name comes with its next move.
      const call = known ?? { id, name: null, status: "in_progress", speaker: null, said: "", isGuess: false };
      const speaker = event.kind === "turn" ? String(event.speaker) : event.kind === "speaking" ? "agent" : "caller";
      calls.set(id, { ...call, status: "in_progress", speaker, said: String(event.text), isGuess: event.kind === "partial" });
      return { ...state, calls };
    }
    default:
      return state;
  }
}
