/** Who is signed in. Tokens are shared by the tabs of a browser, and one of them at a time renews them: a refresh token
 * is good once, and its second use ends the session. */
import { signal } from "@preact/signals";
import type { components } from "../api/schema";

export type User = components["schemas"]["UserShown"];

interface Kept {
  token: string;
  refresh_token: string;
  /** Milliseconds since 1970, by this machine's clock. */
  expires_at: number;
  user: User;
}

const KEY = "voiceera.session";
/** Renewed this long before its end, so that no request leaves with a token that ends on the way. */
const EARLY_MS = 30_000;

export const user = signal<User | null>(read()?.user ?? null);
/** Why the sign-in page is shown again, for the person in front of it. */
export const ended = signal<string | null>(null);

window.addEventListener("storage", (event) => {
  if (event.key === KEY) user.value = read()?.user ?? null;
});

function read(): Kept | null {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "null") as Kept | null;
  } catch {
    return null;
  }
}

export function signedIn(answer: components["schemas"]["TokensShown"]): void {
  const { token, refresh_token, expires_in, user: person } = answer;
  const kept: Kept = { token, refresh_token, expires_at: Date.now() + expires_in * 1000, user: person };
  localStorage.setItem(KEY, JSON.stringify(kept));
  user.value = person;
  ended.value = null;
}

export function changed(person: User): void {
  const kept = read();
  if (kept) localStorage.setItem(KEY, JSON.stringify({ ...kept, user: person }));
  user.value = person;
}

export function forget(why: string | null = null): void {
  localStorage.removeItem(KEY);
  user.value = null;
  ended.value = why;
}

/** The access token to send, renewed if it is about to end; null when nobody is signed in. `stale`: one that the API
 * did not take. */
export async function accessToken(stale?: string): Promise<string | null> {
  const kept = read();
  if (!kept) return null;
  if (kept.token !== stale && kept.expires_at - EARLY_MS > Date.now()) return kept.token;
  return alone(() => renew(kept.token));
}

let turn: Promise<unknown> = Promise.resolve();

/** One renewal at a time, over all tabs; where a page may not have locks (plain HTTP), over this one. */
function alone<T>(work: () => Promise<T>): Promise<T> {
  if ("locks" in navigator) return navigator.locks.request(KEY, work) as Promise<T>;
  const next = turn.then(work, work);
  turn = next.catch(() => undefined);
  return next;
}

async function renew(seen: string): Promise<string | null> {
  const kept = read();
  if (!kept) return null;
  if (kept.token !== seen && kept.expires_at - EARLY_MS > Date.now()) return kept.token;
  const answer = await fetch("/auth/refresh-token", {
    method: "POST",
    headers: { Authorization: `Bearer ${kept.refresh_token}` },
  });
  if (answer.ok) {
    const { data } = (await answer.json()) as { data: components["schemas"]["TokensShown"] };
    signedIn(data);
    return data.token;
  }
  // A server that is down or busy ends nobody's session.
  if (answer.status !== 401) return kept.token;
  forget("Your session has ended. Sign in again to go on.");
  return null;
}
