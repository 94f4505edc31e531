import { useEffect, useState } from "preact/hooks";
import { ArrowDownLeft, ArrowUpRight, Globe, PhoneCall, PhoneOff, X } from "lucide";
import { get, type Schemas } from "../lib/api";
import { asQuery, useFilters, useKey, useTyped, type Filters } from "../lib/filters";
import { count, duration, milliseconds, words } from "../lib/format";
import { mayWrite } from "../lib/may";
import { agents, campaigns, choices, learnNames, nameIn } from "../lib/names";
import { usePages, type Listed } from "../lib/pages";
import { useTitle } from "../lib/use";
import { Choice, SearchField } from "../ui/field";
import { Icon } from "../ui/icon";
import { Button, ButtonLink, Empty, PageHead, Time } from "../ui/parts";
import { Pill } from "../ui/pill";
import { VirtualList } from "../ui/virtual";
import { TestCall } from "./test-call";

type Log = Schemas["CallLog"];

const NAMES = ["status", "direction", "disposition", "agent_id", "campaign_id", "contact_id", "phone_number", "search", "date_from", "date_to", "sort"] as const;
const STATUSES = ["queued", "dialing", "ringing", "in_progress", "completed", "no_answer", "busy", "failed", "canceled", "voicemail"].map(
  (each) => [each, each === "in_progress" ? "Live" : words(each)] as const,
);
const DIRECTIONS = [["outbound", "Outbound"], ["inbound", "Inbound"], ["browser", "Browser"]] as const;
const ORDERS = [["created_at", "Oldest first"], ["-duration_seconds", "Longest first"], ["-cost", "Dearest first"]] as const;

export function Calls() {
  useTitle("Calls");
  const [filters, change] = useFilters();
  const [testing, setTesting] = useState(false);
  useEffect(() => void learnNames(), []);
  const query = asQuery(filters, NAMES);
  const key = useKey(query);
  const pages = usePages<Log>(key, (cursor, signal) =>
    get("/call-logs", { query: { ...query, limit: 100, cursor }, signal }) as Promise<Listed<Log>>,
  );
  const isFiltered = NAMES.some((name) => filters[name]);
  const total = pages.total === null ? "" : `${count(pages.total)}${pages.isCapped ? " or more" : ""} ${pages.total === 1 ? "call" : "calls"}`;
  return (
    <div class="page wide fill">
      <PageHead title="Calls" actions={mayWrite() && <Button look="first" icon={PhoneCall} onClick={() => setTesting(true)}>Place a call</Button>}>
        {total || "\u00a0"}
      </PageHead>
      <section class="card fill">
        <CallFilters filters={filters} change={change} isFiltered={isFiltered} />
        <VirtualList
          pages={pages}
          label="Calls"
          layout="calls-row"
          rowHeight={56}
          key_={(call) => call.id}
          head={<Head />}
          row={(call) => ({ href: `/console/calls/${call.id}`, cells: <Cells call={call} /> })}
          empty={
            isFiltered ? (
              <Empty icon={PhoneOff} title="No call fits these filters" actions={<Button onClick={() => change(Object.fromEntries(NAMES.map((name) => [name, ""])))}>Clear the filters</Button>} />
            ) : (
              <Empty icon={PhoneOff} title="No calls yet" actions={<ButtonLink href="/console">What to do first</ButtonLink>}>
                Calls appear here the moment they are dialled, with recording, transcript and analysis once they end.
              </Empty>
            )
          }
        />
      </section>
      {testing && <TestCall onClose={() => setTesting(false)} />}
    </div>
  );
}

function CallFilters({ filters, change, isFiltered }: { filters: Filters; change: (by: Filters) => void; isFiltered: boolean }) {
  const [search, type] = useTyped(filters.search ?? "", (text) => change({ search: text }));
  const [phone, typePhone] = useTyped(filters.phone_number ?? "", (text) => change({ phone_number: text }));
  const [disposition, typeDisposition] = useTyped(filters.disposition ?? "", (text) => change({ disposition: text }));
  const on = (name: string) => (value: string) => change({ [name]: value });
  return (
    <div class="filters" role="search">
      <SearchField label="Words that were said, or notes" value={search} onText={type} />
      <Choice label="Any status" value={filters.status ?? ""} onText={on("status")} options={STATUSES} />
      <Choice label="Any direction" value={filters.direction ?? ""} onText={on("direction")} options={DIRECTIONS} />
      <Choice label="All agents" value={filters.agent_id ?? ""} onText={on("agent_id")} options={choices(agents.value)} />
      <Choice label="All campaigns" value={filters.campaign_id ?? ""} onText={on("campaign_id")} options={choices(campaigns.value)} />
      <input class={`input narrow${phone ? " chosen" : ""}`} type="tel" aria-label="Phone number" placeholder="Phone number" value={phone} onInput={(event) => typePhone(event.currentTarget.value)} />
      <input class={`input narrow${disposition ? " chosen" : ""}`} type="text" aria-label="Disposition" placeholder="Disposition" value={disposition} onInput={(event) => typeDisposition(event.currentTarget.value)} />
      <span class="row">
        <input class={`input${filters.date_from ? " chosen" : ""}`} type="date" aria-label="From this day" value={filters.date_from ?? ""} onChange={(event) => change({ date_from: event.currentTarget.value })} />
        <span class="faint" aria-hidden="true">–</span>
        <input class={`input${filters.date_to ? " chosen" : ""}`} type="date" aria-label="To this day" value={filters.date_to ?? ""} onChange={(event) => change({ date_to: event.currentTarget.value })} />
      </span>
      <Choice label="Newest first" value={filters.sort ?? ""} onText={on("sort")} options={ORDERS} />
      {isFiltered && (
        <Button look="quiet little" icon={X} onClick={() => change(Object.fromEntries(NAMES.map((name) => [name, ""])))}>
          Clear
        </Button>
      )}
    </div>
  );
}

function Head() {
  return (
    <>
      <span>Who</span>
      <span class="wide-only">When</span>
      <span>Status</span>
      <span class="wide-only">Disposition</span>
      <span class="wider-only">Agent</span>
      <span class="wider-only">Mood</span>
      <span class="right wider-only">Answers in</span>
      <span class="right">Length</span>
    </>
  );
}

const WAYS = { outbound: [ArrowUpRight, "Outbound"], inbound: [ArrowDownLeft, "Inbound"], browser: [Globe, "Browser"] } as const;

function Cells({ call }: { call: Log }) {
  const [icon, way] = WAYS[call.direction];
  return (
    <>
      <span class="who">
        <span class="way" title={way}>
          <Icon of={icon} />
          <span class="only-read">{way} call, </span>
        </span>
        <span class="grow">
          <span class="truncate strong block">{call.contact_name ?? call.phone_number ?? "Somebody"}</span>
          <span class="truncate small dim block num">
            <span class="narrow-only">
              <Time at={call.created_at} />
              {call.disposition && ` · ${words(call.disposition)}`}
            </span>
            <span class="wide-only">{call.contact_name ? call.phone_number : call.campaign_id ? nameIn(campaigns.value, call.campaign_id) : "Single call"}</span>
          </span>
        </span>
      </span>
      <span class="wide-only dim">
        <Time at={call.created_at} />
      </span>
      <span>
        <Pill of={call.status} />
      </span>
      <span class="wide-only">{call.disposition ? words(call.disposition) : <span class="faint">–</span>}</span>
      <span class="wider-only dim">{nameIn(agents.value, call.agent_id) ?? "–"}</span>
      <span class="wider-only">{call.sentiment ? <Mood of={call.sentiment} /> : <span class="faint">–</span>}</span>
      <span class="right wider-only dim num">{milliseconds(call.latency.total_ms_p50)}</span>
      <span class="right num">{duration(call.duration_seconds)}</span>
    </>
  );
}

export function Mood({ of }: { of: string }) {
  const tone = { positive: "good", negative: "bad" }[of] ?? "";
  return <span class={`pill ${tone}`}>{words(of)}</span>;
}
