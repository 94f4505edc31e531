/** The public API, typed by its own OpenAPI document. */
import type { components, paths } from "../api/schema";
import { accessToken } from "./session";

export type Schemas = components["schemas"];
type Method = "get" | "post" | "put" | "delete";
type Operation<P extends keyof paths, M extends Method> = NonNullable<paths[P][M]>;
type Good<R> = R extends { 200: infer A } ? A : R extends { 201: infer A } ? A : R extends { 202: infer A } ? A : never;
type Content<T> = T extends { content: { "application/json": infer B } } ? B : never;
type Inner<B> = B extends { data?: infer D } ? NonNullable<D> : never;
export type Answer<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { responses: infer R } ? Inner<Content<Good<R>>> : never;
export type Query<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { parameters: { query?: infer Q } } ? NonNullable<Q> : never;
export type BodyOf<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { requestBody?: infer R } ? Content<NonNullable<R>> : never;

type With<M extends Method> = { [P in keyof paths]: paths[P][M] extends undefined ? never : P }[keyof paths];

interface Options<P extends keyof paths, M extends Method> {
  path?: Record<string, string>;
  query?: { [K in keyof Query<P, M>]?: Query<P, M>[K] | string | null };
  body?: BodyOf<P, M>;
  form?: FormData;
  signal?: AbortSignal;
}

export interface FieldProblem {
  field: string;
  message: string;
}

/** What the API answered instead; `status` 0: nothing answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: string | null = null,
    readonly fields: FieldProblem[] = [],
  ) {
    super(message);
  }
}

export const get = <P extends With<"get">>(path: P, options: Options<P, "get"> = {}): Promise<Answer<P, "get">> =>
  send("get", path, options);
export const post = <P extends With<"post">>(path: P, options: Options<P, "post"> = {}): Promise<Answer<P, "post">> =>
  send("post", path, options);
export const put = <P extends With<"put">>(path: P, options: Options<P, "put"> = {}): Promise<Answer<P, "put">> =>
  send("put", path, options);
export const remove = <P extends With<"delete">>(path: P, options: Options<P, "delete"> = {}): Promise<undefined> =>
  send("delete", path, options);

export function urlOf(path: string, values: Record<string, string> = {}, query: object = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ""));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `${filled}?${text}` : filled;
}

async function send<T>(
  method: Method,
  path: string,
  options: { path?: Record<string, string>; query?: object; body?: unknown; form?: FormData; signal?: AbortSignal },
): Promise<T> {
  const url = urlOf(path, options.path, options.query);
  const headers: Record<string, string> = {};
  let body: BodyInit | undefined = options.form;
  if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.body);
  }
  if (method === "post") headers["Idempotency-Key"] = newKey();
  const answer = await fetchSignedIn(url, { method: method.toUpperCase(), headers, body, signal: options.signal });
  if (answer.status === 204) return undefined as T;
  const envelope = await answer.json();
  return envelope.data as T;
}

/** A request with the access token, sent again with a new one when it was refused, and again when it was too early.
 * Raises ApiError for every other refusal. */
export async function fetchSignedIn(url: string, init: RequestInit = {}): Promise<Response> {
  let token = await accessToken();
  for (let tries = 0; ; tries++) {
    const headers = new Headers(init.headers);
    if (token) headers.set("Authorization", `Bearer ${token}`);
    const answer = await reach(url, { ...init, headers });
    if (answer.ok) return answer;
    if (answer.status === 401 && token && tries === 0) {
      token = await accessToken(token);
      if (token) continue;
    }
    if (answer.status === 429 && (init.method ?? "GET") === "GET" && tries < 3) {
      await pause(1000 * Math.min(10, Number(answer.headers.get("Retry-After") ?? 1)), init.signal);
      continue;
    }
    throw await refusal(answer);
  }
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (problem) {
    if (init.signal?.aborted) throw problem;
    throw new ApiError(0, "", "The server cannot be reached.", "Check the connection; what you typed is still here.");
  }
}

async function refusal(answer: Response): Promise<ApiError> {
  try {
    const { error } = await answer.json();
    return new ApiError(answer.status, error.code, error.message, error.details, error.fields ?? []);
  } catch {
    return new ApiError(answer.status, "", `The server answered with ${answer.status}.`);
  }
}

export function pause(milliseconds: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** `crypto.randomUUID` is there on secure pages alone. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Fetches a file with the access token and hands it to the browser to keep. */
export async function download(url: string, name: string): Promise<void> {
  const answer = await fetchSignedIn(url);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
