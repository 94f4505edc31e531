import { useEffect, useState } from "preact/hooks";
import { AudioWaveform, Check, ChevronRight, Megaphone, Mic, PhoneCall, Plug, Rocket, Upload, type IconNode } from "lucide";
import { get, type Schemas } from "../lib/api";
import { count, dayOf, duration, milliseconds, percent, plural, ZONE } from "../lib/format";
import { mayWrite } from "../lib/may";
import { user } from "../lib/session";
import { useAsk, useTitle } from "../lib/use";
import { Icon } from "../ui/icon";
import { Answered, Button, ButtonLink, Card, Empty, Figure, PageHead, Time } from "../ui/parts";
import { Pill } from "../ui/pill";
import { Plot } from "../ui/plot";
import { Legend } from "../ui/plot-legend";
import { ProgressBar } from "../campaign/progress";
import { TestCall } from "./test-call";

const LOOK_EVERY_MS = 15_000;
const DAYS = 14;

interface Start {
  hasCarrier: boolean;
  agent: Schemas["AgentShown"] | null;
  hasCalled: boolean;
  /** Over a carrier. */
  hasRung: boolean;
  campaigns: Schemas["CampaignShown"][];
}

async function look(signal: AbortSignal): Promise<Start> {
  const one = { query: { limit: 1 }, signal };
  const [carriers, agents, calls, rung, campaigns] = await Promise.all([
    get("/integrations", { query: { limit: 1, type: "telephony" }, signal }),
    get("/agents", one),
    get("/call-logs", one),
    get("/call-logs", { query: { limit: 1, direction: "outbound" }, signal }),
    get("/campaigns", { query: { limit: 5 }, signal }),
  ]);
  return { hasCarrier: carriers.total > 0, agent: agents.items[0] ?? null, hasCalled: calls.total > 0, hasRung: rung.total > 0, campaigns: campaigns.items };
}

export function Home() {
  useTitle("Overview");
  const start = useAsk("home", look, LOOK_EVERY_MS);
  const [testing, setTesting] = useState(false);
  const me = user.value!;
  return (
    <div class="page">
      <PageHead title={`Hello, ${me.first_name || me.email}`} actions={mayWrite() && <Button look="first" icon={PhoneCall} onClick={() => setTesting(true)}>Place a call</Button>}>
        {start.data && isNew(start.data) ? "A first call takes a few minutes. Here is the way." : `The last ${DAYS} days, in your time zone (${ZONE}).`}
      </PageHead>
      <Answered of={start} lines={8}>
        {(data) => (
          <>
            {isNew(data) && <FirstSteps start={data} test={() => setTesting(true)} />}
            {data.hasCalled && <Dashboard campaigns={data.campaigns} />}
          </>
        )}
      </Answered>
      {testing && <TestCall onClose={() => setTesting(false)} />}
    </div>
  );
}

const isNew = (start: Start): boolean => !(start.hasCalled && start.campaigns.some(({ launched_at }) => launched_at));

interface Step {
  title: string;
  about: string;
  done: boolean;
  icon: IconNode;
  action: { name: string; href?: string; run?: () => void };
}

function stepsOf({ hasCarrier, agent, hasCalled, hasRung, campaigns }: Start, test: () => void): Step[] {
  const draft = campaigns[0];
  return [
    { title: "Make an agent", about: "What it says, what it asks, which answers it understands.", done: !!agent, icon: AudioWaveform, action: { name: "Make an agent", href: "/console/agents/new" } },
    { title: "Talk to it", about: "With this browser's microphone, or have simulated people try it. Nobody is rung.", done: hasCalled, icon: Mic, action: { name: "Open it", href: agent ? `/console/agents/${agent.id}` : "/console/agents/new" } },
    { title: "Connect a carrier", about: "The company that carries your calls. Its keys are kept encrypted.", done: hasCarrier, icon: Plug, action: { name: "Connect", href: "/console/integrations?new=telephony" } },
    { title: "Ring yourself", about: "Hear the agent on your own telephone, and read along as you speak.", done: hasRung, icon: PhoneCall, action: { name: "Place a test call", run: test } },
    { title: "Bring your contacts", about: "A CSV or Excel file; every row that does not fit is explained before anything is kept.", done: campaigns.some(({ progress }) => progress.total > 0), icon: Upload, action: { name: "Make a campaign", href: draft ? `/console/campaigns/${draft.id}/contacts` : "/console/campaigns/new" } },
    { title: "Launch", about: "See first who would be rung now and who later, and why. Pause at any moment.", done: campaigns.some(({ launched_at }) => launched_at), icon: Rocket, action: { name: "Look and launch", href: draft ? `/console/campaigns/${draft.id}` : "/console/campaigns/new" } },
  ];
}

function FirstSteps({ start, test }: { start: Start; test: () => void }) {
  const steps = stepsOf(start, test);
  const next = steps.findIndex(({ done }) => !done);
  return (
    <section class="card" aria-label="First steps">
      <ol class="steps">
        {steps.map(({ title, about, done, icon, action }, index) => (
          <li key={title} class={done ? "done" : index === next ? "next" : ""}>
            <span class="step-mark">
              <Icon of={done ? Check : icon} />
            </span>
            <div class="grow">
              <h2>
                {title}
                {done && <span class="only-read"> (done)</span>}
              </h2>
              <p class="dim">{about}</p>
            </div>
            {!done &&
              mayWrite() &&
              (action.href ? (
                <ButtonLink look={index === next ? "first" : ""} href={action.href}>
                  {action.name}
                </ButtonLink>
              ) : (
                <Button look={index === next ? "first" : ""} onClick={action.run} disabled={!start.hasCarrier || !start.agent}>
                  {action.name}
                </Button>
              ))}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Dashboard({ campaigns }: { campaigns: Schemas["CampaignShown"][] }) {
  const span = { days: DAYS, timezone: ZONE };
  const asked = useAsk(
    "dashboard",
    async (signal) => {
      const [calls, daily, performance, latest] = await Promise.all([
        get("/analytics/calls", { query: span, signal }),
        get("/analytics/daily-calls", { query: span, signal }),
        get("/analytics/agent-performance", { query: span, signal }),
        get("/call-logs", { query: { limit: 8 }, signal }),
      ]);
      return { calls, daily, performance, latest: latest.items };
    },
    LOOK_EVERY_MS,
  );
  return (
    <Answered of={asked} lines={8}>
      {({ calls, daily, performance, latest }) => (
        <>
          <dl class="figures">
            <Figure label="Calls">{count(calls.total_calls)}</Figure>
            <Figure label="Answered" note={plural(calls.answered_calls, "call")}>{percent(calls.answer_rate)}</Figure>
            <Figure label="Goal reached" note="of answered calls">{percent(calls.goal_rate)}</Figure>
            <Figure label="Average call">{duration(calls.average_duration)}</Figure>
            <Figure label="Answers in" note="half are quicker">{milliseconds(slowest(performance))}</Figure>
          </dl>
          <div class="home-columns">
            <Card title="Calls a day" actions={<Legend of={[{ name: "all", colour: "c5" }, { name: "answered", colour: "c1" }]} />}>
              <DailyPlot daily={daily} />
            </Card>
            <Card title="Campaigns" pad={false} actions={<a class="small" href="/console/campaigns">All campaigns</a>}>
              {campaigns.length ? (
                <ul class="lines">
                  {campaigns.map((campaign) => (
                    <li key={campaign.id}>
                      <a href={`/console/campaigns/${campaign.id}`}>
                        <span class="row between">
                          <span class="truncate strong">{campaign.name}</span>
                          <Pill of={campaign.status} live={campaign.status === "active"} />
                        </span>
                        <ProgressBar of={campaign.progress} />
                      </a>
                    </li>
                  ))}
                </ul>
              ) : (
                <Empty icon={Megaphone} title="No campaign yet" actions={mayWrite() && <ButtonLink href="/console/campaigns/new">Make one</ButtonLink>} />
              )}
            </Card>
          </div>
          <Card title="Latest calls" pad={false} actions={<a class="small" href="/console/calls">All calls</a>}>
            <ul class="lines">
              {latest.map((call) => (
                <li key={call.id}>
                  <a class="row" href={`/console/calls/${call.id}`}>
                    <span class="grow truncate">
                      <span class="strong">{call.contact_name ?? call.phone_number}</span>{" "}
                      <span class="dim">{call.summary}</span>
                    </span>
                    <Pill of={call.status} />
                    <span class="dim small">
                      <Time at={call.created_at} />
                    </span>
                    <Icon of={ChevronRight} class="faint" />
                  </a>
                </li>
              ))}
            </ul>
          </Card>
        </>
      )}
    </Answered>
  );
}

const slowest = (rows: Schemas["AgentPerformance"][]): number | null =>
  rows.reduce<number | null>((most, { latency_ms_p50 }) => (latency_ms_p50 === null ? most : Math.max(most ?? 0, latency_ms_p50)), null);

function DailyPlot({ daily }: { daily: Schemas["DailyCalls"][] }) {
  const [made, setMade] = useState(() => drawn(daily));
  useEffect(() => setMade(drawn(daily)), [JSON.stringify(daily)]);
  return (
    <Plot
      label={`Calls a day: ${daily.filter(({ total }) => total).map(({ date, total, answered }) => `${date}: ${total}, ${answered} answered`).join("; ") || "none"}`}
      labels={made.labels}
      series={made.series}
    />
  );
}

const drawn = (daily: Schemas["DailyCalls"][]) => ({
  labels: daily.map(({ date }) => dayOf(`${date}T12:00:00`).replace(/,? \d{4}$/, "")),
  series: [
    { name: "all", values: daily.map(({ total }) => total), colour: "c5" },
    { name: "answered", values: daily.map(({ answered }) => answered), colour: "c1" },
  ],
});
