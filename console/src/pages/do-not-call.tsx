import { useEffect, useState } from "preact/hooks";
import { Ban, Download, FileClock, Plus, Trash2, Upload as UploadIcon } from "lucide";
import { Uploads } from "../campaign/uploads";
import { download, get, post, remove, type Schemas } from "../lib/api";
import { asQuery, useFilters, useKey, useTyped } from "../lib/filters";
import { count, plural, words } from "../lib/format";
import { mayWrite } from "../lib/may";
import { campaigns, choices, learnNames, nameIn } from "../lib/names";
import { usePages, type Listed } from "../lib/pages";
import { useTitle, useWork } from "../lib/use";

import { Dialog } from "../ui/dialog";
import { Choice, SelectField, TextArea, TextField } from "../ui/field";
import { Button, Empty, Note, PageHead, Problem, Time } from "../ui/parts";
import { say } from "../ui/toast";
import { VirtualList } from "../ui/virtual";

type Entry = Schemas["EntryShown"];

const NAMES = ["search", "phone_number", "campaign_id", "source"] as const;
const SOURCES = [["call", "Said so in a call"], ["added", "Added by hand"], ["imported", "From a file"]] as const;

export function DoNotCall() {
  useTitle("Do not call");
  const [filters, change] = useFilters();
  useEffect(() => void learnNames(), []);
  const query = asQuery(filters, NAMES);
  const pages = usePages<Entry>(useKey(query), (cursor, signal) => get("/do-not-call", { query: { ...query, limit: 100, cursor }, signal }) as Promise<Listed<Entry>>);
  const [phone, typePhone] = useTyped(filters.phone_number ?? "", (text) => change({ phone_number: text }));
  const [opened, setOpened] = useState<"add" | "import" | "files" | null>(null);
  const isFiltered = NAMES.some((name) => filters[name]);
  const add = mayWrite() && (
    <>
      <Button look="first" icon={Plus} onClick={() => setOpened("add")}>
        Add numbers
      </Button>
      <Button icon={UploadIcon} onClick={() => setOpened("import")}>
        Upload a list
      </Button>
    </>
  );
  return (
    <div class="page wide fill">
      <PageHead
        title="Do not call"
        actions={
          <>
            {add}
            <Button icon={FileClock} label="Files so far" onClick={() => setOpened("files")} />
            <Button icon={Download} label="Download the list" onClick={() => void download("/do-not-call/export", "do-not-call.csv")} />
          </>
        }
      >
        Nobody here is rung, whatever a campaign says. Whoever asks for it in a call is added at once.
      </PageHead>
      <section class="card fill">
        <div class="filters" role="search">
          <input class="input narrow" type="tel" aria-label="Phone number" placeholder="Phone number" value={phone} onInput={(event) => typePhone(event.currentTarget.value)} />
          <Choice label="However they came here" value={filters.source ?? ""} onText={(source) => change({ source })} options={SOURCES} />
          <Choice label="Every list" value={filters.campaign_id ?? ""} onText={(campaign_id) => change({ campaign_id })} options={choices(campaigns.value)} />
        </div>
        <VirtualList
          pages={pages}
          label="Numbers that are not rung"
          layout="blocked-row"
          rowHeight={56}
          key_={(entry) => entry.id}
          head={
            <>
              <span>Number</span>
              <span class="wide-only">Why</span>
              <span class="wider-only">For</span>
              <span class="wide-only">Since</span>
              <span />
            </>
          }
          row={(entry) => ({ cells: <Cells entry={entry} reload={pages.reload} /> })}
          empty={
            <Empty icon={Ban} title={isFiltered ? "No number fits these filters" : "Nobody has asked not to be called"} actions={!isFiltered && add}>
              {!isFiltered && "Upload the list that you keep already, so that those people are left in peace."}
            </Empty>
          }
        />
      </section>
      {opened === "files" && <Uploads onClose={() => setOpened(null)} onChange={pages.reload} />}
      {opened === "add" && <Add onClose={() => setOpened(null)} onDone={pages.reload} />}
      {opened === "import" && <Import onClose={() => setOpened(null)} onDone={pages.reload} />}
    </div>
  );
}

function Cells({ entry, reload }: { entry: Entry; reload: () => void }) {
  const drop = useWork(async () => {
    await remove("/do-not-call/{entry_id}", { path: { entry_id: entry.id } });
    say(`${entry.phone_number} may be called again`);
    reload();
  });
  return (
    <>
      <span class="strong num">{entry.phone_number}</span>
      <span class="wide-only">
        {entry.call_id ? <a href={`/console/calls/${entry.call_id}`}>Said so in a call</a> : (SOURCES.find(([name]) => name === entry.source)?.[1] ?? words(entry.source))}
        {entry.reason && <span class="small dim block truncate">{entry.reason}</span>}
      </span>
      <span class="wider-only dim">{entry.campaign_id ? (nameIn(campaigns.value, entry.campaign_id) ?? "One campaign") : "Everything"}</span>
      <span class="wide-only dim">
        <Time at={entry.created_at} />
      </span>
      <span class="right">{mayWrite() && <Button look="quiet little" icon={Trash2} label={`Take ${entry.phone_number} off the list`} busy={drop.busy} onClick={() => void drop.run()} />}</span>
    </>
  );
}

function Add({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [text, setText] = useState("");
  const [reason, setReason] = useState("");
  const [campaign, setCampaign] = useState("");
  const work = useWork(async () => {
    const phone_numbers = text.split(/[\n,;]+/).map((each) => each.trim()).filter(Boolean);
    const added = await post("/do-not-call", { body: { phone_numbers, reason, campaign_id: campaign || null } });
    say(`${plural(added.added, "number")} added`);
    onDone();
    onClose();
  });
  return (
    <Dialog
      title="Add numbers that are not to be rung"
      onClose={onClose}
      onSubmit={() => void work.run()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="first" busy={work.busy} disabled={!text.trim()}>
            Add
          </Button>
        </>
      }
    >
      <TextArea label="Phone numbers" field="phone_numbers" error={work.error} value={text} onText={setText} rows={5} placeholder={"+1 202 555 0123\n+1 202 555 0124"} hint="One a line." />
      <div class="fields">
        <TextField label="Reason" field="reason" error={work.error} value={reason} onText={setReason} />
        <SelectField label="For" value={campaign} onText={setCampaign} options={[["", "Everything"], ...choices(campaigns.value)]} />
      </div>
      <Problem error={work.error} shown={["phone_numbers", "reason"]} />
    </Dialog>
  );
}

function Import({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [report, setReport] = useState<{ added: number; duplicates: number; rejected: number } | null>(null);
  const send = async (chosen: File, dryRun: boolean) => {
    const form = new FormData();
    form.set("file", chosen);
    return post("/do-not-call/import", { query: { dry_run: dryRun }, form });
  };
  const look = useWork(async (chosen: File) => {
    setFile(chosen);
    setReport(await send(chosen, true));
  });
  const add = useWork(async () => {
    const done = await send(file!, false);
    say(`${plural(done.added, "number")} added`);
    onDone();
    onClose();
  });
  return (
    <Dialog
      title="Upload a do-not-call list"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="first" busy={add.busy} disabled={!report?.added || look.busy} onClick={() => void add.run()}>
            {report ? `Add ${plural(report.added, "number")}` : "Add"}
          </Button>
        </>
      }
    >
      <label class="drop">
        <span class="grow">
          <span class="strong block">{file ? file.name : "Choose a CSV or Excel file"}</span>
          <span class="small dim">A column with the phone number.</span>
        </span>
        <input
          class="only-read"
          type="file"
          accept=".csv,.tsv,.txt,.xlsx,text/csv"
          onChange={(event) => {
            const [chosen] = event.currentTarget.files ?? [];
            if (chosen) void look.run(chosen);
          }}
        />
      </label>
      {report && (
        <Note kind={report.added ? "info" : "warn"}>
          {count(report.added)} will be added, {count(report.duplicates)} are there already, {count(report.rejected)} do not fit.
        </Note>
      )}
      <Problem error={look.error ?? add.error} />
    </Dialog>
  );
}
