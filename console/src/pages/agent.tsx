import { useLocation, useRoute } from "preact-iso";
import { useState } from "preact/hooks";
import { ArrowLeft, Copy, Megaphone, Mic, PhoneCall, Trash2 } from "lucide";
import { AgentFields } from "../agent/form";
import { TEMPLATES, variablesOf, type Draft } from "../agent/templates";
import { Versions } from "../agent/versions";
import { get, post, put, remove, type Schemas } from "../lib/api";
import { words } from "../lib/format";
import { mayWrite } from "../lib/may";
import { useAsk, useTitle, useWork } from "../lib/use";
import { Confirm } from "../ui/dialog";
import { Icon } from "../ui/icon";
import { Answered, Button, ButtonLink, Note, PageHead, Problem, Time } from "../ui/parts";
import { Pill } from "../ui/pill";
import { say } from "../ui/toast";
import { Talk } from "../agent/talk";
import { TryIt } from "../agent/try";
import { TestCall } from "./test-call";

type Shown = Schemas["AgentShown"];

const Back = () => (
  <a class="crumb" href="/console/agents">
    <Icon of={ArrowLeft} /> Agents
  </a>
);

export function AgentNew() {
  useTitle("New agent");
  const { route } = useLocation();
  const [chosen, setChosen] = useState<string | null>(null);
  const [draft, setDraft] = useState<Draft>(TEMPLATES[0]!.draft);
  const save = useWork(async () => {
    const made = await post("/agents", { body: draft });
    say("The agent is there");
    route(`/console/agents/${made.id}`);
  });
  if (!chosen) {
    return (
      <div class="page">
        <PageHead back={<Back />} title="New agent">
          What should it do? Everything can be changed later.
        </PageHead>
        <ul class="grid">
          {TEMPLATES.map((template) => (
            <li key={template.key}>
              <button
                type="button"
                class="card pad choice"
                onClick={() => {
                  setDraft(template.draft);
                  setChosen(template.key);
                }}
              >
                <span class="strong block">{template.name}</span>
                <span class="dim small block">{template.about}</span>
              </button>
            </li>
          ))}
        </ul>
      </div>
    );
  }
  return (
    <form
      class="page"
      onSubmit={(event) => {
        event.preventDefault();
        void save.run();
      }}
    >
      <PageHead back={<Back />} title="New agent" />
      <AgentFields draft={draft} change={(by) => setDraft((old) => ({ ...old, ...by }))} error={save.error} />
      <Problem error={save.error} shown={["name", "language", "description", "stt_provider", "tts_provider", "llm_provider", "telephony_provider"]} />
      <div class="row save-bar">
        <Button type="submit" look="first" busy={save.busy}>
          Make agent
        </Button>
        <ButtonLink href="/console/agents">Cancel</ButtonLink>
      </div>
    </form>
  );
}

export function Agent() {
  const { id, tab } = useRoute().params as { id: string; tab?: string };
  const agent = useAsk<Shown>(`agent:${id}`, (signal) => get("/agents/{agent_id}", { path: { agent_id: id }, signal }));
  const config = useAsk(`config:${id}:${agent.data?.version ?? 0}`, (signal) => get("/agents/{agent_id}/config", { path: { agent_id: id }, signal }));
  useTitle(agent.data?.name ?? "Agent");
  return (
    <div class="page">
      <Answered of={agent} lines={8}>
        {(shown) => (
          <>
            <Head agent={shown} set={agent.set} isReady={config.data?.is_ready ?? false} canTalk={canTalk(config.data)} />
            {config.data && !config.data.is_ready && (
              <Note kind="warn">
                <strong class="strong">{canTalk(config.data) ? "It cannot ring anybody yet, but you can talk to it and try it here" : "It cannot take a call yet"}</strong>
                <ul>
                  {config.data.missing.map(({ field, message }) => (
                    <li key={field + message}>
                      <code>{field}</code> {message}
                    </li>
                  ))}
                </ul>
              </Note>
            )}
            <nav class="tabs" aria-label="Parts of the agent">
              {(["edit", "try", "versions"] as const).map((name) => (
                <a key={name} href={`/console/agents/${id}/${name}`} aria-current={(tab ?? "edit") === name ? "page" : undefined}>
                  {name === "try" ? "Try it" : words(name)}
                </a>
              ))}
            </nav>
            {tab === "versions" ? <Versions key={shown.version} agent={shown} /> : tab === "try" ? <TryIt key={shown.version} agent={shown} isReady={canTalk(config.data)} /> : <Edit key={shown.version} agent={shown} set={agent.set} />}
          </>
        )}
      </Answered>
    </div>
  );
}

/** Whether it lacks nothing but a carrier: a browser and simulated people need none. */
const canTalk = (config: Schemas["AgentConfigShown"] | null): boolean => !!config && config.missing.every(({ field }) => field === "telephony_provider");

function Head({ agent, set, isReady, canTalk }: { agent: Shown; set: (agent: Shown) => void; isReady: boolean; canTalk: boolean }) {
  const { route } = useLocation();
  const [opened, setOpened] = useState<"call" | "talk" | "delete" | null>(null);
  const path = { agent_id: agent.id };
  const clone = useWork(async () => {
    const made = await post("/agents/{agent_id}/clone", { path, body: {} });
    say(`Copied as ${made.name}`);
    route(`/console/agents/${made.id}`);
  });
  const status = useWork(async (next: Shown["status"]) => set(await put("/agents/{agent_id}", { path, body: { status: next } })));
  return (
    <>
      <PageHead
        back={<Back />}
        title={
          <span class="row wrap">
            {agent.name} <Pill of={agent.status} />
          </span>
        }
        actions={
          mayWrite() && (
            <>
              <Button look="first" icon={PhoneCall} disabled={!isReady} onClick={() => setOpened("call")}>
                Place a test call
              </Button>
              <Button icon={Mic} disabled={!canTalk} onClick={() => setOpened("talk")}>
                Talk to it
              </Button>
              <ButtonLink icon={Megaphone} href={`/console/campaigns/new?agent=${agent.id}`}>
                New campaign
              </ButtonLink>
              <Button icon={Copy} label="Make a copy" busy={clone.busy} onClick={() => void clone.run()} />
              <select class="input status-choice" aria-label="Status" value={agent.status} disabled={status.busy} onChange={(event) => void status.run(event.currentTarget.value as Shown["status"])}>
                <option value="active">Active</option>
                <option value="inactive">Inactive</option>
                <option value="archived">Archived</option>
              </select>
              <Button look="quiet" icon={Trash2} label="Delete this agent" onClick={() => setOpened("delete")} />
            </>
          )
        }
      >
        {agent.description || agent.language} · version {agent.version}, <Time at={agent.updated_at} />
      </PageHead>
      <Problem error={clone.error ?? status.error} />
      {opened === "call" && <TestCall agentId={agent.id} variables={variablesOf(agent)} onClose={() => setOpened(null)} />}
      {opened === "talk" && <Talk agent={agent} variables={variablesOf(agent)} onClose={() => setOpened(null)} />}
      {opened === "delete" && (
        <Confirm
          title={`Delete ${agent.name}?`}
          action="Delete"
          onClose={() => setOpened(null)}
          work={async () => {
            await remove("/agents/{agent_id}", { path });
            say("The agent is deleted");
            route("/console/agents");
          }}
        >
          Calls that it made stay in the log.
        </Confirm>
      )}
    </>
  );
}

const READ_ONLY = ["id", "organization_id", "version", "created_by", "created_at", "updated_at", "status"];

function Edit({ agent, set }: { agent: Shown; set: (agent: Shown) => void }) {
  const original = Object.fromEntries(Object.entries(agent).filter(([name]) => !READ_ONLY.includes(name))) as unknown as Draft;
  const [draft, setDraft] = useState<Draft>(original);
  const changed = Object.fromEntries(Object.entries(draft).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(original[name as keyof Draft])));
  const isChanged = Object.keys(changed).length > 0;
  const save = useWork(async () => {
    set(await put("/agents/{agent_id}", { path: { agent_id: agent.id }, body: changed }));
    say("Saved as a new version; calls under way keep theirs");
  });
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void save.run();
      }}
    >
      <AgentFields draft={draft} change={(by) => setDraft((old) => ({ ...old, ...by }))} error={save.error} />
      <Problem error={save.error} shown={["name", "language", "description", "stt_provider", "tts_provider", "llm_provider", "telephony_provider"]} />
      {mayWrite() && isChanged && (
        <div class="row save-bar">
          <Button type="submit" look="first" busy={save.busy}>
            Save version {agent.version + 1}
          </Button>
          <Button onClick={() => setDraft(original)}>Discard</Button>
          <span class="dim small">{Object.keys(changed).map(words).join(", ")} changed</span>
        </div>
      )}
    </form>
  );
}
