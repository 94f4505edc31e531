/** Why a campaign dials or does not, in its own words. */
import { ScrollText } from "lucide";
import { get, type Schemas } from "../lib/api";
import { words } from "../lib/format";
import { usePages, type Listed } from "../lib/pages";
import { useAsk } from "../lib/use";
import { Button, Card, Empty, Note, Problem, Time } from "../ui/parts";

type Entry = Schemas["CampaignLogEntry"];

const LOOK_EVERY_MS = 15_000;

export function CampaignLog({ id }: { id: string }) {
  const pages = usePages<Entry>(`log:${id}`, (cursor, signal) => get("/campaigns/{campaign_id}/log", { path: { campaign_id: id }, query: { limit: 50, cursor }, signal }) as Promise<Listed<Entry>>);
  return (
    <Card title="What happened" about="What people did, and what kept it from dialling" pad={false}>
      {pages.items.length === 0 && pages.isEnd ? (
        <Empty icon={ScrollText} title="Nothing yet">Whatever happens to the campaign is told here, with the reason why somebody waits.</Empty>
      ) : (
        <ol class="lines">
          {pages.items.map((entry) => (
            <li key={entry.id}>
              <div class="line row">
                <span class="small dim log-time">
                  <Time at={entry.created_at} />
                </span>
                <span class="grow wrap-any">
                  {entry.message || words(entry.kind)}
                  {entry.actor && <span class="small dim block">{entry.actor}</span>}
                </span>
                <span class="tag">{words(entry.kind)}</span>
              </div>
            </li>
          ))}
        </ol>
      )}
      <Problem error={pages.error} again={pages.reload} />
      {!pages.isEnd && pages.items.length > 0 && (
        <div class="pad">
          <Button busy={pages.loading} onClick={pages.more}>
            Earlier
          </Button>
        </div>
      )}
    </Card>
  );
}

/** A line that failed too often is left alone for a while: said where the campaign is looked at. */
export function BreakerSays({ id }: { id: string }) {
  const asked = useAsk(
    `breaker:${id}`,
    async (signal) => {
      const kinds = ["breaker_opened", "breaker_closed"] as const;
      const found = await Promise.all(kinds.map((kind) => get("/campaigns/{campaign_id}/log", { path: { campaign_id: id }, query: { limit: 1, kind }, signal })));
      return found.map(({ items }) => items[0] ?? null);
    },
    LOOK_EVERY_MS,
  );
  const [opened, closed] = asked.data ?? [];
  if (!opened || (closed && closed.created_at >= opened.created_at)) return null;
  return (
    <Note kind="warn">
      <strong class="strong">The line is given a rest</strong>
      <div>
        {opened.message} (<Time at={opened.created_at} />)
      </div>
    </Note>
  );
}
