import { Users } from "lucide";
import { get, post, type Schemas } from "../lib/api";
import { asQuery, useFilters, useKey, useTyped } from "../lib/filters";
import { personName, plural, sinceThen, words } from "../lib/format";
import { usePages, type Listed } from "../lib/pages";
import { user } from "../lib/session";
import { asApiError, useTitle, useWork } from "../lib/use";
import { Choice, SearchField } from "../ui/field";
import { Button, Empty, PageHead } from "../ui/parts";
import { Pill } from "../ui/pill";
import { say } from "../ui/toast";
import { VirtualList } from "../ui/virtual";

type Shown = Schemas["AdminUserShown"];

const NAMES = ["search", "status", "role"] as const;

/** Everybody on the platform, whatever organization they are of. */
export function AdminUsers() {
  useTitle("Everybody");
  const [filters, change] = useFilters();
  const query = asQuery(filters, NAMES);
  const pages = usePages<Shown>(useKey(query), (cursor, signal) => get("/admin/users", { query: { ...query, limit: 100, cursor }, signal }) as Promise<Listed<Shown>>);
  const [search, type] = useTyped(filters.search ?? "", (text) => change({ search: text }));
  return (
    <div class="page wide fill">
      <PageHead title="Everybody">People of all organizations on this platform, and where they are signed in.</PageHead>
      <section class="card fill">
        <div class="filters" role="search">
          <SearchField label="Name or e-mail" value={search} onText={type} />
          <Choice label="Any state" value={filters.status ?? ""} onText={(status) => change({ status })} options={[["active", "Active"], ["inactive", "Deactivated"]]} />
          <Choice label="Any role" value={filters.role ?? ""} onText={(role) => change({ role })} options={["owner", "member", "viewer", "admin"].map((role) => [role, words(role)] as const)} />
        </div>
        <VirtualList
          pages={pages}
          label="People"
          layout="decided-row"
          rowHeight={56}
          key_={(each) => each.id}
          head={
            <>
              <span>Who</span>
              <span class="wide-only">Organization</span>
              <span class="wider-only">Role</span>
              <span class="wide-only">Signed in</span>
              <span />
            </>
          }
          row={(each) => ({ cells: <Cells person={each} set={(changed) => pages.replace(({ id }) => id === changed.id, changed)} /> })}
          empty={<Empty icon={Users} title="Nobody fits these filters" />}
        />
      </section>
    </div>
  );
}

function Cells({ person, set }: { person: Shown; set: (person: Shown) => void }) {
  const turn = useWork(async () => {
    const path = { user_id: person.id };
    try {
      set(person.is_active ? await post("/admin/users/{user_id}/deactivate", { path, body: {} }) : await post("/admin/users/{user_id}/activate", { path, body: {} }));
    } catch (problem) {
      say(asApiError(problem).message, "bad");
    }
  });
  return (
    <>
      <span>
        <span class="strong truncate block">{personName(person)}</span>
        <span class="small dim truncate block">{person.email}</span>
      </span>
      <span class="wide-only dim">{person.organization.name}</span>
      <span class="wider-only">
        {words(person.role)} {!person.is_active && <Pill of="paused" name="Deactivated" />}
      </span>
      <span class="wide-only dim">
        {sinceThen(person.last_login_at)}
        <span class="small block truncate">
          {plural(person.sessions.length, "session")}
          {person.last_address && ` · ${person.last_address}`}
        </span>
      </span>
      <span class="right">
        {person.id !== user.value?.id && (
          <Button look="little" busy={turn.busy} onClick={() => void turn.run()}>
            {person.is_active ? "Deactivate" : "Activate"}
          </Button>
        )}
      </span>
    </>
  );
}
