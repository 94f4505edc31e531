/** A list read page by page with the API's cursor, as far as somebody scrolls. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./api";
import { asApiError } from "./use";

export interface Listed<T> {
  items: T[];
  total: number;
  total_is_capped?: boolean;
  next_cursor?: string | null;
}

export interface Pages<T> {
  items: T[];
  total: number | null;
  isCapped: boolean;
  error: ApiError | null;
  loading: boolean;
  isEnd: boolean;
  more: () => void;
  reload: () => void;
  /** Put an item in the place of the one it is like. */
  replace: (isLike: (item: T) => boolean, item: T) => void;
}

interface State<T> {
  items: T[];
  total: number | null;
  isCapped: boolean;
  cursor: string | null;
  isEnd: boolean;
  loading: boolean;
  error: ApiError | null;
}

const NOTHING = { items: [], total: null, isCapped: false, cursor: null, isEnd: false, loading: true, error: null };

/** `key` says which list it is: a new one begins from the start. */
export function usePages<T>(
  key: string,
  ask: (cursor: string | null, signal: AbortSignal) => Promise<Listed<T>>,
): Pages<T> {
  const [state, setState] = useState<State<T>>(NOTHING);
  const now = useRef({ state, stop: new AbortController(), ask });
  now.current.ask = ask;
  now.current.state = state;

  const put = (change: Partial<State<T>>) => {
    now.current.state = { ...now.current.state, ...change };
    setState(now.current.state);
  };
  const load = async (cursor: string | null) => {
    const { signal } = now.current.stop;
    put({ loading: true, error: null });
    try {
      const page = await now.current.ask(cursor, signal);
      if (signal.aborted) return;
      put({
        items: cursor ? [...now.current.state.items, ...page.items] : page.items,
        // Pages after the first say the same total; a count that grew meanwhile is the first page's business.
        ...(cursor ? {} : { total: page.total, isCapped: page.total_is_capped ?? false }),
        cursor: page.next_cursor ?? null,
        isEnd: !page.next_cursor,
        loading: false,
      });
    } catch (problem) {
      if (!signal.aborted) put({ loading: false, error: asApiError(problem) });
    }
  };
  useEffect(() => {
    now.current.stop = new AbortController();
    put({ ...NOTHING, items: [] });
    void load(null);
    return () => now.current.stop.abort();
  }, [key]);

  const more = useCallback(() => {
    const { loading, isEnd, cursor } = now.current.state;
    if (!loading && !isEnd && cursor) void load(cursor);
  }, []);
  const reload = useCallback(() => {
    now.current.stop.abort();
    now.current.stop = new AbortController();
    void load(null);
  }, []);
  const replace = useCallback((isLike: (item: T) => boolean, item: T) => {
    put({ items: now.current.state.items.map((each) => (isLike(each) ? item : each)) });
  }, []);
  const { items, total, isCapped, error, loading, isEnd } = state;
  return { items, total, isCapped, error, loading, isEnd, more, reload, replace };
}
