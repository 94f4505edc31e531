import { useState } from "preact/hooks";
import { Coins, Pencil, Plus, Trash2 } from "lucide";
import { get, post, put, remove, type Schemas } from "../lib/api";
import { words } from "../lib/format";
import { mayWrite } from "../lib/may";
import { useAsk, useTitle, useWork } from "../lib/use";
import { Confirm, Dialog } from "../ui/dialog";
import { SelectField, TextField } from "../ui/field";
import { Answered, Button, Empty, PageHead, Problem } from "../ui/parts";

type Shown = Schemas["PriceShown"];

const PARTS = [["carrier", "Carrier"], ["stt", "Speech recognition"], ["tts", "Voice"], ["llm", "Language model"]] as const;
const UNITS = [["call", "call"], ["minute", "minute"], ["character", "character"], ["prompt_token", "prompt token"], ["completion_token", "completion token"]] as const;
const named = (list: readonly (readonly [string, string])[], key: string): string => list.find(([name]) => name === key)?.[1] ?? words(key);

export function Prices() {
  useTitle("Prices");
  const asked = useAsk("prices", (signal) => get("/prices", { query: { limit: 100 }, signal }));
  const [opened, setOpened] = useState<Shown | "new" | null>(null);
  const [deleting, setDeleting] = useState<Shown | null>(null);
  const make = mayWrite() && (
    <Button look="first" icon={Plus} onClick={() => setOpened("new")}>
      Add a price
    </Button>
  );
  return (
    <div class="page">
      <PageHead title="Prices" actions={make}>
        What your vendors charge, so that every call says what it cost. Calls that were held keep the prices of their day.
      </PageHead>
      <Answered of={asked}>
        {({ items }) => (
          <section class="card">
            {items.length === 0 ? (
              <Empty icon={Coins} title="No prices yet" actions={make}>
                Without a price list a call's parts are counted, and its cost is unknown.
              </Empty>
            ) : (
              <ul class="lines">
                {items.map((each) => (
                  <li key={each.id}>
                    <div class="line row wrap">
                      <span class="grow">
                        <span class="strong">{named(PARTS, each.part)}</span> <span class="dim">{[each.provider || "any vendor", each.model].filter(Boolean).join(" · ")}</span>
                        {each.increment > 0 && <span class="small dim block">billed by begun {each.increment} {named(UNITS, each.unit)}s</span>}
                      </span>
                      <span class="num">
                        ${each.price} for {each.per === 1 ? "a" : each.per.toLocaleString()} {named(UNITS, each.unit)}
                        {each.per !== 1 && "s"}
                      </span>
                      {mayWrite() && (
                        <>
                          <Button look="quiet little" icon={Pencil} label={`Change the price of ${named(PARTS, each.part)}`} onClick={() => setOpened(each)} />
                          <Button look="quiet little" icon={Trash2} label={`Remove the price of ${named(PARTS, each.part)}`} onClick={() => setDeleting(each)} />
                        </>
                      )}
                    </div>
                  </li>
                ))}
              </ul>
            )}
          </section>
        )}
      </Answered>
      {opened && <Form price={opened === "new" ? null : opened} onClose={() => setOpened(null)} onDone={asked.reload} />}
      {deleting && (
        <Confirm
          title="Remove this price?"
          action="Remove"
          onClose={() => setDeleting(null)}
          work={async () => {
            await remove("/prices/{price_id}", { path: { price_id: deleting.id } });
            asked.reload();
          }}
        >
          Later calls have no cost for this part; what was written down stays.
        </Confirm>
      )}
    </div>
  );
}

function Form({ price, onClose, onDone }: { price: Shown | null; onClose: () => void; onDone: () => void }) {
  const [draft, setDraft] = useState({
    part: price?.part ?? ("carrier" as Shown["part"]),
    provider: price?.provider ?? "",
    model: price?.model ?? "",
    unit: price?.unit ?? ("minute" as Shown["unit"]),
    price: String(price?.price ?? ""),
    per: String(price?.per ?? 1),
    increment: String(price?.increment ?? 0),
  });
  const change = (by: Partial<typeof draft>) => setDraft({ ...draft, ...by });
  const save = useWork(async () => {
    if (price) await put("/prices/{price_id}", { path: { price_id: price.id }, body: draft });
    else await post("/prices", { body: draft });
    onDone();
    onClose();
  });
  const { error } = save;
  return (
    <Dialog
      title={price ? "Change a price" : "Add a price"}
      onClose={onClose}
      onSubmit={() => void save.run()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="first" busy={save.busy}>
            {price ? "Save" : "Add"}
          </Button>
        </>
      }
    >
      <div class="fields">
        <SelectField label="Of" field="part" error={error} value={draft.part} onText={(part) => change({ part: part as Shown["part"] })} options={PARTS} />
        <TextField label="Vendor" field="provider" error={error} value={draft.provider} onText={(provider) => change({ provider })} placeholder="twilio" hint="Empty: any." />
        <TextField label="Model" field="model" error={error} value={draft.model} onText={(model) => change({ model })} hint="Empty: any." />
        <TextField label="Price in dollars" field="price" error={error} type="number" min={0} step="any" value={draft.price} onText={(text) => change({ price: text })} required />
        <TextField label="For how many" field="per" error={error} type="number" min={0} step="any" value={draft.per} onText={(per) => change({ per })} required />
        <SelectField label="Unit" field="unit" error={error} value={draft.unit} onText={(unit) => change({ unit: unit as Shown["unit"] })} options={UNITS} />
        <TextField label="Billed by begun" field="increment" error={error} type="number" min={0} step="any" value={draft.increment} onText={(increment) => change({ increment })} hint="1 and minutes: by begun minutes. 0: exactly." />
      </div>
      <Problem error={error} shown={["part", "provider", "model", "price", "per", "unit", "increment"]} />
    </Dialog>
  );
}
