import { FileClock } from "lucide";
import { get, type Schemas } from "../lib/api";
import { asQuery, useFilters, useKey, useTyped } from "../lib/filters";
import { words } from "../lib/format";
import { usePages, type Listed } from "../lib/pages";
import { useTitle } from "../lib/use";
import { Choice, SearchField } from "../ui/field";
import { Button, Empty, Loading, PageHead, Problem, Time } from "../ui/parts";
import { Pill } from "../ui/pill";

type Line = Schemas["LogLine"];
const NAMES = ["search", "level", "role", "component", "request_id", "user_id", "date_from", "date_to"] as const;

export function Logs() {
  useTitle("Logs");
  const [filters, change] = useFilters();
  const query = asQuery(filters, NAMES);
  const pages = usePages<Line>(useKey(query), (cursor, signal) => get("/admin/logs", { query: { ...query, limit: 100, cursor }, signal }) as Promise<Listed<Line>>);
  const [search, type] = useTyped(filters.search ?? "", (text) => change({ search: text }));
  const [request, typeRequest] = useTyped(filters.request_id ?? "", (text) => change({ request_id: text }));
  return (
    <div class="page wide">
      <PageHead title="Logs">Warnings and errors of every process, and who did what. Secrets and speech are cut out.</PageHead>
      <section class="card">
        <div class="filters" role="search">
          <SearchField label="Events and details" value={search} onText={type} />
          <Choice label="Any level" value={filters.level ?? ""} onText={(level) => change({ level })} options={["warning", "error", "critical", "audit"].map((each) => [each, words(each)] as const)} />
          <Choice label="Any process" value={filters.role ?? ""} onText={(role) => change({ role })} options={["api", "media", "worker"].map((each) => [each, words(each)] as const)} />
          <input class="input" type="text" aria-label="Request or call id" placeholder="Request or call id" value={request} onInput={(event) => typeRequest(event.currentTarget.value)} />
        </div>
        <ul class="lines">
          {pages.items.map((line) => (
            <li key={line.id}>
              <details class="line">
                <summary class="row">
                  <Pill of={line.level} />
                  <code class="grow truncate">
                    {line.component} · {line.event}
                  </code>
                  <span class="tag">{line.role ?? "audit"}</span>
                  <span class="dim small">
                    <Time at={line.created_at} />
                  </span>
                </summary>
                <pre class="excerpt">{JSON.stringify({ request_id: line.request_id, user_id: line.user_id, organization_id: line.organization_id, process: line.process, ...line.details }, null, 2)}</pre>
              </details>
            </li>
          ))}
        </ul>
        {pages.loading && <Loading lines={6} />}
        <Problem error={pages.error} again={pages.reload} />
        {pages.isEnd && !pages.items.length && <Empty icon={FileClock} title="No line fits" />}
        {!pages.isEnd && !pages.loading && !pages.error && (
          <div class="pad more">
            <Button onClick={pages.more}>Show more</Button>
          </div>
        )}
      </section>
    </div>
  );
}
