import { useEffect, useRef } from "preact/hooks";
import type { Schemas } from "../lib/api";
import { duration, milliseconds, words } from "../lib/format";
import { pieces, type Evidence } from "./evidence";
import type { Tape } from "./player";

/** What was said. While the recording plays, the line that is heard stands out; a click on one plays from there. */
export function Transcript({ segments, evidence, tape }: { segments: Schemas["Segment"][]; evidence: Evidence[]; tape: Tape | null }) {
  const at = (tape?.at.value ?? 0) * 1000;
  const isPlaying = tape?.playing.value ?? false;
  const current = at > 0 ? segments.findLastIndex(({ start_ms }) => start_ms <= at + 50) : -1;
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (isPlaying) list.current?.children[current]?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }, [current, isPlaying]);
  return (
    <ol class="said" ref={list}>
      {segments.map((segment, index) => (
        <li key={`${segment.start_ms}-${index}`} class={`turn ${segment.speaker}${index === current ? " current" : ""}`}>
          <button type="button" class="turn-time num" disabled={!tape} aria-label={`Play from ${duration(segment.start_ms / 1000)}`} onClick={() => tape?.seek(segment.start_ms / 1000)}>
            {duration(segment.start_ms / 1000)}
          </button>
          <div class="grow">
            <div class="turn-who">
              {words(segment.speaker)}
              {segment.latency && <span class="small faint num"> answered in {milliseconds(segment.latency.total_ms)}</span>}
              {segment.interrupted && <span class="tag">interrupted</span>}
            </div>
            <p class="wrap-any">
              {pieces(segment, evidence).map(({ text, evidence: why }, place) =>
                why ? (
                  <mark key={place} class={why.tone} title={`Taken for ${why.label}`}>
                    {text}
                  </mark>
                ) : (
                  text
                ),
              )}
            </p>
            {segment.result && <span class="tag">understood: {words(segment.result)}</span>}
          </div>
        </li>
      ))}
    </ol>
  );
}
