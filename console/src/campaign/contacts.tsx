import { useState } from "preact/hooks";
import { Download, FileClock, Plus, Upload as UploadIcon, Users } from "lucide";
import { download, get, post, type Schemas } from "../lib/api";
import { asQuery, useFilters, useKey, useTyped } from "../lib/filters";
import { plural, words } from "../lib/format";
import { mayWrite } from "../lib/may";
import { usePages, type Listed } from "../lib/pages";
import { useWork } from "../lib/use";
import { Dialog } from "../ui/dialog";
import { Choice, SearchField, TextArea } from "../ui/field";
import { Button, Empty, Problem, Time } from "../ui/parts";
import { Pill } from "../ui/pill";
import { say } from "../ui/toast";
import { VirtualList } from "../ui/virtual";
import { REASONS } from "./board";
import { CONTACT_STATES } from "./progress";
import { Upload } from "./upload";
import { Uploads } from "./uploads";

type Contact = Schemas["ContactShown"];
const NAMES = ["search", "status", "phone_number"] as const;

export function Contacts({ campaign, reload }: { campaign: Schemas["CampaignShown"]; reload: () => void }) {
  const [filters, change] = useFilters();
  const [opened, setOpened] = useState<"upload" | "add" | "files" | null>(null);
  const query = asQuery(filters, NAMES);
  const pages = usePages<Contact>(
    `${campaign.id}${useKey(query)}`,
    (cursor, signal) => get("/campaigns/{campaign_id}/contacts", { path: { campaign_id: campaign.id }, query: { ...query, limit: 100, cursor }, signal }) as Promise<Listed<Contact>>,
  );
  const [search, type] = useTyped(filters.search ?? "", (text) => change({ search: text }));
  const [phone, typePhone] = useTyped(filters.phone_number ?? "", (text) => change({ phone_number: text }));
  const isFiltered = NAMES.some((name) => filters[name]);
  const mayAdd = mayWrite() && !["completed", "stopped"].includes(campaign.status);
  const added = () => {
    pages.reload();
    reload();
  };
  const actions = mayAdd && (
    <>
      <Button look="first" icon={UploadIcon} onClick={() => setOpened("upload")}>
        Upload a file
      </Button>
      <Button icon={Plus} onClick={() => setOpened("add")}>
        Type numbers
      </Button>
    </>
  );
  return (
    <section class="card fill">
      <div class="filters" role="search">
        <SearchField label="Name" value={search} onText={type} />
        <input class="input narrow" type="tel" aria-label="Phone number" placeholder="Phone number" value={phone} onInput={(event) => typePhone(event.currentTarget.value)} />
        <Choice label="Any state" value={filters.status ?? ""} onText={(status) => change({ status })} options={CONTACT_STATES.map(([key, name]) => [key, name] as const)} />
        <span class="grow" />
        <Button look="quiet" icon={FileClock} label="Files so far" onClick={() => setOpened("files")} />
        <Button look="quiet" icon={Download} label="Download people and outcomes" onClick={() => void download(`/campaigns/${campaign.id}/contacts/export`, `${campaign.name}.csv`)} />
        {(pages.items.length > 0 || isFiltered) && actions}
      </div>
      <VirtualList
        pages={pages}
        label="People"
        layout="contacts-row"
        rowHeight={56}
        key_={(contact) => contact.id}
        head={
          <>
            <span>Who</span>
            <span>State</span>
            <span class="wide-only">Next try</span>
            <span class="wide-only">Last outcome</span>
            <span class="right wide-only">Tries</span>
          </>
        }
        row={(contact) => ({
          href: `/console/calls?contact_id=${contact.id}`,
          cells: (
            <>
              <span>
                <span class="truncate strong block">{contact.name ?? contact.phone_number}</span>
                <span class="truncate small dim block num">{contact.name ? contact.phone_number : Object.values(contact.variables).join(", ")}</span>
              </span>
              <span>
                <Pill of={contact.status} name={CONTACT_STATES.find(([key]) => key === contact.status)?.[1]} />
              </span>
              <span class="wide-only">
                {contact.next_attempt_at ? <Time at={contact.next_attempt_at} /> : <span class="faint">–</span>}
                {contact.reason && <span class="small dim block truncate">{REASONS[contact.reason] ?? words(contact.reason)}</span>}
              </span>
              <span class="wide-only dim">
                {words(contact.last_outcome)}
                {contact.opted_out && " · opted out"}
              </span>
              <span class="right wide-only">{contact.attempts}</span>
            </>
          ),
        })}
        empty={
          <Empty icon={Users} title={isFiltered ? "Nobody fits these filters" : "Nobody is in this campaign yet"} actions={!isFiltered && actions}>
            {!isFiltered && "Upload a CSV or Excel file. You see what every row would become before anything is kept."}
          </Empty>
        }
      />
      {opened === "upload" && <Upload campaignId={campaign.id} onClose={() => setOpened(null)} onAdded={added} />}
      {opened === "files" && <Uploads campaignId={campaign.id} onClose={() => setOpened(null)} />}
      {opened === "add" && <TypeNumbers campaignId={campaign.id} onClose={() => setOpened(null)} onAdded={added} />}
    </section>
  );
}

function TypeNumbers({ campaignId, onClose, onAdded }: { campaignId: string; onClose: () => void; onAdded: () => void }) {
  const [text, setText] = useState("");
  const [problems, setProblems] = useState<Schemas["RowProblemShown"][]>([]);
  const work = useWork(async () => {
    const phone_numbers = text.split(/[\n,;]+/).map((each) => each.trim()).filter(Boolean);
    const added = await post("/campaigns/{campaign_id}/contacts", { path: { campaign_id: campaignId }, body: { phone_numbers } });
    say(`${plural(added.added, "person is", "people are")} in the campaign`);
    onAdded();
    setProblems(added.problems);
    if (!added.problems.length) onClose();
  });
  return (
    <Dialog
      title="Add people by number"
      onClose={onClose}
      onSubmit={() => void work.run()}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button type="submit" look="first" busy={work.busy} disabled={!text.trim()}>
            Add
          </Button>
        </>
      }
    >
      <TextArea label="Phone numbers" value={text} onText={setText} rows={6} placeholder={"+1 202 555 0123\n+1 202 555 0124"} hint="One a line." />
      <Problem error={work.error} />
      {problems.map(({ row, value, message }) => (
        <p key={row} class="small">
          <code>{value}</code> {message}
        </p>
      ))}
    </Dialog>
  );
}
