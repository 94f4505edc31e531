import { useEffect } from "preact/hooks";
import { Megaphone, Plus } from "lucide";
import { get, type Schemas } from "../lib/api";
import { asQuery, useFilters, useKey, useTyped } from "../lib/filters";
import { plural, words } from "../lib/format";
import { mayWrite } from "../lib/may";
import { agents, choices, learnNames, nameIn } from "../lib/names";
import { usePages, type Listed } from "../lib/pages";
import { useTitle } from "../lib/use";
import { Choice, SearchField } from "../ui/field";
import { ButtonLink, Empty, PageHead, Time } from "../ui/parts";
import { Pill } from "../ui/pill";
import { VirtualList } from "../ui/virtual";
import { ProgressBar } from "../campaign/progress";

type Shown = Schemas["CampaignShown"];
const NAMES = ["search", "status", "category", "agent_id"] as const;
const STATUSES = ["draft", "scheduled", "active", "paused", "completed", "stopped"].map((each) => [each, words(each)] as const);
const CATEGORIES = ["service", "transactional", "promotional"].map((each) => [each, words(each)] as const);

export function Campaigns() {
  useTitle("Campaigns");
  const [filters, change] = useFilters();
  useEffect(() => void learnNames(), []);
  const query = asQuery(filters, NAMES);
  const pages = usePages<Shown>(useKey(query), (cursor, signal) => get("/campaigns", { query: { ...query, limit: 50, cursor }, signal }) as Promise<Listed<Shown>>);
  const [search, type] = useTyped(filters.search ?? "", (text) => change({ search: text }));
  const on = (name: string) => (value: string) => change({ [name]: value });
  const isFiltered = NAMES.some((name) => filters[name]);
  const make = mayWrite() && <ButtonLink look="first" icon={Plus} href="/console/campaigns/new">New campaign</ButtonLink>;
  return (
    <div class="page wide fill">
      <PageHead title="Campaigns" actions={make}>
        {pages.total === null ? "\u00a0" : plural(pages.total, "campaign")}
      </PageHead>
      <section class="card fill">
        <div class="filters" role="search">
          <SearchField label="Name or description" value={search} onText={type} />
          <Choice label="Any status" value={filters.status ?? ""} onText={on("status")} options={STATUSES} />
          <Choice label="Any category" value={filters.category ?? ""} onText={on("category")} options={CATEGORIES} />
          <Choice label="All agents" value={filters.agent_id ?? ""} onText={on("agent_id")} options={choices(agents.value)} />
        </div>
        <VirtualList
          pages={pages}
          label="Campaigns"
          layout="campaigns-row"
          rowHeight={68}
          key_={(campaign) => campaign.id}
          head={
            <>
              <span>Campaign</span>
              <span>Status</span>
              <span class="wide-only">Contacts</span>
              <span class="wider-only">Agent</span>
              <span class="wider-only">Made</span>
            </>
          }
          row={(campaign) => ({
            href: `/console/campaigns/${campaign.id}`,
            cells: (
              <>
                <span>
                  <span class="truncate strong block">{campaign.name}</span>
                  <span class="truncate small dim block">{campaign.description || words(campaign.category)}</span>
                </span>
                <span>
                  <Pill of={campaign.status} live={campaign.status === "active"} />
                </span>
                <span class="wide-only">
                  <ProgressBar of={campaign.progress} />
                </span>
                <span class="wider-only dim">{nameIn(agents.value, campaign.agent_id) ?? "–"}</span>
                <span class="wider-only dim">
                  <Time at={campaign.created_at} />
                </span>
              </>
            ),
          })}
          empty={
            <Empty icon={Megaphone} title={isFiltered ? "No campaign fits these filters" : "No campaigns yet"} actions={isFiltered ? null : make}>
              {!isFiltered && "A campaign is a list of people, an agent, and the hours in which they may be rung."}
            </Empty>
          }
        />
      </section>
    </div>
  );
}
