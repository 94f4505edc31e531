import { useEffect, useState } from "preact/hooks";
import { CircleQuestionMark } from "lucide";
import { get, post, type Schemas } from "../lib/api";
import { asQuery, useFilters, useKey } from "../lib/filters";
import { words } from "../lib/format";
import { mayWrite } from "../lib/may";
import { usePages, type Listed } from "../lib/pages";
import { useTitle, useWork } from "../lib/use";
import { Dialog } from "../ui/dialog";
import { CheckField, Choice, TextArea } from "../ui/field";
import { Button, Empty, Facts, Note, PageHead, Problem, Segmented, Time } from "../ui/parts";
import { Pill } from "../ui/pill";
import { VirtualList } from "../ui/virtual";
import { campaigns, choices, learnNames, nameIn } from "../lib/names";

type Attempt = Schemas["UnknownAttemptShown"];

/** Attempts of which nobody can say whether they rang: they are never rung again by themselves. */
export function Reviews() {
  useTitle("Unclear calls");
  useEffect(() => void learnNames(), []);
  const [filters, change] = useFilters();
  const query = { ...asQuery(filters, ["status", "campaign_id"] as const), status: (filters.status ?? "open") as "open" | "resolved" };
  const pages = usePages<Attempt>(useKey(query), (cursor, signal) => get("/unknown-attempts", { query: { ...query, limit: 100, cursor }, signal }) as Promise<Listed<Attempt>>);
  const [looked, setLooked] = useState<Attempt | null>(null);
  return (
    <div class="page wide fill">
      <PageHead title="Unclear calls">The carrier never said whether these rang. Nobody is rung a second time on a guess: look, and decide.</PageHead>
      <section class="card fill">
        <div class="filters" role="search">
          <Segmented label="Which" options={[["open", "To decide"], ["resolved", "Decided"]]} value={query.status} onChange={(status) => change({ status })} />
          <Choice label="Every campaign" value={filters.campaign_id ?? ""} onText={(campaign_id) => change({ campaign_id })} options={choices(campaigns.value)} />
        </div>
        <VirtualList
          pages={pages}
          label="Unclear calls"
          layout="decided-row"
          rowHeight={56}
          key_={(attempt) => attempt.id}
          head={
            <>
              <span>Number</span>
              <span class="wide-only">What is known</span>
              <span class="wider-only">Campaign</span>
              <span class="wide-only">Dialled</span>
              <span />
            </>
          }
          row={(attempt) => ({
            cells: (
              <>
                <span class="strong num">{attempt.phone_number}</span>
                <span class="wide-only">
                  {words(attempt.reason)}
                  <span class="small dim block truncate">{[attempt.provider, attempt.carrier_call_id].filter(Boolean).join(" · ")}</span>
                </span>
                <span class="wider-only dim">{nameIn(campaigns.value, attempt.campaign_id) ?? "–"}</span>
                <span class="wide-only dim">
                  <Time at={attempt.dialed_at ?? attempt.created_at} />
                </span>
                <span class="right">
                  {attempt.status === "open" ? (
                    mayWrite() && (
                      <Button look="little" onClick={() => setLooked(attempt)}>
                        Decide
                      </Button>
                    )
                  ) : (
                    <Pill of={attempt.rang ? "reached" : "canceled"} name={attempt.rang ? "Rang" : attempt.redialled ? "Tried again" : "Did not ring"} />
                  )}
                </span>
              </>
            ),
          })}
          empty={
            <Empty icon={CircleQuestionMark} title={query.status === "open" ? "Nothing is unclear" : "Nothing was decided yet"}>
              {query.status === "open" && "Of every call that was dialled it is known what became of it."}
            </Empty>
          }
        />
      </section>
      {looked && <Decide attempt={looked} onClose={() => setLooked(null)} onDone={pages.reload} />}
    </div>
  );
}

function Decide({ attempt, onClose, onDone }: { attempt: Attempt; onClose: () => void; onDone: () => void }) {
  const [rang, setRang] = useState<"yes" | "no">("yes");
  const [redial, setRedial] = useState(false);
  const [note, setNote] = useState("");
  const save = useWork(async () => {
    await post("/unknown-attempts/{attempt_id}/resolve", { path: { attempt_id: attempt.id }, body: { rang: rang === "yes", note, redial: rang === "no" && redial } });
    onDone();
    onClose();
  });
  return (
    <Dialog
      title={`Did ${attempt.phone_number} ring?`}
      onClose={onClose}
      onSubmit={() => void save.run()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="first" busy={save.busy}>
            Decide
          </Button>
        </>
      }
    >
      <Facts
        of={[
          ["Carrier", attempt.provider && words(attempt.provider)],
          ["Its id there", attempt.carrier_call_id],
          ["Called from", attempt.caller_id],
          ["Dialled", <Time at={attempt.dialed_at} />],
          ["Given up", <Time at={attempt.ended_at} />],
        ]}
      />
      <Note>The carrier's own call log, by the number and the minute, knows best.</Note>
      <Segmented label="Did it ring?" options={[["yes", "It rang"], ["no", "It did not ring"]]} value={rang} onChange={setRang} />
      {rang === "no" && attempt.contact_id && <CheckField label="Try this person again" hint="In their hours, by the campaign's rules." value={redial} onChange={setRedial} />}
      <TextArea label="Note" field="note" error={save.error} value={note} onText={setNote} rows={2} />
      <Problem error={save.error} shown={["note"]} />
    </Dialog>
  );
}
