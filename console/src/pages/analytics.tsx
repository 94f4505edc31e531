import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { ChartColumn, Download } from "lucide";
import { download, get, urlOf, type Answer } from "../lib/api";
import { asQuery, useFilters, useKey, type Filters } from "../lib/filters";
import { count, dayOf, duration, milliseconds, money, percent, plural, words, ZONE } from "../lib/format";
import { agents, campaigns, choices, learnNames, nameIn } from "../lib/names";
import { useAsk, useTitle } from "../lib/use";
import { Choice } from "../ui/field";
import { Icon } from "../ui/icon";
import { Answered, Card, Empty, Figure, PageHead, Segmented } from "../ui/parts";
import { Pill } from "../ui/pill";
import { Plot, type Series } from "../ui/plot";
import { Legend } from "../ui/plot-legend";
import { Verdicts } from "./verdicts";

const SLICE = ["agent_id", "campaign_id", "days", "date_from", "date_to"] as const;
const SPANS = [["7", "7 days"], ["30", "30 days"], ["90", "90 days"]] as const;
const EMOTION_TONES: Record<string, string> = { joy: "fill-good", satisfaction: "fill-good", trust: "fill-good", surprise: "c3", confusion: "c3", worry: "fill-warn", sadness: "fill-bad", frustration: "fill-bad", anger: "fill-bad", neutral: "c5" };

interface Reports {
  calls: Answer<"/analytics/calls", "get">;
  sentiment: Answer<"/analytics/sentiment", "get">;
  emotions: Answer<"/analytics/emotions", "get">;
  phrases: Answer<"/analytics/top-phrases", "get">;
  agents: Answer<"/analytics/agent-performance", "get">;
  campaigns: Answer<"/analytics/campaign-stats", "get">;
  hours: Answer<"/analytics/hourly-calls", "get">;
  days: Answer<"/analytics/daily-calls", "get">;
}

async function ask(slice: Filters, signal: AbortSignal): Promise<Reports> {
  const query = { ...slice, timezone: ZONE };
  const [calls, sentiment, emotions, phrases, perAgent, perCampaign, hours, days] = await Promise.all([
    get("/analytics/calls", { query, signal }),
    get("/analytics/sentiment", { query, signal }),
    get("/analytics/emotions", { query, signal }),
    get("/analytics/top-phrases", { query: { ...query, limit: 20 }, signal }),
    get("/analytics/agent-performance", { query, signal }),
    get("/analytics/campaign-stats", { query, signal }),
    get("/analytics/hourly-calls", { query, signal }),
    get("/analytics/daily-calls", { query, signal }),
  ]);
  return { calls, sentiment, emotions, phrases, agents: perAgent, campaigns: perCampaign, hours, days };
}

/** A slice as the API takes it: `days` and `date_from` exclude each other. */
function sliceOf(filters: Filters): Filters {
  const slice = asQuery(filters, SLICE);
  if (slice.date_from || slice.date_to) delete slice.days;
  else slice.days ??= "30";
  delete slice.timezone;
  return slice;
}

export function Analytics() {
  useTitle("Analytics");
  const [filters, change] = useFilters();
  useEffect(() => void learnNames(), []);
  const slice = sliceOf(filters);
  const key = useKey(slice);
  const reports = useAsk(key, (signal) => ask(slice, signal));
  // The other side of a comparison: the same time, another agent or campaign.
  const [kind, otherId] = (filters.versus ?? "").split(":") as ["agent_id" | "campaign_id", string?];
  const other = otherId ? { ...slice, agent_id: "", ...(kind === "campaign_id" ? {} : { campaign_id: slice.campaign_id ?? "" }), [kind]: otherId } : null;
  const compared = useAsk<Reports | null>(other ? `versus:${JSON.stringify(other)}` : "none", (signal) => (other ? ask(other, signal) : Promise.resolve(null)));
  const versus = compared.data;
  const names: [string, string] = [nameOf(slice), otherId ? (nameIn(kind === "agent_id" ? agents.value : campaigns.value, otherId) ?? "the other") : ""];
  return (
    <div class="page">
      <PageHead title="Analytics" actions={<Export slice={slice} />}>
        Days and hours are yours ({ZONE}).
      </PageHead>
      <div class="row wrap filters bare">
        <Segmented label="Time" options={SPANS} value={(filters.date_from || filters.date_to ? "" : (filters.days ?? "30")) as "7"} onChange={(days) => change({ days, date_from: "", date_to: "" })} />
        <input class={`input${filters.date_from ? " chosen" : ""}`} type="date" aria-label="From this day" value={filters.date_from ?? ""} onChange={(event) => change({ date_from: event.currentTarget.value })} />
        <span class="faint">–</span>
        <input class={`input${filters.date_to ? " chosen" : ""}`} type="date" aria-label="To this day" value={filters.date_to ?? ""} onChange={(event) => change({ date_to: event.currentTarget.value })} />
        <Choice label="All agents" value={filters.agent_id ?? ""} onText={(agent_id) => change({ agent_id })} options={choices(agents.value)} />
        <Choice label="All campaigns" value={filters.campaign_id ?? ""} onText={(campaign_id) => change({ campaign_id })} options={choices(campaigns.value)} />
        <Choice
          label="Compare with…"
          value={filters.versus ?? ""}
          onText={(versus) => change({ versus })}
          options={[
            ...agents.value.map(({ id, name }) => [`agent_id:${id}`, `Agent: ${name}`] as const),
            ...campaigns.value.map(({ id, name }) => [`campaign_id:${id}`, `Campaign: ${name}`] as const),
          ]}
        />
      </div>
      <Answered of={reports} lines={10}>
        {(found) => (found.calls.total_calls === 0 && !versus?.calls.total_calls ? <Card><Empty icon={ChartColumn} title="No calls in this time">Choose a longer time, or another agent or campaign.</Empty></Card> : <Found found={found} versus={versus} names={names} verdicts={otherId && slice[kind] ? <Verdicts slice={slice} kind={kind} other={otherId} /> : null} />)}
      </Answered>
    </div>
  );
}

function nameOf(slice: Filters): string {
  const found = [nameIn(agents.value, slice.agent_id), nameIn(campaigns.value, slice.campaign_id)].filter(Boolean);
  return found.join(", ") || "All calls";
}

function Found({ found, versus, names, verdicts }: { found: Reports; versus: Reports | null; names: [string, string]; verdicts: ComponentChildren }) {
  return (
    <>
      {versus && <Legend of={[{ name: names[0], colour: "c1" }, { name: names[1], colour: "c2" }]} />}
      <Figures found={found.calls} versus={versus?.calls ?? null} other={names[1]} />
      {verdicts}
      <Daily found={found} versus={versus} />
      <div class="grid" style={{ "--least": "420px" }}>
        <Hourly found={found} versus={versus} />
        <Share title="How calls ended" of={Object.entries(found.calls.outcomes)} versus={versus && Object.entries(versus.calls.outcomes)} colour={() => "c1"} />
        <Moods found={found} versus={versus} names={names} />
        <Share title="Emotions" about="A call can have several" of={found.emotions.map(({ emotion, count: value }) => [emotion, value])} versus={versus && versus.emotions.map(({ emotion, count: value }) => [emotion, value])} colour={(name) => EMOTION_TONES[name] ?? "c5"} />
      </div>
      <Phrases found={found.phrases} />
      <Rows title="Agents" rows={found.agents.map((row) => ({ ...row, href: `/console/agents/${row.agent_id}` }))} />
      <Rows title="Campaigns" rows={found.campaigns.map((row) => ({ ...row, href: `/console/campaigns/${row.campaign_id}` }))} />
    </>
  );
}

const FIGURES = [
  ["Calls", "total_calls", count],
  ["Answered", "answer_rate", percent],
  ["Success", "success_rate", percent],
  ["Goal reached", "goal_rate", percent],
  ["Average call", "average_duration", duration],
  ["Cost a call", "cost_per_call", money],
] as const;

function Figures({ found, versus, other }: { found: Reports["calls"]; versus: Reports["calls"] | null; other: string }) {
  return (
    <dl class="figures">
      {FIGURES.map(([label, key, say]) => (
        <Figure key={key} label={label} note={versus ? `${say(versus[key])} · ${other}` : undefined}>
          {say(found[key])}
        </Figure>
      ))}
    </dl>
  );
}

function Daily({ found, versus }: { found: Reports; versus: Reports | null }) {
  const labels = useMemo(() => found.days.map(({ date }) => dayOf(`${date}T12:00:00`).replace(/,? \d{4}$/, "")), [found]);
  const series = useMemo((): Series[] => {
    if (versus) {
      return [
        { name: "calls", values: found.days.map(({ total }) => total), colour: "c1", kind: "line" },
        { name: "compared", values: versus.days.map(({ total }) => total), colour: "c2", kind: "line" },
      ];
    }
    return [
      { name: "all", values: found.days.map(({ total }) => total), colour: "c5" },
      { name: "answered", values: found.days.map(({ answered }) => answered), colour: "c1" },
      ...(found.calls.failed_calls ? [{ name: "failed", values: found.days.map(({ failed }) => failed), colour: "bad", kind: "line" as const }] : []),
    ];
  }, [found, versus]);
  return (
    <Card title="Calls a day" actions={!versus && <Legend of={series} />}>
      <Plot label={`Calls a day; ${plural(found.calls.total_calls, "call")} in all`} labels={labels} series={series} height={240} />
    </Card>
  );
}

function Hourly({ found, versus }: { found: Reports; versus: Reports | null }) {
  const labels = useMemo(() => found.hours.map(({ hour }) => `${hour}:00`), [found]);
  const series = useMemo((): Series[] => {
    if (versus) {
      return [
        { name: "calls", values: found.hours.map(({ total }) => total), colour: "c1" },
        { name: "compared", values: versus.hours.map(({ total }) => total), colour: "c2", kind: "line" },
      ];
    }
    return [
      { name: "all", values: found.hours.map(({ total }) => total), colour: "c5" },
      { name: "answered", values: found.hours.map(({ answered }) => answered), colour: "c1" },
    ];
  }, [found, versus]);
  return (
    <Card title="By hour of the day" actions={!versus && <Legend of={series} />}>
      <Plot label="Calls by the hour of the day" labels={labels} series={series} />
    </Card>
  );
}

function Share({ title, about, of, versus, colour }: { title: string; about?: string; of: [string, number][]; versus: [string, number][] | null; colour: (name: string) => string }) {
  const sum = (list: [string, number][]) => list.reduce((all, [, value]) => all + value, 0) || 1;
  const shown = of.filter(([name, value]) => value > 0 || versus?.some(([other, theirs]) => other === name && theirs > 0)).sort(([, a], [, b]) => b - a);
  return (
    <Card title={title} about={about}>
      {shown.length === 0 ? (
        <p class="dim">Nothing to count yet.</p>
      ) : (
        <table class="bars-table">
          <thead class="only-read">
            <tr>
              <th scope="col">What</th>
              <th scope="col">Share</th>
              <th scope="col">Calls</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(([name, value]) => {
              const theirs = versus?.find(([other]) => other === name)?.[1] ?? 0;
              return (
                <tr key={name}>
                  <th scope="row">{words(name)}</th>
                  <td>
                    <span class="bar-fill" style={{ width: `${(100 * value) / sum(of)}%`, background: `var(--${versus ? "c1" : colour(name)})` }} />
                    {versus && <span class="bar-fill second" style={{ width: `${(100 * theirs) / sum(versus)}%` }} />}
                  </td>
                  <td class="right">
                    {versus ? `${percent(Math.round((100 * value) / sum(of)))} / ${percent(Math.round((100 * theirs) / sum(versus)))}` : count(value)}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </Card>
  );
}

const MOODS = [["positive", "Positive", "fill-good"], ["neutral", "Neutral", "line-strong"], ["negative", "Negative", "fill-bad"]] as const;

function MoodBar({ of, name }: { of: Reports["sentiment"]; name?: string }) {
  return (
    <div class="stack tight">
      {name && <span class="small dim">{name}</span>}
      <div class="bar tall" role="img" aria-label={MOODS.map(([key, said]) => `${said} ${percent(of[`${key}_percentage`])}`).join(", ")}>
        {MOODS.map(([key, said, colour]) => (
          <span key={key} title={`${said}: ${count(of[key])}`} style={{ width: `${of[`${key}_percentage`]}%`, background: `var(--${colour})` }} />
        ))}
      </div>
      <ul class="legend">
        {MOODS.map(([key, said, colour]) => (
          <li key={key}>
            <span class="key" style={{ background: `var(--${colour})` }} /> {said} <b class="num">{percent(of[`${key}_percentage`])}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Moods({ found, versus, names }: { found: Reports; versus: Reports | null; names: [string, string] }) {
  return (
    <Card title="Mood of the calls" about={`${plural(found.sentiment.analyzed, "call")} looked at`}>
      <div class="stack">
        <MoodBar of={found.sentiment} name={versus ? names[0] : undefined} />
        {versus && <MoodBar of={versus.sentiment} name={names[1]} />}
      </div>
    </Card>
  );
}

function Phrases({ found }: { found: Reports["phrases"] }) {
  const most = Math.max(1, ...found.map(({ count: value }) => value));
  return (
    <Card title="What people talk about" about="Phrases by the calls they came up in">
      {found.length === 0 ? (
        <p class="dim">No phrase came up more than once.</p>
      ) : (
        <ul class="phrases">
          {found.map(({ phrase, count: value, frequency }) => (
            <li key={phrase}>
              <a href={`/console/calls?search=${encodeURIComponent(phrase)}`} title={`${percent(frequency)} of calls`}>
                <span class="truncate">{phrase}</span>
                <b class="num">{count(value)}</b>
                <span class="phrase-fill" style={{ width: `${(100 * value) / most}%` }} />
              </a>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

type Row = Reports["agents"][number] & { href: string; status?: string };

function Rows({ title, rows }: { title: string; rows: (Omit<Row, "agent_id"> & { agent_id?: string })[] }) {
  if (!rows.length) return null;
  return (
    <Card title={title} pad={false}>
      <div class="table-scroll" tabIndex={0}>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Name</th>
              {["Calls", "Answered", "Goal", "Average", "Answers in (half / 95 %)", "Positive", "Cost"].map((each) => (
                <th key={each} scope="col" class="right">
                  {each}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.href}>
                <td>
                  <a class="cover" href={row.href}>
                    {row.name}
                  </a>{" "}
                  {row.status && <Pill of={row.status} />}
                </td>
                <td class="right">{count(row.calls)}</td>
                <td class="right">{percent(row.answer_rate)}</td>
                <td class="right">{percent(row.goal_rate)}</td>
                <td class="right">{duration(row.average_duration)}</td>
                <td class="right">
                  {milliseconds(row.latency_ms_p50)} / {milliseconds(row.latency_ms_p95)}
                </td>
                <td class="right">{percent(row.sentiment.positive_percentage)}</td>
                <td class="right">{money(row.cost)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

const REPORTS = ["calls", "sentiment", "emotions", "top-phrases", "agent-performance", "campaign-stats", "hourly-calls", "daily-calls"] as const;

function Export({ slice }: { slice: Filters }) {
  const fetchIt = (report: string) => void download(urlOf("/analytics/export", {}, { ...slice, timezone: ZONE, report }), `${report}.csv`);
  return (
    <label class="button">
      <Icon of={Download} />
      <span>Export</span>
      <select class="over" aria-label="Export a report as CSV" value="" onChange={(event) => (fetchIt(event.currentTarget.value), (event.currentTarget.value = ""))}>
        <option value="" disabled>
          Which report?
        </option>
        {REPORTS.map((name) => (
          <option key={name} value={name}>
            {words(name)} (CSV)
          </option>
        ))}
      </select>
    </label>
  );
}
