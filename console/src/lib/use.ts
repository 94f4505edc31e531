/** Asking the API from a component: loading, the answer, or what went wrong. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./api";

export interface Asked<T> {
  data: T | null;
  error: ApiError | null;
  loading: boolean;
  /** Ask again, and keep what is shown until the answer is there. */
  reload: () => void;
  set: (data: T) => void;
}

/** `key`: asks anew whenever it changes. `everyMs`: asks again so often while the page is looked at. */
export function useAsk<T>(key: string, ask: (signal: AbortSignal) => Promise<T>, everyMs?: number | null): Asked<T> {
  const [state, setState] = useState<{ key: string; data: T | null; error: ApiError | null; loading: boolean }>({
    key,
    data: null,
    error: null,
    loading: true,
  });
  const [round, setRound] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    const stop = new AbortController();
    setState((old) => (old.key === key ? { ...old, loading: true } : { key, data: null, error: null, loading: true }));
    latest
      .current(stop.signal)
      .then((data) => setState({ key, data, error: null, loading: false }))
      .catch((problem: unknown) => {
        if (stop.signal.aborted) return;
        const error = asApiError(problem);
        setState((old) => ({ key, data: old.key === key ? old.data : null, error, loading: false }));
      });
    return () => stop.abort();
  }, [key, round]);
  useEffect(() => {
    if (!everyMs) return;
    const timer = setInterval(() => {
      if (!document.hidden) setRound((old) => old + 1);
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  const reload = useCallback(() => setRound((old) => old + 1), []);
  const set = useCallback((data: T) => setState({ key, data, error: null, loading: false }), [key]);
  const isCurrent = state.key === key;
  return { data: isCurrent ? state.data : null, error: isCurrent ? state.error : null, loading: !isCurrent || state.loading, reload, set };
}

export function asApiError(problem: unknown): ApiError {
  if (problem instanceof ApiError) return problem;
  return new ApiError(0, "", problem instanceof Error ? problem.message : String(problem));
}

/** A button's work: whether it runs, and what went wrong the last time. */
export function useWork<A extends unknown[]>(work: (...given: A) => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const run = async (...given: A): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await work(...given);
    } catch (problem) {
      setError(asApiError(problem));
    } finally {
      setBusy(false);
    }
  };
  return { run, busy, error, clear: () => setError(null) };
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · VoiceERA` : "VoiceERA";
  }, [title]);
}
