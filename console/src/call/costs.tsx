import type { Schemas } from "../lib/api";
import { money, words } from "../lib/format";

const PARTS: Record<string, string> = { carrier: "Carrier", stt: "Recognition", tts: "Voice", llm: "Language model" };

/** The ledger: what was used, and what the price list makes of it. */
export function Costs({ costs }: { costs: Schemas["CallCost"][] }) {
  return (
    <ul class="stack tight">
      {costs.map((cost, index) => (
        <li key={index} class="row between">
          <span>
            {PARTS[cost.part] ?? words(cost.part)}{" "}
            <span class="small dim">
              {[cost.provider, cost.model].filter(Boolean).join(" ")} · {cost.quantity.toLocaleString(undefined, { maximumFractionDigits: 2 })} {words(cost.unit).toLowerCase()}s
            </span>
          </span>
          <b class="strong num">{cost.amount === null ? <a href="/console/prices">no price</a> : money(cost.amount)}</b>
        </li>
      ))}
    </ul>
  );
}
