import { AudioWaveform, Plus } from "lucide";
import { brainOf } from "../agent/form";
import { get, type Schemas } from "../lib/api";
import { asQuery, useFilters, useKey, useTyped } from "../lib/filters";
import { plural, words } from "../lib/format";
import { mayWrite } from "../lib/may";
import { usePages, type Listed } from "../lib/pages";
import { useTitle } from "../lib/use";
import { Choice, SearchField } from "../ui/field";
import { ButtonLink, Empty, PageHead, Time } from "../ui/parts";
import { Pill } from "../ui/pill";
import { VirtualList } from "../ui/virtual";

type Shown = Schemas["AgentShown"];
const NAMES = ["search", "status"] as const;
const BRAINS: Record<string, string> = { flow: "Flow", llm: "Language model", external: "Your service" };

export function Agents() {
  useTitle("Agents");
  const [filters, change] = useFilters();
  const query = asQuery(filters, NAMES);
  const pages = usePages<Shown>(useKey(query), (cursor, signal) => get("/agents", { query: { ...query, limit: 50, cursor }, signal }) as Promise<Listed<Shown>>);
  const [search, type] = useTyped(filters.search ?? "", (text) => change({ search: text }));
  const isFiltered = NAMES.some((name) => filters[name]);
  const make = mayWrite() && <ButtonLink look="first" icon={Plus} href="/console/agents/new">New agent</ButtonLink>;
  return (
    <div class="page wide fill">
      <PageHead title="Agents" actions={make}>
        {pages.total === null ? "\u00a0" : plural(pages.total, "agent")}
      </PageHead>
      <section class="card fill">
        <div class="filters" role="search">
          <SearchField label="Name or description" value={search} onText={type} />
          <Choice label="Any status" value={filters.status ?? ""} onText={(status) => change({ status })} options={["active", "inactive", "archived"].map((each) => [each, words(each)] as const)} />
        </div>
        <VirtualList
          pages={pages}
          label="Agents"
          layout="agents-row"
          rowHeight={64}
          key_={(agent) => agent.id}
          head={
            <>
              <span>Agent</span>
              <span>Status</span>
              <span class="wide-only">Brain</span>
              <span class="wider-only">Language</span>
              <span class="wider-only">Version</span>
              <span class="wide-only">Changed</span>
            </>
          }
          row={(agent) => ({
            href: `/console/agents/${agent.id}`,
            cells: (
              <>
                <span>
                  <span class="truncate strong block">{agent.name}</span>
                  <span class="truncate small dim block">{agent.description || " "}</span>
                </span>
                <span>
                  <Pill of={agent.status} />
                </span>
                <span class="wide-only dim">{BRAINS[brainOf(agent as unknown as Schemas["AgentNew"])]}</span>
                <span class="wider-only dim">{agent.language}</span>
                <span class="wider-only dim num">{agent.version}</span>
                <span class="wide-only dim">
                  <Time at={agent.updated_at} />
                </span>
              </>
            ),
          })}
          empty={
            <Empty icon={AudioWaveform} title={isFiltered ? "No agent fits these filters" : "No agents yet"} actions={isFiltered ? null : make}>
              {!isFiltered && "An agent is what speaks on the telephone: its words, its ears, its voice."}
            </Empty>
          }
        />
      </section>
    </div>
  );
}
