import { useLocation, useRoute } from "preact-iso";
import { useEffect, useState } from "preact/hooks";
import { ArrowLeft, Pause, Play, Rocket, Square, Trash2 } from "lucide";
import { Board, REASONS } from "../campaign/board";
import { Contacts } from "../campaign/contacts";
import { CampaignLog } from "../campaign/log";
import { CampaignFields, draftOf } from "../campaign/form";
import { get, post, put, remove, type Schemas } from "../lib/api";
import { count, plural, words } from "../lib/format";
import { mayWrite } from "../lib/may";
import { agents, learnNames, nameIn } from "../lib/names";
import { useAsk, useTitle, useWork } from "../lib/use";
import { Confirm, Dialog } from "../ui/dialog";
import { CheckField } from "../ui/field";
import { Icon } from "../ui/icon";
import { Answered, Button, Note, PageHead, Problem, Time } from "../ui/parts";
import { Pill } from "../ui/pill";
import { say } from "../ui/toast";

type Shown = Schemas["CampaignShown"];

export function Campaign() {
  const { id, tab } = useRoute().params as { id: string; tab?: string };
  const campaign = useAsk<Shown>(`campaign:${id}`, (signal) => get("/campaigns/{campaign_id}", { path: { campaign_id: id }, signal }));
  useEffect(() => void learnNames(), []);
  useTitle(campaign.data?.name ?? "Campaign");
  const here = tab ?? (campaign.data?.status === "draft" ? "contacts" : "board");
  return (
    <div class={`page${here === "contacts" ? " wide fill" : ""}`}>
      <Answered of={campaign} lines={8}>
        {(shown) => (
          <>
            <Head campaign={shown} set={campaign.set} />
            <nav class="tabs" aria-label="Parts of the campaign">
              {(["board", "contacts", "log", "settings"] as const).map((name) => (
                <a key={name} href={`/console/campaigns/${id}/${name}`} aria-current={here === name ? "page" : undefined}>
                  {words(name)}
                </a>
              ))}
            </nav>
            {here === "contacts" ? (
              <Contacts campaign={shown} reload={campaign.reload} />
            ) : here === "settings" ? (
              <Settings key={shown.updated_at} campaign={shown} set={campaign.set} />
            ) : here === "log" ? (
              <CampaignLog id={shown.id} />
            ) : (
              <Board campaign={shown} reload={campaign.reload} />
            )}
          </>
        )}
      </Answered>
    </div>
  );
}

function Head({ campaign, set }: { campaign: Shown; set: (campaign: Shown) => void }) {
  const { route } = useLocation();
  const [opened, setOpened] = useState<"launch" | "stop" | "delete" | null>(null);
  const path = { campaign_id: campaign.id };
  const pause = useWork(async () => set(await post("/campaigns/{campaign_id}/pause", { path })));
  const resume = useWork(async () => set(await post("/campaigns/{campaign_id}/resume", { path })));
  const close = () => setOpened(null);
  const { status } = campaign;
  const canStop = ["active", "paused", "scheduled"].includes(status);
  return (
    <>
      <PageHead
        back={
          <a class="crumb" href="/console/campaigns">
            <Icon of={ArrowLeft} /> Campaigns
          </a>
        }
        title={
          <span class="row wrap">
            {campaign.name} <Pill of={status} live={status === "active"} />
          </span>
        }
        actions={
          mayWrite() && (
            <>
              {status === "draft" && (
                <Button look="first" icon={Rocket} onClick={() => setOpened("launch")}>
                  Launch
                </Button>
              )}
              {(status === "active" || status === "scheduled") && (
                <Button icon={Pause} busy={pause.busy} onClick={() => void pause.run()}>
                  Pause
                </Button>
              )}
              {status === "paused" && (
                <Button look="first" icon={Play} busy={resume.busy} onClick={() => void resume.run()}>
                  Resume
                </Button>
              )}
              {canStop && (
                <Button icon={Square} onClick={() => setOpened("stop")}>
                  Stop
                </Button>
              )}
              {status !== "active" && <Button look="quiet" icon={Trash2} label="Delete this campaign" onClick={() => setOpened("delete")} />}
            </>
          )
        }
      >
        {nameIn(agents.value, campaign.agent_id) ?? "Agent"} · {words(campaign.category)}
        {campaign.launched_at && (
          <>
            {" "}
            · launched <Time at={campaign.launched_at} />
          </>
        )}
      </PageHead>
      <Problem error={pause.error ?? resume.error} />
      {opened === "launch" && <Launch campaign={campaign} onClose={close} onDone={(launched) => (set(launched), route(`/console/campaigns/${campaign.id}/board`))} />}
      {opened === "stop" && <Stop campaign={campaign} onClose={close} set={set} />}
      {opened === "delete" && (
        <Confirm
          title={`Delete ${campaign.name}?`}
          action="Delete"
          onClose={close}
          work={async () => {
            await remove("/campaigns/{campaign_id}", { path });
            say("The campaign is deleted");
            route("/console/campaigns");
          }}
        >
          Its calls stay in the call log.
        </Confirm>
      )}
    </>
  );
}

function Launch({ campaign, onClose, onDone }: { campaign: Shown; onClose: () => void; onDone: (campaign: Shown) => void }) {
  const preview = useAsk("preview", (signal) => get("/campaigns/{campaign_id}/preview", { path: { campaign_id: campaign.id }, signal }));
  const work = useWork(async () => {
    const { preview: _, ...launched } = await post("/campaigns/{campaign_id}/launch", { path: { campaign_id: campaign.id } });
    say(launched.status === "scheduled" ? "The campaign is scheduled" : "The campaign is dialling");
    onDone(launched);
    onClose();
  });
  const seen = preview.data;
  return (
    <Dialog
      title={`Launch ${campaign.name}?`}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Not yet</Button>
          <Button look="first" icon={Rocket} busy={work.busy} disabled={!seen || seen.now + seen.deferred === 0} onClick={() => void work.run()}>
            Launch
          </Button>
        </>
      }
    >
      <Answered of={preview} lines={3}>
        {(ahead) => (
          <>
            <dl class="figures">
              {(
                [
                  ["Rung at once", ahead.now],
                  ["Rung later", ahead.deferred],
                  ["Not rung", ahead.suppressed],
                ] as const
              ).map(([name, value]) => (
                <div key={name} class="figure">
                  <dt>{name}</dt>
                  <dd>
                    {ahead.is_estimate && name !== "Not rung" ? "≈ " : ""}
                    {count(value)}
                  </dd>
                </div>
              ))}
            </dl>
            {ahead.now + ahead.deferred === 0 && <Note kind="warn">There is nobody to ring. Add people first.</Note>}
            {ahead.missing_variables.length > 0 && (
              <Note kind="warn">
                The agent says {ahead.missing_variables.map((name) => `{{${name}}}`).join(", ")}, and some people have no value for it.
              </Note>
            )}
            {Object.entries(ahead.reasons).map(([reason, value]) => (
              <p key={reason} class="row between">
                <span>{REASONS[reason] ?? words(reason)}</span>
                <b class="strong num">{count(value)}</b>
              </p>
            ))}
            {ahead.now === 0 && ahead.first_at && (
              <p class="dim">
                The first call goes out <Time at={ahead.first_at} />.
              </p>
            )}
            <p class="dim small">
              At most {plural(campaign.max_concurrent_calls, "call")} at the same time, {campaign.calls_per_second} new ones a second. You can pause at any moment.
            </p>
          </>
        )}
      </Answered>
      <Problem error={work.error} />
    </Dialog>
  );
}

function Stop({ campaign, onClose, set }: { campaign: Shown; onClose: () => void; set: (campaign: Shown) => void }) {
  const [hangUp, setHangUp] = useState(false);
  return (
    <Confirm
      title={`Stop ${campaign.name} for good?`}
      action="Stop it"
      onClose={onClose}
      work={async () => set(await post("/campaigns/{campaign_id}/stop", { path: { campaign_id: campaign.id }, query: { hangup: hangUp } }))}
    >
      <div class="stack">
        <p>Nobody who waits is rung any more, and a stopped campaign cannot go on. To wait a while, pause it.</p>
        <CheckField label="Hang up on the calls that are live too" value={hangUp} onChange={setHangUp} />
      </div>
    </Confirm>
  );
}

function Settings({ campaign, set }: { campaign: Shown; set: (campaign: Shown) => void }) {
  const [draft, setDraft] = useState(() => draftOf(campaign));
  const save = useWork(async () => {
    set(await put("/campaigns/{campaign_id}", { path: { campaign_id: campaign.id }, body: draft }));
    say("Saved");
  });
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void save.run();
      }}
    >
      <CampaignFields draft={draft} change={(by) => setDraft((old) => ({ ...old, ...by }))} error={save.error} />
      <Problem error={save.error} />
      {mayWrite() && (
        <div class="row">
          <Button type="submit" look="first" busy={save.busy}>
            Save
          </Button>
        </div>
      )}
    </form>
  );
}
