/** Filters that live in the address: a view can be kept, sent and gone back to. */
import { useLocation } from "preact-iso";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ZONE } from "./format";

export type Filters = Record<string, string>;

export function useFilters(): [Filters, (change: Filters) => void] {
  const { query, path, route } = useLocation();
  const change = (by: Filters) => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries({ ...query, ...by })) if (value) search.set(name, value);
    const text = search.toString();
    route(text ? `${path}?${text}` : path, true);
  };
  return [query as Filters, change];
}

/** What the API is asked: days are the viewer's. */
export function asQuery(filters: Filters, names: readonly string[]): Filters {
  const query: Filters = {};
  for (const name of names) if (filters[name]) query[name] = filters[name];
  if (query.date_from || query.date_to) query.timezone = ZONE;
  return query;
}

/** Text that reaches `on` when somebody stops typing. */
export function useTyped(value: string, on: (value: string) => void): [string, (value: string) => void] {
  const [typed, setTyped] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (text: string) => {
    setTyped(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => on(text), 250);
  };
  return [typed, type];
}

export function useKey(query: Filters): string {
  return useMemo(() => JSON.stringify(query), [JSON.stringify(query)]);
}
