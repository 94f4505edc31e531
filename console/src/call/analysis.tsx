import { Check, Minus, Quote, X } from "lucide";
import type { Schemas } from "../lib/api";
import { percent, words } from "../lib/format";
import { Icon } from "../ui/icon";
import { Note } from "../ui/parts";
import { toneOf } from "./evidence";
import type { Tape } from "./player";

type Analysis = Schemas["CallAnalysis"];

const CHECKS = { passed: [Check, "good", "Passed"], failed: [X, "bad", "Failed"], not_applicable: [Minus, "", "Does not apply"] } as const;

export function AnalysisView({ analysis, tape }: { analysis: Analysis; tape: Tape | null }) {
  const { summary, sentiment, emotions, compliance, key_phrases } = analysis;
  const shown = (emotions ?? []).filter(({ emotion }) => emotion !== "neutral");
  return (
    <div class="stack">
      {analysis.error && <Note kind="bad">{analysis.error}</Note>}
      {analysis.instead_of && <Note kind="warn">{words(analysis.instead_of.analyzer)} could not read this call: {analysis.instead_of.reason}</Note>}
      {analysis.extraction?.problem && <Note kind="warn">Nothing could be drawn from it: {analysis.extraction.problem}</Note>}
      {summary && <p>{summary}</p>}
      {sentiment?.by_speaker && (
        <ul class="stack tight">
          {Object.entries(sentiment.by_speaker).map(([speaker, mood]) =>
            mood ? (
              <li key={speaker} class="row between">
                <span class="dim">{words(speaker)}</span>
                <span class="row">
                  <span class={`pill ${toneOf(mood.sentiment)}`}>{words(mood.sentiment)}</span>
                  <span class="small faint num">{percent(100 * mood.confidence)} sure</span>
                </span>
              </li>
            ) : null,
          )}
        </ul>
      )}
      {shown.map(({ emotion, confidence, evidence }) => (
        <div key={emotion}>
          <div class="row between">
            <span class={`pill ${toneOf(emotion)}`}>{words(emotion)}</span>
            <span class="small faint num">{percent(100 * confidence)} sure</span>
          </div>
          {evidence.map((quote, index) => (
            <button key={index} type="button" class="quote" disabled={!tape} onClick={() => tape?.seek(quote.at_ms / 1000)}>
              <Icon of={Quote} />
              <span>
                {quote.quote} <span class="faint">– {quote.speaker}</span>
              </span>
            </button>
          ))}
        </div>
      ))}
      {!!key_phrases?.length && (
        <div class="tags">
          {key_phrases.map((phrase) => (
            <span key={phrase} class="tag">
              {phrase}
            </span>
          ))}
        </div>
      )}
      {!!compliance?.length && (
        <ul class="checks">
          {compliance.map(({ name, verdict, quote }) => {
            const [icon, tone, said] = CHECKS[verdict];
            return (
              <li key={name} title={quote ?? undefined}>
                <span class={`check-mark ${tone}`}>
                  <Icon of={icon} />
                </span>
                {words(name)}
                <span class="only-read">: {said}</span>
              </li>
            );
          })}
        </ul>
      )}
      <p class="small faint">
        {analysis.analyzer === "basic" ? "Found by words and rules, without a language model: take it as a hint." : `Found by ${analysis.analyzer ?? "nobody yet"}.`}
      </p>
    </div>
  );
}
