import { useLocation, useRoute } from "preact-iso";
import { useState } from "preact/hooks";
import { ArrowLeft, Pencil, Plus, Send, Trash2, Webhook as WebhookIcon } from "lucide";
import { get, post, put, remove, type Schemas } from "../lib/api";
import { useFilters } from "../lib/filters";
import { milliseconds, words } from "../lib/format";
import { mayWrite } from "../lib/may";
import { usePages, type Listed } from "../lib/pages";
import { useAsk, useTitle, useWork } from "../lib/use";
import { Confirm, Dialog } from "../ui/dialog";
import { CheckField, Choice, TextField } from "../ui/field";
import { Icon } from "../ui/icon";
import { Answered, Button, Card, CopyButton, Empty, Facts, Loading, Note, PageHead, Problem, Time } from "../ui/parts";
import { Pill } from "../ui/pill";
import { say } from "../ui/toast";

type Shown = Schemas["WebhookShown"];
type Delivery = Schemas["DeliveryShown"];

export function Webhooks() {
  useTitle("Webhooks");
  const asked = useAsk("webhooks", async (signal) => (await get("/webhooks", { query: { limit: 100 }, signal })).items);
  const [opened, setOpened] = useState(false);
  const make = mayWrite() && (
    <Button look="first" icon={Plus} onClick={() => setOpened(true)}>
      New webhook
    </Button>
  );
  return (
    <div class="page">
      <PageHead title="Webhooks" actions={make}>
        Events sent to an address of yours, signed as Standard Webhooks say, and sent again until they arrive.
      </PageHead>
      <Answered of={asked}>
        {(items) => (
          <section class="card">
            {items.length === 0 ? (
              <Empty icon={WebhookIcon} title="No webhooks yet" actions={make}>
                Tell your own systems when a call ends, a campaign is over, or somebody opts out.
              </Empty>
            ) : (
              <ul class="lines">
                {items.map((each) => (
                  <li key={each.id}>
                    <a class="row" href={`/console/webhooks/${each.id}`}>
                      <span class="grow truncate">
                        <span class="strong">{each.url}</span>
                        <span class="small dim block truncate">
                          {each.description || (each.events.includes("*") ? "All events" : each.events.join(", "))}
                        </span>
                      </span>
                      <Health webhook={each} />
                    </a>
                  </li>
                ))}
              </ul>
            )}
          </section>
        )}
      </Answered>
      {opened && <Form webhook={null} onClose={() => setOpened(false)} onDone={asked.reload} />}
    </div>
  );
}

function Health({ webhook }: { webhook: Shown }) {
  if (!webhook.is_active) return <Pill of="paused" name="Off" />;
  if (webhook.consecutive_failures > 0) return <Pill of="failing" />;
  return webhook.last_success_at ? <Pill of="working" /> : <Pill of="untested" name="Nothing sent yet" />;
}

export function Webhook() {
  const { id } = useRoute().params as { id: string };
  const { route } = useLocation();
  const asked = useAsk<Shown>(`webhook:${id}`, (signal) => get("/webhooks/{webhook_id}", { path: { webhook_id: id }, signal }));
  const [opened, setOpened] = useState<"edit" | "delete" | null>(null);
  const [round, setRound] = useState(0);
  const [result, setResult] = useState<Schemas["TestShown"] | null>(null);
  const path = { webhook_id: id };
  const test = useWork(async () => {
    setResult(await post("/webhooks/{webhook_id}/test", { path }));
    setRound(round + 1);
    asked.reload();
  });
  const turn = useWork(async (is_active: boolean) => asked.set(await put("/webhooks/{webhook_id}", { path, body: { is_active } })));
  useTitle("Webhook");
  return (
    <div class="page">
      <Answered of={asked}>
        {(webhook) => (
          <>
            <PageHead
              back={
                <a class="crumb" href="/console/webhooks">
                  <Icon of={ArrowLeft} /> Webhooks
                </a>
              }
              title={
                <span class="row wrap">
                  <span class="wrap-any">{webhook.url}</span> <Health webhook={webhook} />
                </span>
              }
              actions={
                mayWrite() && (
                  <>
                    <Button look="first" icon={Send} busy={test.busy} onClick={() => void test.run()}>
                      Send a test
                    </Button>
                    <Button busy={turn.busy} onClick={() => void turn.run(!webhook.is_active)}>
                      {webhook.is_active ? "Switch off" : "Switch on"}
                    </Button>
                    <Button icon={Pencil} label="Change" onClick={() => setOpened("edit")} />
                    <Button look="quiet" icon={Trash2} label="Delete this webhook" onClick={() => setOpened("delete")} />
                  </>
                )
              }
            >
              {webhook.description}
            </PageHead>
            {webhook.disabled_reason && <Note kind="bad">Switched off by the platform: {webhook.disabled_reason}</Note>}
            <Problem error={test.error ?? turn.error} />
            {result && (
              <Note kind={result.delivered ? "good" : "bad"}>
                {result.delivered ? "It took the test" : (result.error ?? "It did not take the test")}
                {result.status_code !== null && ` (${result.status_code})`}, in {milliseconds(result.latency_ms)}
                {result.response_excerpt && <pre class="excerpt">{result.response_excerpt}</pre>}
              </Note>
            )}
            <Card title="About">
              <Facts
                of={[
                  ["Events", <span class="tags">{webhook.events.map((each) => <span key={each} class="tag">{each === "*" ? "all events" : each}</span>)}</span>],
                  ["Secret", <code>{webhook.secret}</code>],
                  ["Last success", <Time at={webhook.last_success_at} />],
                  ["Last failure", <Time at={webhook.last_failure_at} />],
                ]}
              />
            </Card>
            <Deliveries key={round} id={id} />
            {opened === "edit" && <Form webhook={webhook} onClose={() => setOpened(null)} onDone={asked.reload} />}
            {opened === "delete" && (
              <Confirm
                title="Delete this webhook?"
                action="Delete"
                onClose={() => setOpened(null)}
                work={async () => {
                  await remove("/webhooks/{webhook_id}", { path });
                  route("/console/webhooks");
                }}
              >
                Nothing is sent to it any more, also not what waits.
              </Confirm>
            )}
          </>
        )}
      </Answered>
    </div>
  );
}

function Deliveries({ id }: { id: string }) {
  const [filters, change] = useFilters();
  const status = filters.status ?? "";
  const pages = usePages<Delivery>(`${id}:${status}`, (cursor, signal) => get("/webhooks/{webhook_id}/logs", { path: { webhook_id: id }, query: { status: (status || undefined) as Delivery["status"], limit: 25, cursor }, signal }) as Promise<Listed<Delivery>>);
  return (
    <Card
      title="Deliveries"
      pad={false}
      actions={<Choice label="Any status" value={status} onText={(next) => change({ status: next })} options={["pending", "delivered", "failed", "canceled"].map((each) => [each, words(each)] as const)} />}
    >
      {pages.items.length > 0 && (
        <ul class="lines">
          {pages.items.map((each) => (
            <DeliveryRow key={each.id} delivery={each} reload={pages.reload} />
          ))}
        </ul>
      )}
      {pages.loading && <Loading lines={3} />}
      <Problem error={pages.error} again={pages.reload} />
      {pages.isEnd && !pages.items.length && <Empty title="Nothing was sent yet" />}
      {!pages.isEnd && !pages.loading && (
        <div class="pad">
          <Button onClick={pages.more}>Show more</Button>
        </div>
      )}
    </Card>
  );
}

function DeliveryRow({ delivery, reload }: { delivery: Delivery; reload: () => void }) {
  const last = delivery.attempts.at(-1);
  const resend = useWork(async () => {
    await post("/webhooks/{webhook_id}/logs/{delivery_id}/resend", { path: { webhook_id: delivery.webhook_id, delivery_id: delivery.id } });
    say("It is sent again");
    setTimeout(reload, 500);
  });
  return (
    <li>
      <details class="line">
        <summary class="row">
          <Pill of={delivery.status} />
          <code class="grow truncate">{delivery.event}</code>
          <span class="dim small num">
            {last ? `${last.status_code ?? "no answer"} · ${milliseconds(last.latency_ms)}` : "not tried yet"}
          </span>
          <span class="dim small">
            <Time at={delivery.created_at} />
          </span>
        </summary>
        <div class="stack tight delivery">
          {delivery.attempts.map((each) => (
            <div key={each.number}>
              <span class="small dim">
                Try {each.number}, <Time at={each.at} />: {each.status_code ?? "no answer"} {each.error}
              </span>
              {each.response_excerpt && <pre class="excerpt">{each.response_excerpt}</pre>}
            </div>
          ))}
          {delivery.next_try_at && (
            <span class="small dim">
              Next try <Time at={delivery.next_try_at} />
            </span>
          )}
          <Problem error={resend.error} />
          {mayWrite() && (
            <div>
              <Button look="little" icon={Send} busy={resend.busy} onClick={() => void resend.run()}>
                Send again
              </Button>
            </div>
          )}
        </div>
      </details>
    </li>
  );
}

function Form({ webhook, onClose, onDone }: { webhook: Shown | null; onClose: () => void; onDone: () => void }) {
  const known = useAsk("events", (signal) => get("/webhooks/events", { signal }));
  const [url, setUrl] = useState(webhook?.url ?? "");
  const [description, setDescription] = useState(webhook?.description ?? "");
  const [events, setEvents] = useState<string[]>(webhook?.events ?? ["*"]);
  const [secret, setSecret] = useState<string | null>(null);
  const save = useWork(async () => {
    const body = { url, description, events };
    if (webhook) {
      await put("/webhooks/{webhook_id}", { path: { webhook_id: webhook.id }, body });
      onClose();
    } else {
      setSecret((await post("/webhooks", { body })).secret);
    }
    onDone();
  });
  if (secret) return <Secret title="Webhook made" text={secret} about="Your receiver checks signatures with this secret. It is shown this once." onClose={onClose} />;
  const all = events.includes("*");
  return (
    <Dialog
      title={webhook ? "Change the webhook" : "New webhook"}
      onClose={onClose}
      onSubmit={() => void save.run()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="first" busy={save.busy}>
            {webhook ? "Save" : "Make webhook"}
          </Button>
        </>
      }
    >
      <TextField label="Address" field="url" error={save.error} type="url" value={url} onText={setUrl} placeholder="https://example.com/voiceera" required />
      <TextField label="Description" field="description" error={save.error} value={description} onText={setDescription} />
      <CheckField label="All events, also those to come" value={all} onChange={(on) => setEvents(on ? ["*"] : [])} />
      {!all &&
        known.data?.map(({ event, description: about }) => (
          <CheckField key={event} label={event} hint={about} value={events.includes(event)} onChange={(on) => setEvents(on ? [...events, event] : events.filter((each) => each !== event))} />
        ))}
      <Problem error={save.error} shown={["url", "description"]} />
    </Dialog>
  );
}

export function Secret({ title, text, about, onClose }: { title: string; text: string; about: string; onClose: () => void }) {
  return (
    <Dialog title={title} onClose={onClose} footer={<Button look="first" onClick={onClose}>I have kept it</Button>}>
      <p class="dim">{about}</p>
      <div class="row secret">
        <code class="grow wrap-any">{text}</code>
        <CopyButton text={text} />
      </div>
    </Dialog>
  );
}
