import { useState } from "preact/hooks";
import { get, post, type Schemas } from "../lib/api";
import { bytes, count, milliseconds, words } from "../lib/format";
import { useAsk, useTitle, useWork } from "../lib/use";
import { CheckField, TextField } from "../ui/field";
import { Answered, Button, Card, Figure, Note, PageHead, Problem, Time } from "../ui/parts";
import { Pill } from "../ui/pill";
import { say } from "../ui/toast";

const LOOK_EVERY_MS = 10_000;

export function System() {
  useTitle("System");
  const asked = useAsk(
    "system",
    async (signal) => {
      const [health, stats, maintenance, version] = await Promise.all([
        get("/admin/system/health", { signal }),
        get("/admin/system/stats", { signal }),
        get("/admin/system/maintenance", { signal }),
        get("/version", { signal }),
      ]);
      return { health, stats, maintenance, version };
    },
    LOOK_EVERY_MS,
  );
  return (
    <div class="page">
      <PageHead title="System">The whole platform, over all organizations.</PageHead>
      <Answered of={asked} lines={8}>
        {({ health, stats, maintenance, version }) => (
          <>
            <dl class="figures">
              <Figure label="State" note={`VoiceERA ${version.version}`}>
                <Pill of={health.status} />
              </Figure>
              <Figure label="Live calls" note={`of ${count(stats.media_capacity)} at once`}>{count(stats.live_calls)}</Figure>
              <Figure label="Calls" note={`${count(stats.active_campaigns)} campaigns dial`}>
                {stats.calls_are_estimated ? "≈ " : ""}
                {count(stats.calls)}
              </Figure>
              <Figure label="Organizations" note={`${count(stats.active_users)} of ${count(stats.users)} people active`}>{count(stats.organizations)}</Figure>
              <Figure label="Recordings" note={bytes(stats.storage.recordings_bytes)}>{count(stats.storage.recordings)}</Figure>
              <Figure label="Disk free" note={`of ${bytes(stats.storage.disk_total_bytes)}`}>{bytes(stats.storage.disk_free_bytes)}</Figure>
            </dl>
            <Card title="Parts" pad={false}>
              <div class="table-scroll" tabIndex={0}>
                <table class="table">
                  <thead>
                    <tr>
                      <th scope="col">Part</th>
                      <th scope="col">State</th>
                      <th scope="col" class="right">
                        Answers in
                      </th>
                      <th scope="col">Facts</th>
                    </tr>
                  </thead>
                  <tbody>
                    {health.components.map((part) => (
                      <tr key={part.kind + part.name}>
                        <td>
                          <span class="strong">{part.name}</span> <span class="dim small">{part.kind !== part.name && words(part.kind)}</span>
                        </td>
                        <td>
                          <Pill of={part.status} /> {part.reason}
                        </td>
                        <td class="right">{milliseconds(part.latency_ms)}</td>
                        <td class="small dim wrap-any">
                          {Object.entries(part.facts)
                            .map(([name, value]) => `${words(name)}: ${value}`)
                            .join(" · ")}
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </Card>
            <div class="grid">
              <Card title="Queues" about="Work that waits">
                <ul class="stack tight">
                  {Object.entries(stats.queues).map(([name, depth]) => (
                    <li key={name} class="row between">
                      <span>{words(name)}</span>
                      <b class="strong num">{count(depth)}</b>
                    </li>
                  ))}
                </ul>
              </Card>
              <Maintenance key={String(maintenance.enabled)} now={maintenance} done={asked.reload} />
            </div>
          </>
        )}
      </Answered>
    </div>
  );
}

function Maintenance({ now, done }: { now: Schemas["MaintenanceShown"]; done: () => void }) {
  const [enabled, setEnabled] = useState(now.enabled);
  const [message, setMessage] = useState(now.message ?? "");
  const save = useWork(async () => {
    await post("/admin/system/maintenance", { body: { enabled, message: message || null } });
    say(enabled ? "Maintenance has begun" : "Maintenance is over");
    done();
  });
  return (
    <Card title="Maintenance" actions={now.enabled && <Pill of="paused" name="On" />}>
      <div class="stack">
        {now.enabled && (
          <Note kind="warn">
            Since <Time at={now.set_at} />: nobody is dialled, and everybody but admins is told to come back later.
          </Note>
        )}
        <CheckField label="In maintenance" value={enabled} onChange={setEnabled} hint="Live calls go on." />
        <TextField label="What people are told" field="message" error={save.error} value={message} onText={setMessage} />
        <Problem error={save.error} shown={["message"]} />
        <div>
          <Button look={enabled && !now.enabled ? "danger" : ""} busy={save.busy} onClick={() => void save.run()}>
            Set
          </Button>
        </div>
      </div>
    </Card>
  );
}
