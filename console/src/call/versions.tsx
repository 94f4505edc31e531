/** A transcript's versions: what was heard in the call, and what others heard in its recording. */
import { useEffect, useState } from "preact/hooks";
import { AudioLines } from "lucide";
import { get, post, type Schemas } from "../lib/api";
import { words } from "../lib/format";
import { mayWrite } from "../lib/may";
import { useAsk, useWork } from "../lib/use";
import { Dialog } from "../ui/dialog";
import { SelectField, TextField } from "../ui/field";
import { Button, Note, Problem } from "../ui/parts";
import { say } from "../ui/toast";

type Transcript = Schemas["Transcript"];

const LOOK_AGAIN_MS = 2000;
const REASONS: Record<string, string> = {
  recording_gone: "its recording is gone",
  not_a_recording: "its recording cannot be read",
  empty_recording: "its recording is empty",
  no_words: "no words were heard",
  provider_failed: "the provider failed three times",
};

/** `onSegments`: another version is to be read; null: the newest. */
export function TranscriptVersions({ id, onSegments }: { id: string; onSegments: (segments: Schemas["Segment"][] | null) => void }) {
  const [version, setVersion] = useState<number | null>(null);
  const [opened, setOpened] = useState(false);
  const asked = useAsk<Transcript>(`transcript:${id}:${version ?? ""}`, (signal) => get("/call-recordings/{call_id}/transcript", { path: { call_id: id }, query: { version }, signal }));
  const shown = asked.data;
  const underWay = shown?.transcriptions.find(({ state }) => state === "queued" || state === "running") ?? null;
  const failed = shown?.transcriptions.find(({ state }) => state === "failed") ?? null;
  useEffect(() => {
    if (shown) onSegments(shown.segments);
  }, [shown]);
  useEffect(() => {
    if (!underWay) return;
    const timer = setTimeout(asked.reload, LOOK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [underWay?.id, shown]);
  return (
    <>
      {shown && shown.versions.length > 1 && (
        <select class="input little" aria-label="Which version" value={String(version ?? shown.version)} onChange={(event) => setVersion(Number(event.currentTarget.value))}>
          {shown.versions.map((each) => (
            <option key={each.version} value={each.version}>
              {each.version === 1 ? "As heard in the call" : `${each.version}: ${words(each.provider)}`}
            </option>
          ))}
        </select>
      )}
      {underWay && (
        <span class="pill info live" role="status">
          {words(underWay.provider)} is listening
        </span>
      )}
      {failed && !underWay && shown?.versions.length === 1 && <span class="small dim">Not transcribed again: {REASONS[failed.reason ?? ""] ?? words(failed.reason)}</span>}
      {mayWrite() && !underWay && <Button look="quiet little" icon={AudioLines} label="Transcribe the recording again" onClick={() => setOpened(true)} />}
      {opened && (
        <Again
          id={id}
          onClose={() => setOpened(false)}
          onDone={() => {
            setVersion(null);
            asked.reload();
          }}
        />
      )}
    </>
  );
}

function Again({ id, onClose, onDone }: { id: string; onClose: () => void; onDone: () => void }) {
  const known = useAsk("ears", async (signal) => {
    const connected = await get("/integrations", { query: { type: "stt", limit: 100 }, signal });
    return connected.items;
  });
  const [provider, setProvider] = useState("");
  const [language, setLanguage] = useState("");
  const begin = useWork(async () => {
    await post("/call-recordings/{call_id}/transcribe", { path: { call_id: id }, body: { provider: provider || null, language: language || null } });
    say("The recording is being listened to");
    onDone();
    onClose();
  });
  const options = [["", "the built-in one"] as const, ...(known.data ?? []).map((each) => [`${each.provider}/${each.name}`, each.name] as const)];
  return (
    <Dialog
      title="Transcribe the recording again"
      onClose={onClose}
      onSubmit={() => void begin.run()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="first" busy={begin.busy}>
            Transcribe
          </Button>
        </>
      }
    >
      <Note>What was heard in the call stays as version 1; the call is analyzed by the new one.</Note>
      <SelectField label="By" field="provider" error={begin.error} value={provider} onText={setProvider} options={options} />
      <TextField label="Language" field="language" error={begin.error} value={language} onText={setLanguage} placeholder="hi-IN" hint="Empty: the agent's." />
      <Problem error={begin.error} shown={["provider", "language"]} />
    </Dialog>
  );
}
