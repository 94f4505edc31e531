import { get } from "../lib/api";
import type { Filters } from "../lib/filters";
import { ZONE, words } from "../lib/format";
import { useAsk } from "../lib/use";
import { Answered, Card } from "../ui/parts";
import { Pill } from "../ui/pill";

const SAYS: Record<string, [string, string]> = { higher: ["info", "Higher"], lower: ["info", "Lower"], no_difference: ["", "No difference"], too_few: ["", "Too few calls"] };

/** Of each difference between two sides, whether it is more than chance. */
export function Verdicts({ slice, kind, other }: { slice: Filters; kind: "agent_id" | "campaign_id"; other: string }) {
  const query = { ...slice, timezone: ZONE, [`other_${kind}`]: other };
  const asked = useAsk(`verdicts:${JSON.stringify(query)}`, (signal) => get("/analytics/comparison", { query, signal }));
  return (
    <Card title="More than chance?" about="It says that two sides differ, not why; decide beforehand which measure counts">
      <Answered of={asked} lines={4}>
        {({ differences }) => (
          <ul class="stack tight">
            {differences.map(({ measure, verdict, message }) => (
              <li key={measure} class="row wrap">
                <Pill of={SAYS[verdict]?.[0] === "info" ? "running" : "queued"} name={SAYS[verdict]?.[1] ?? words(verdict)} />
                <span class="grow wrap-any">{message}</span>
              </li>
            ))}
          </ul>
        )}
      </Answered>
    </Card>
  );
}
