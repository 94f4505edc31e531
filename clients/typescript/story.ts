// A first campaign with the generated types: every path, field and answer below is checked by the compiler.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Agent = components["schemas"]["AgentShown"];

export async function story(baseUrl: string, email: string, password: string): Promise<number> {
  const api = createClient<paths>({ baseUrl });
  const signedIn = await api.POST("/auth/login", { body: { email, password } });
  if (!signedIn.data) throw new Error(signedIn.error.error.message);
  const headers = { Authorization: `Bearer ${signedIn.data.data.token}` };

  const made = await api.POST("/agents", { headers, body: { name: "Clara" } });
  if (!made.data) throw new Error(made.error.error.code);
  const agent: Agent = made.data.data;

  const campaign = await api.POST("/campaigns", {
    headers: { ...headers, "Idempotency-Key": "march-2024" },
    body: { name: "March", agent_id: agent.id, phone_numbers: ["+12025550123"] },
  });
  if (!campaign.data) throw new Error(campaign.error.error.message);
  const campaign_id = campaign.data.data.id;
  await api.POST("/campaigns/{campaign_id}/launch", { headers, params: { path: { campaign_id } } });

  const calls = await api.GET("/call-logs", { headers, params: { query: { campaign_id, limit: 20 } } });
  return calls.data?.data.items.filter((call) => call.status === "completed").length ?? 0;
}
