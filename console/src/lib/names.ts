/** Agents and campaigns by id, for lists that name them. */
import { signal } from "@preact/signals";
import { get } from "./api";

type Named = { id: string; name: string };
export const agents = signal<Named[]>([]);
export const campaigns = signal<Named[]>([]);

/** Ask for the newest hundred of each; what is older is shown without its name. */
export async function learnNames(): Promise<void> {
  const query = { limit: 100 };
  try {
    const [known, running] = await Promise.all([get("/agents", { query }), get("/campaigns", { query })]);
    agents.value = known.items;
    campaigns.value = running.items;
  } catch {
    // Lists go without names; what keeps us from asking is told by whatever the page is about.
  }
}

export const nameIn = (list: Named[], id: string | null | undefined): string | null =>
  list.find((each) => each.id === id)?.name ?? null;

export const choices = (list: Named[]): [string, string][] => list.map(({ id, name }) => [id, name]);
