/** Who tells more of somebody who rings in. */
import type { ApiError } from "../lib/api";
import { CheckField } from "../ui/field";
import { Card } from "../ui/parts";
import { EndpointFields } from "./endpoint";
import type { Draft } from "./templates";

const NEW = { url: "https://", method: "POST" } as const;

export function CallerLookup({ draft, change, error }: { draft: Draft; change: (by: Partial<Draft>) => void; error: ApiError | null }) {
  const lookup = draft.caller_lookup;
  return (
    <Card title="Who rings in" about="Your server is told the number before the agent says a word; what it answers can be said">
      <div class="stack">
        <CheckField label="Ask my server about callers" value={Boolean(lookup)} onChange={(on) => change({ caller_lookup: on ? NEW : null })} />
        {lookup && (
          <div class="fields">
            <EndpointFields of={lookup} put={(next) => change({ caller_lookup: next })} error={error} prefix="caller_lookup." hint="Told caller_number, called_number and call_id; {caller_number} may stand in it. It answers like {&quot;name&quot;: &quot;Dana&quot;}: then {{name}} is known." longest={5} usual={2} />
          </div>
        )}
      </div>
    </Card>
  );
}
