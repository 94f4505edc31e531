/** Server-sent events read with fetch, so that the access token stays out of the address (HTML Living Standard, 9.2). */
import { useEffect, useRef } from "preact/hooks";
import { signal, type Signal } from "@preact/signals";
import { ApiError, fetchSignedIn, pause } from "./api";

export type Line = "connecting" | "live" | "lost";

export interface LiveEvent {
  kind: string;
  [name: string]: unknown;
}

const AGAIN_MS = 1000;

/** Calls `on` for each event while the component is shown and `url` is not null; comes back by itself. */
export function useEvents(url: string | null, on: (event: LiveEvent) => void): Signal<Line> {
  const line = useRef(signal<Line>("connecting")).current;
  const latest = useRef(on);
  latest.current = on;
  useEffect(() => {
    if (!url) return;
    const stop = new AbortController();
    void follow(url, stop.signal, line, (event) => latest.current(event));
    return () => stop.abort();
  }, [url]);
  return line;
}

async function follow(url: string, stop: AbortSignal, line: Signal<Line>, on: (event: LiveEvent) => void) {
  for (let failures = 0; !stop.aborted; ) {
    try {
      const answer = await fetchSignedIn(url, { signal: stop, headers: { Accept: "text/event-stream" } });
      line.value = "live";
      failures = 0;
      await readEvents(answer.body!, on);
    } catch (problem) {
      if (stop.aborted) return;
      if (problem instanceof ApiError && (problem.status === 404 || problem.status === 401)) return;
      failures++;
    }
    if (stop.aborted) return;
    line.value = "lost";
    await pause(Math.min(15_000, AGAIN_MS * 2 ** failures), stop).catch(() => undefined);
  }
}

async function readEvents(body: ReadableStream<Uint8Array>, on: (event: LiveEvent) => void): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const frames = rest.split("\n\n");
    rest = frames.pop()!;
    for (const frame of frames) {
      const text = frame
        .split("\n")
        .filter((line) => line.startsWith("data:"))
        .map((line) => line.slice(5).trimStart())
        .join("\n");
      if (text) on(JSON.parse(text) as LiveEvent);
    }
  }
}
