/** Where in the transcript the analysis found what it says. */
import type { Schemas } from "../lib/api";

export interface Evidence {
  label: string;
  tone: "good" | "bad" | "";
  quote: Schemas["Quote"];
}

const GLAD = new Set(["joy", "satisfaction", "trust", "positive"]);
const CROSS = new Set(["anger", "frustration", "sadness", "worry", "negative"]);
export const toneOf = (name: string): "good" | "bad" | "" => (GLAD.has(name) ? "good" : CROSS.has(name) ? "bad" : "");

export function evidenceOf(analysis: Schemas["CallAnalysis"] | null): Evidence[] {
  const moods = Object.values(analysis?.sentiment?.by_speaker ?? {}).flatMap((mood) =>
    (mood?.evidence ?? []).map((quote) => ({ label: mood!.sentiment, tone: toneOf(mood!.sentiment), quote })),
  );
  const emotions = (analysis?.emotions ?? []).flatMap(({ emotion, evidence }) =>
    evidence.map((quote) => ({ label: emotion, tone: toneOf(emotion), quote })),
  );
  return [...emotions, ...moods];
}

export interface Piece {
  text: string;
  evidence: Evidence | null;
}

/** A segment's text in pieces, those marked that the analysis went by. Cues are words of the text, in any case. */
export function pieces(segment: Schemas["Segment"], all: Evidence[]): Piece[] {
  const marks = all
    .filter(({ quote }) => quote.speaker === segment.speaker && quote.at_ms >= segment.start_ms && quote.at_ms <= segment.end_ms)
    .flatMap((evidence) => (evidence.quote.cues.length ? evidence.quote.cues : [evidence.quote.quote]).map((cue) => ({ cue, evidence })));
  const text = segment.text;
  const low = text.toLowerCase();
  const found = marks
    .map(({ cue, evidence }) => ({ from: low.indexOf(cue.toLowerCase()), length: cue.length, evidence }))
    .filter(({ from, length }) => from >= 0 && length > 0)
    .sort((a, b) => a.from - b.from);
  const cut: Piece[] = [];
  let at = 0;
  for (const { from, length, evidence } of found) {
    if (from < at) continue;
    if (from > at) cut.push({ text: text.slice(at, from), evidence: null });
    cut.push({ text: text.slice(from, from + length), evidence });
    at = from + length;
  }
  if (at < text.length) cut.push({ text: text.slice(at), evidence: null });
  return cut;
}
