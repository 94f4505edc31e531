import { useEffect, useRef, useState } from "preact/hooks";
import { PhoneOff } from "lucide";
import { get, post, type Schemas } from "../lib/api";
import { count, duration, money, percent, plural, words, ZONE } from "../lib/format";
import { mayWrite } from "../lib/may";
import { useAsk, useWork } from "../lib/use";
import { Answered, Button, Card, Figure, Note } from "../ui/parts";
import { Pill } from "../ui/pill";
import { Plot } from "../ui/plot";
import { Legend } from "../ui/plot-legend";
import { say } from "../ui/toast";
import { useBoard, type Board as LiveBoard, type LiveCall } from "./live";
import { BreakerSays } from "./log";
import { doneOf, ProgressBar } from "./progress";

type Stats = Schemas["StatsShown"];

const LOOK_LIVE_MS = 2500;
const LOOK_QUIET_MS = 15_000;
const SOON_MS = 400;

/** Where a campaign stands, as it moves. */
export function Board({ campaign, reload }: { campaign: Schemas["CampaignShown"]; reload: () => void }) {
  const isOpen = ["active", "paused", "scheduled"].includes(campaign.status);
  const isLive = campaign.status === "active";
  const stats = useAsk<Stats>(
    `stats:${campaign.id}`,
    (signal) => get("/campaigns/{campaign_id}/stats", { path: { campaign_id: campaign.id }, signal }),
    isLive ? LOOK_LIVE_MS : isOpen ? LOOK_QUIET_MS : null,
  );
  const soon = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const onMove = () => {
    clearTimeout(soon.current);
    soon.current = setTimeout(() => [stats, { reload }].forEach((each) => each.reload()), SOON_MS);
  };
  useEffect(() => () => clearTimeout(soon.current), []);
  const board = useBoard(campaign.id, isOpen, onMove);
  return (
    <Answered of={stats} lines={8}>
      {(now) => (
        <div class="stack">
          {isOpen && <BreakerSays id={campaign.id} />}
          <Card
            title="Progress"
            about={isLive ? <Ending stats={now} /> : undefined}
            actions={isOpen && <LineSays board={board} />}
          >
            <ProgressBar of={now} legend />
          </Card>
          <dl class="figures">
            <Figure label="Talking now" note={`${plural(now.dialing, "call")} ringing`}>{count(now.live)}</Figure>
            <Figure label="Due now" note={`${count(Object.values(now.deferred).reduce((sum, each) => sum + each, 0))} later`}>{count(now.due_now)}</Figure>
            <Figure label="New calls a second" note={`${count(campaign.calls_per_second)} at most`}>{isLive ? board.pace.toFixed(1) : "0"}</Figure>
            <Figure label="Answered" note={plural(now.attempts, "try", "tries")}>{percent(now.answer_rate)}</Figure>
            <Figure label="Reached" note={`${now.attempts_per_contact} tries a person`}>{percent(now.reach_rate)}</Figure>
            {now.cost !== null && (
              <Figure label="Cost" note={now.cost_per_reached === null ? undefined : `${money(now.cost_per_reached)} a person reached`}>
                {money(now.cost)}
              </Figure>
            )}
          </dl>
          <div class="home-columns">
            {isOpen ? <LiveCalls calls={board.calls} /> : <Hours id={campaign.id} />}
            <div class="stack">
              <Outcomes stats={now} />
              {Object.keys(now.deferred).length > 0 && <Deferred stats={now} />}
            </div>
          </div>
          {isOpen && <Hours id={campaign.id} />}
        </div>
      )}
    </Answered>
  );
}

function LineSays({ board }: { board: LiveBoard }) {
  const says = { connecting: ["", "Connecting"], live: ["good", "Live"], lost: ["warn", "Connecting again"] } as const;
  const [tone, text] = says[board.line.value];
  return (
    <span class={`pill ${tone}${tone === "good" ? " live" : ""}`} role="status">
      {text}
    </span>
  );
}

/** When it will be over, if it goes on as since this page was opened. */
function Ending({ stats }: { stats: Stats }) {
  const [first] = useState(() => ({ at: Date.now(), done: doneOf(stats) }));
  const seconds = (Date.now() - first.at) / 1000;
  const done = doneOf(stats) - first.done;
  if (done < 3 || seconds < 10) return <>Watching the pace to tell when it ends…</>;
  const left = ((stats.total - doneOf(stats)) * seconds) / done;
  const end = new Date(Date.now() + left * 1000);
  return (
    <>
      Done in about {duration(left)}, at {end.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })}, if it goes on like this
    </>
  );
}

function LiveCalls({ calls }: { calls: LiveCall[] }) {
  return (
    <Card title="Calls right now" pad={false}>
      {calls.length === 0 ? (
        <p class="pad dim">Nobody is being rung at this moment.</p>
      ) : (
        <ul class="lines live-calls">
          {calls.map((call) => (
            <LiveRow key={call.id} call={call} />
          ))}
        </ul>
      )}
    </Card>
  );
}

function LiveRow({ call }: { call: LiveCall }) {
  const hangUp = useWork(async () => {
    await post("/calls/{call_id}/hangup", { path: { call_id: call.id } });
    say("The call is being ended");
  });
  return (
    <li>
      <div class="line row">
        <a class="truncate strong live-name" href={`/console/calls/${call.id}`}>
          {call.name ?? "A call"}
        </a>
        <Pill of={call.status} />
        <span class={`grow truncate small ${call.isGuess ? "faint" : "dim"}`}>
          {call.speaker && <b class={`who-${call.speaker}`}>{words(call.speaker)}: </b>}
          {call.said}
        </span>
        {mayWrite() && <Button look="quiet little" icon={PhoneOff} label={`Hang up on ${call.name ?? "this call"}`} busy={hangUp.busy} onClick={() => void hangUp.run()} />}
      </div>
    </li>
  );
}

const OUTCOME_COLOURS: Record<string, string> = { reached: "fill-good", no_answer: "fill-warn", busy: "fill-warn", voicemail: "c3", failed: "fill-bad", dropped_early: "c4", invalid: "fill-bad", canceled: "c5", unknown: "c5" };

function Outcomes({ stats }: { stats: Stats }) {
  const shown = Object.entries(stats.outcomes).filter(([, value]) => value > 0);
  const most = Math.max(1, ...shown.map(([, value]) => value));
  return (
    <Card title="How tries ended">
      {shown.length === 0 ? (
        <p class="dim">No try has ended yet.</p>
      ) : (
        <table class="bars-table">
          <tbody>
            {shown
              .sort(([, a], [, b]) => b - a)
              .map(([name, value]) => (
                <tr key={name}>
                  <th scope="row">{words(name)}</th>
                  <td>
                    <span class="bar-fill" style={{ width: `${(100 * value) / most}%`, background: `var(--${OUTCOME_COLOURS[name] ?? "c5"})` }} />
                  </td>
                  <td class="right">{count(value)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}

export const REASONS: Record<string, string> = {
  maintenance: "The platform is in maintenance",
  campaign_not_active: "The campaign does not dial now",
  campaign_not_started: "The campaign begins later",
  campaign_over: "The campaign has ended",
  do_not_call: "On a do-not-call list",
  premium_number: "A premium number",
  country_not_allowed: "Its country may not be called",
  no_caller_id: "No number of yours to call from",
  zone_unknown: "Their time zone is not known",
  outside_hours: "Outside calling hours where they are",
  window_never_opens: "No calling hours are left",
  number_cap: "The number was rung often enough today",
  contact_cap: "They were tried often enough today",
  agent_not_active: "The agent is not active",
};

function Deferred({ stats }: { stats: Stats }) {
  return (
    <Card title="Who waits, and why">
      <ul class="stack tight">
        {Object.entries(stats.deferred).map(([reason, value]) => (
          <li key={reason} class="row between">
            <span>{REASONS[reason] ?? words(reason)}</span>
            <b class="num strong">{count(value)}</b>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Hours({ id }: { id: string }) {
  const hours = useAsk(`hours:${id}`, (signal) => get("/analytics/hourly-calls", { query: { campaign_id: id, timezone: ZONE }, signal }), LOOK_QUIET_MS);
  const [plotted, setPlotted] = useState<Parameters<typeof Plot>[0] | null>(null);
  useEffect(() => {
    if (!hours.data) return;
    setPlotted({
      label: "Calls by the hour of your day",
      labels: hours.data.map(({ hour }) => `${hour}:00`),
      series: [
        { name: "all", values: hours.data.map(({ total }) => total), colour: "c5" },
        { name: "answered", values: hours.data.map(({ answered }) => answered), colour: "c1" },
      ],
    });
  }, [JSON.stringify(hours.data)]);
  return (
    <Card title="By hour of the day" actions={<Legend of={[{ name: "all", colour: "c5" }, { name: "answered", colour: "c1" }]} />}>
      {hours.error && <Note kind="bad">{hours.error.message}</Note>}
      {plotted && <Plot {...plotted} />}
    </Card>
  );
}
