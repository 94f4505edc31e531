/** A flow as a graph: its steps in the order they are reached, and what is wrong with it before the API says so. */
import type { Flow, Step } from "./templates";

export interface Target {
  field: string;
  to: string;
}

export function targetsOf(step: Step): Target[] {
  const found: Target[] = [];
  if ("branches" in step) for (const [answer, to] of Object.entries(step.branches ?? {})) found.push({ field: `branches.${answer}`, to });
  for (const field of ["next", "on_silence", "on_unknown"] as const) {
    const to = (step as Record<string, unknown>)[field];
    if (typeof to === "string" && to) found.push({ field, to });
  }
  return found;
}

/** Reached steps first, breadth first from the start; then those that nothing leads to. */
export function orderOf(flow: Flow): { name: string; isReached: boolean }[] {
  const seen = new Set<string>();
  const queue = [flow.start];
  while (queue.length) {
    const name = queue.shift()!;
    const step = flow.steps[name];
    if (!step || seen.has(name)) continue;
    seen.add(name);
    queue.push(...targetsOf(step).map(({ to }) => to));
  }
  const rest = Object.keys(flow.steps).filter((name) => !seen.has(name));
  return [...[...seen].map((name) => ({ name, isReached: true })), ...rest.map((name) => ({ name, isReached: false }))];
}

export function problemsOf(flow: Flow): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  const say = (name: string, problem: string) => (found[name] ??= []).push(problem);
  if (!flow.steps[flow.start]) say("", `The first step, ${flow.start || "(none)"}, does not exist.`);
  for (const { name, isReached } of orderOf(flow)) {
    const step = flow.steps[name]!;
    if (!isReached) say(name, "Nothing leads here.");
    for (const { field, to } of targetsOf(step)) if (!flow.steps[to]) say(name, `${field} leads to ${to}, which does not exist.`);
    if (step.kind === "say" && !step.next) say(name, "Say where it goes on.");
    if (step.kind === "ask") {
      const choices = Object.keys(step.expect?.choices ?? {});
      if (step.expect?.type === "choice" && !choices.length) say(name, "A choice needs answers to choose from.");
      const answers = step.expect?.type === "choice" ? choices : step.expect?.type === "yes_no" ? ["yes", "no"] : null;
      const open = answers ? answers.filter((each) => !step.branches?.[each]) : ["the answer"];
      if (!step.next && open.length) say(name, `Nothing says where it goes on after ${open.join(", ")}.`);
    }
    if (step.kind === "language" && !step.language) say(name, "Name a language, like hi-IN.");
    if ((step.kind === "language" || step.kind === "tool") && !step.next) say(name, "Say where it goes on.");
    if (step.kind !== "branch" && step.kind !== "tool" && step.kind !== "language" && !step.text && !Object.keys(step.prompts ?? {}).length) say(name, "There is nothing to say.");
  }
  return found;
}

/** Languages that the flow changes to, as steps' texts name them ("hi" for "hi-IN"). */
export const languagesOf = (flow: Flow): string[] => [...new Set(Object.values(flow.steps).flatMap((step) => (step.kind === "language" && step.language ? [step.language.split("-")[0]!] : [])))];

export function withText(texts: Record<string, string> | undefined, language: string, text: string): Record<string, string> {
  const { [language]: _, ...others } = texts ?? {};
  return text ? { ...others, [language]: text } : others;
}

export function renamed(flow: Flow, from: string, to: string): Flow {
  if (!to || from === to || flow.steps[to]) return flow;
  const swap = (value: string | null | undefined) => (value === from ? to : value);
  const steps = Object.entries(flow.steps).map(([name, step]): [string, Step] => {
    const changed = { ...step } as Record<string, unknown>;
    for (const field of ["next", "on_silence", "on_unknown"]) if (field in changed) changed[field] = swap(changed[field] as string);
    if (changed.branches) changed.branches = Object.fromEntries(Object.entries(changed.branches as Record<string, string>).map(([answer, target]) => [answer, swap(target)!]));
    return [name === from ? to : name, changed as Step];
  });
  return { start: swap(flow.start)!, steps: Object.fromEntries(steps) };
}
