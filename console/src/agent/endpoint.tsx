/** Where a server of the organization's own is, and what it needs to hear. */
import type { ApiError, Schemas } from "../lib/api";
import { SelectField, TextField } from "../ui/field";
import { JsonField } from "../ui/json-field";

type Endpoint = Pick<Schemas["HttpTool-Input"], "url" | "method" | "headers" | "integration" | "result" | "timeout">;
type Props<T extends Endpoint> = { of: T; put: (next: T) => void; error: ApiError | null; prefix: string; hint?: string; longest: number; usual: number };

const METHODS = (["GET", "POST", "PUT", "PATCH"] as const).map((each) => [each, each] as const);

export function EndpointFields<T extends Endpoint>({ of, put, error, prefix, hint, longest, usual }: Props<T>) {
  return (
    <>
      <SelectField label="Method" value={of.method ?? "POST"} onText={(method) => put({ ...of, method: method as Endpoint["method"] })} options={METHODS} />
      <TextField label="Address" field={`${prefix}url`} error={error} type="url" value={of.url} onText={(url) => put({ ...of, url })} hint={hint} full />
      <JsonField label="Headers" field={`${prefix}headers`} error={error} value={of.headers} onValue={(headers) => put({ ...of, headers: (headers ?? {}) as Record<string, string> })} rows={3} placeholder={'{"Authorization": "Bearer {{secret.token}}"}'} hint="{{secret.…}} comes from the integration named below." />
      <TextField label="Integration with its secrets" field={`${prefix}integration`} error={error} value={of.integration ?? ""} onText={(text) => put({ ...of, integration: text || null })} />
      <TextField label="Part of the answer" field={`${prefix}result`} error={error} value={of.result ?? ""} onText={(text) => put({ ...of, result: text || null })} placeholder="order.state" hint="Empty: all of it." />
      <TextField label="Waits for (seconds)" field={`${prefix}timeout`} error={error} type="number" min={0.5} max={longest} step="any" value={String(of.timeout ?? usual)} onText={(text) => put({ ...of, timeout: Number(text) })} />
    </>
  );
}
