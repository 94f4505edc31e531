import { words } from "../lib/format";

type Tone = "good" | "warn" | "bad" | "info" | "";

const TONES: Record<string, Tone> = {
  completed: "good", reached: "good", active: "good", working: "good", delivered: "good", up: "good", done: "good", passed: "good", positive: "good",
  in_progress: "info", ringing: "info", dialing: "info", scheduled: "info", queued: "", pending: "info", running: "info",
  paused: "warn", voicemail: "warn", no_answer: "warn", busy: "warn", exhausted: "warn", degraded: "warn", untested: "", warning: "warn", expired: "warn",
  failed: "bad", failing: "bad", down: "bad", invalid: "bad", negative: "bad", error: "bad", critical: "bad",
};
const LIVE = new Set(["in_progress", "ringing", "dialing"]);
const NAMES: Record<string, string> = { in_progress: "Live" };

/** A state in its colour; the word says it too. */
export function Pill({ of, name, live }: { of: string | null | undefined; name?: string; live?: boolean }) {
  if (!of) return <span class="faint">–</span>;
  return <span class={`pill ${TONES[of] ?? ""}${(live ?? LIVE.has(of)) ? " live" : ""}`}>{name ?? NAMES[of] ?? words(of)}</span>;
}

export const isLive = (status: string): boolean => LIVE.has(status) || status === "queued";
