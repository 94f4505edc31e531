import { useLocation, useRoute } from "preact-iso";
import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ArrowLeft, FileText, PhoneOff, RefreshCw, Trash2 } from "lucide";
import { AnalysisView } from "../call/analysis";
import { Costs } from "../call/costs";
import { evidenceOf } from "../call/evidence";
import { Live } from "../call/live";
import { Player, type Tape } from "../call/player";
import { ToolsUsed } from "../call/tools";
import { Transcript } from "../call/transcript";
import { TranscriptVersions } from "../call/versions";
import { Waterfall } from "../call/waterfall";
import { ApiError, download, get, post, put, remove, type Schemas } from "../lib/api";
import { duration, milliseconds, money, plural, words } from "../lib/format";
import { mayWrite } from "../lib/may";
import { agents, campaigns, learnNames, nameIn } from "../lib/names";
import { useAsk, useTitle, useWork } from "../lib/use";
import { Confirm } from "../ui/dialog";
import { Icon } from "../ui/icon";
import { Answered, Button, Card, Empty, Facts, Figure, Loading, Note, PageHead, Problem, Time } from "../ui/parts";
import { isLive, Pill } from "../ui/pill";
import { say } from "../ui/toast";
import { Mood } from "./calls";

type Detail = Schemas["CallLogDetail"];

const LOOK_AGAIN_MS = 1500;

export function Call() {
  const { id } = useRoute().params as { id: string };
  const call = useAsk<Detail>(`call:${id}`, (signal) => get("/call-logs/{call_id}", { path: { call_id: id }, signal }));
  useEffect(() => void learnNames(), []);
  useTitle(call.data ? `Call with ${whoOf(call.data)}` : "Call");
  return (
    <div class="page">
      <Answered of={call} lines={8}>
        {(shown) => <CallView key={id} call={shown} reload={call.reload} set={call.set} />}
      </Answered>
    </div>
  );
}

const whoOf = (call: Detail): string => call.contact_name ?? call.phone_number ?? "somebody";

function CallView({ call, reload, set }: { call: Detail; reload: () => void; set: (call: Detail) => void }) {
  const live = isLive(call.status);
  const tape = useTape();
  const analysis = useAsk(`analysis:${call.id}:${call.status}`, (signal) => orNull(get("/call-logs/{call_id}/analysis", { path: { call_id: call.id }, signal })));
  const recording = useAsk(`recording:${call.id}:${call.status}`, (signal) => orNull(get("/call-recordings/{call_id}", { path: { call_id: call.id }, signal })));
  const isPending = !live && (call.analysis_state === "pending" || analysis.data?.state === "pending");
  useEffect(() => {
    if (!isPending) return;
    const timer = setTimeout(() => [analysis, recording, { reload }].forEach((each) => each.reload()), LOOK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [isPending, analysis.data, call]);
  const [read, setRead] = useState<Detail["transcript"] | null>(null);
  const segments = read ?? call.transcript;
  const heard = recording.data?.download_url ? tape : null;
  const evidence = useMemo(() => evidenceOf(analysis.data), [analysis.data]);
  return (
    <>
      <Head call={call} reload={reload} live={live} />
      {call.error && <Note kind="bad">{call.error}</Note>}
      <dl class="figures">
        <Figure label="Length">{duration(call.duration_seconds)}</Figure>
        <Figure label="Disposition" note={call.goal_reached ? "The goal was reached" : (call.hangup_cause && words(call.hangup_cause)) || undefined}>
          {words(call.disposition ?? call.outcome)}
        </Figure>
        <Figure label="Answers in" note={call.latency.total_ms_max !== null ? `${milliseconds(call.latency.total_ms_max)} at most` : undefined}>
          {milliseconds(call.latency.total_ms_p50)}
        </Figure>
        <Figure label="Turns" note={plural(call.interruptions, "interruption")}>{call.turns}</Figure>
        <Figure label="Cost">{money(call.cost)}</Figure>
      </dl>
      <div class="call-columns">
        <div class="stack">
          {live && <Live call={call} onState={(status, isOver) => (isOver ? setTimeout(reload, 300) : status !== call.status && set({ ...call, status: status as Detail["status"] }))} />}
          {!live && (
            <Card title="Recording and transcript" pad={false} actions={
                (call.transcript.length > 0 || recording.data?.download_url) && (
                  <>
                    <TranscriptVersions id={call.id} onSegments={setRead} />
                    {call.transcript.length > 0 && <TranscriptFiles id={call.id} />}
                  </>
                )
              }>
              {recording.data?.download_url ? (
                <Player recording={recording.data} tape={tape} />
              ) : recording.data === null && recording.loading ? (
                <Loading lines={2} />
              ) : (
                <p class="pad dim small">{recording.data?.fault ?? "This call has no recording."}</p>
              )}
              <hr class="sep" />
              {segments.length ? <Transcript segments={segments} evidence={evidence} tape={heard} /> : <Empty icon={FileText} title="Nothing was said">{silence(call)}</Empty>}
            </Card>
          )}
          {!live && call.turns > 0 && (
            <Card title="What each answer took" about="From the caller's last sound to the agent's first">
              <Waterfall segments={call.transcript} />
            </Card>
          )}
        </div>
        <div class="stack">
          {!live && (
            <Card title="Analysis" actions={mayWrite() && analysis.data && <Again id={call.id} done={() => [analysis.reload(), reload()]} />}>
              {analysis.data?.state === "pending" || (isPending && !analysis.data) ? (
                <p class="dim" role="status">
                  The call is being looked at…
                </p>
              ) : analysis.data ? (
                <AnalysisView analysis={analysis.data} tape={heard} />
              ) : analysis.error ? (
                <Problem error={analysis.error} again={analysis.reload} />
              ) : analysis.loading ? (
                <Loading lines={3} />
              ) : (
                <p class="dim">There was nothing to look at.</p>
              )}
            </Card>
          )}
          <NotesCard call={call} set={set} />
          {Object.keys(call.extracted).length > 0 && (
            <Card title="Answers">
              <Facts of={Object.entries(call.extracted).map(([name, value]) => [words(name), String(value)])} />
            </Card>
          )}
          {call.tools.length > 0 && (
            <Card title="What it did">
              <ToolsUsed tools={call.tools} />
            </Card>
          )}
          {call.costs.length > 0 && (
            <Card title="Cost">
              <Costs costs={call.costs} />
            </Card>
          )}
          <Card title="Details">
            <FactsOf call={call} />
          </Card>
        </div>
      </div>
    </>
  );
}

const silence = (call: Detail): string => (call.answered_at ? "Nothing was understood of this call." : "Nobody answered, so there is nothing to read or hear.");

function useTape(): Tape {
  const audio = useRef<HTMLAudioElement | null>(null);
  return useMemo(() => {
    const at = signal(0);
    const seek = (seconds: number) => {
      at.value = seconds;
      if (!audio.current) return;
      audio.current.currentTime = seconds;
      if (seconds > 0) void audio.current.play().catch(() => undefined);
    };
    return { at, playing: signal(false), seek, audio };
  }, []);
}

/** A recording or analysis that is not there is no fault of the page. */
async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (problem) {
    if (problem instanceof ApiError && problem.status === 404) return null;
    throw problem;
  }
}

function Head({ call, reload, live }: { call: Detail; reload: () => void; live: boolean }) {
  const { route } = useLocation();
  const [erasing, setErasing] = useState(false);
  const hangUp = useWork(async () => {
    await post("/calls/{call_id}/hangup", { path: { call_id: call.id } });
    say("The call is being ended");
    setTimeout(reload, 600);
  });
  return (
    <>
      <PageHead
        back={
          <a class="crumb" href="/console/calls">
            <Icon of={ArrowLeft} /> Calls
          </a>
        }
        title={
          <span class="row wrap">
            {whoOf(call)} <Pill of={call.status} />
            {call.sentiment && <Mood of={call.sentiment} />}
          </span>
        }
        actions={
          mayWrite() && (
            <>
              {live && (
                <Button look="danger" icon={PhoneOff} busy={hangUp.busy} onClick={() => void hangUp.run()}>
                  Hang up
                </Button>
              )}
              {!live && <Button look="quiet" icon={Trash2} label="Erase this call" onClick={() => setErasing(true)} />}
            </>
          )
        }
      >
        <span class="num">{call.phone_number}</span> · {words(call.direction)} · <Time at={call.created_at} />
      </PageHead>
      <Problem error={hangUp.error} />
      {erasing && (
        <Confirm
          title="Erase this call?"
          action="Erase"
          onClose={() => setErasing(false)}
          work={async () => {
            await remove("/call-logs/{call_id}", { path: { call_id: call.id } });
            say("The call is erased");
            route("/console/calls");
          }}
        >
          Its recording, transcript and analysis are erased too. This cannot be undone.
        </Confirm>
      )}
    </>
  );
}

function TranscriptFiles({ id }: { id: string }) {
  return (
    <select
      class="input little"
      aria-label="Download the transcript"
      value=""
      onChange={(event) => {
        const format = event.currentTarget.value;
        event.currentTarget.value = "";
        if (format) void download(`/call-recordings/${id}/transcript/download?format=${format}`, `${id}.${format}`);
      }}
    >
      <option value="">Download transcript</option>
      <option value="txt">Text</option>
      <option value="srt">Subtitles (SRT)</option>
      <option value="vtt">Subtitles (WebVTT)</option>
      <option value="json">JSON</option>
    </select>
  );
}

function Again({ id, done }: { id: string; done: () => void }) {
  const work = useWork(async () => {
    await post("/call-logs/{call_id}/analyze", { path: { call_id: id } });
    done();
  });
  return <Button look="quiet little" icon={RefreshCw} busy={work.busy} label="Look at it again" onClick={() => void work.run()} />;
}

function NotesCard({ call, set }: { call: Detail; set: (call: Detail) => void }) {
  const [text, setText] = useState(call.notes ?? "");
  const save = useWork(async () => {
    await put("/call-logs/{call_id}/notes", { path: { call_id: call.id }, body: { notes: text || null } });
    set({ ...call, notes: text || null });
    say("Notes saved");
  });
  return (
    <Card title="Notes" actions={text !== (call.notes ?? "") && <Button look="first little" busy={save.busy} onClick={() => void save.run()}>Save</Button>}>
      <textarea class="input" aria-label="Notes" rows={3} placeholder="What should a colleague know? Notes can be searched." value={text} readOnly={!mayWrite()} onInput={(event) => setText(event.currentTarget.value)} />
      <Problem error={save.error} />
    </Card>
  );
}

function FactsOf({ call }: { call: Detail }) {
  const agent = nameIn(agents.value, call.agent_id);
  const campaign = nameIn(campaigns.value, call.campaign_id);
  return (
    <Facts
      of={[
        ["Agent", <a href={`/console/agents/${call.agent_id}`}>{agent ?? "Agent"}</a>],
        ["Version", `${call.agent_version}`],
        ["Campaign", call.campaign_id ? <a href={`/console/campaigns/${call.campaign_id}`}>{campaign ?? "Campaign"}</a> : null],
        ["Number", call.phone_number],
        ["Called from", call.caller_id],
        ["Answered by", words(call.answered_by)],
        ["Ended because", words(call.hangup_cause)],
        ["Dialled", <Time at={call.created_at} />],
        ["Answered", <Time at={call.answered_at} />],
        ["Ended", <Time at={call.ended_at} />],
        ["Carrier", call.provider && words(call.provider)],
        ["Audio", call.audio_format],
        ["Language heard", call.spoken_language],
        ...Object.entries(call.variables).map(([name, value]): [string, string] => [`{{${name}}}`, String(value)]),
      ]}
    />
  );
}

