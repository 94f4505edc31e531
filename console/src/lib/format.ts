/** How values are said: times in the viewer's own zone, numbers as their language writes them. */

export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const dayYear = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", year: "numeric" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const plain = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

export function when(iso: string | null | undefined): string {
  if (!iso) return "–";
  const then = new Date(iso);
  const now = new Date();
  if (then.toDateString() === now.toDateString()) return clock.format(then);
  const date = then.getFullYear() === now.getFullYear() ? day.format(then) : dayYear.format(then);
  return `${date}, ${clock.format(then)}`;
}

export const atFull = (iso: string): string => whole.format(new Date(iso));
export const dayOf = (iso: string): string => dayYear.format(new Date(iso));

export function sinceThen(iso: string | null | undefined): string {
  if (!iso) return "never";
  const seconds = (new Date(iso).getTime() - Date.now()) / 1000;
  for (const [unit, size] of [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ] as const) {
    if (Math.abs(seconds) >= size) return ago.format(Math.round(seconds / size), unit);
  }
  return "just now";
}

export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  if (hours) return `${hours}:${two(minutes)}:${two(rest)}`;
  return `${minutes}:${two(rest)}`;
}

const two = (value: number): string => String(value).padStart(2, "0");

export const count = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : plain.format(value);
export const short = (value: number): string => (value < 10_000 ? plain.format(value) : compact.format(value));
export const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : `${Math.round(value * 10) / 10} %`;
export const money = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : `$${value.toFixed(value !== 0 && value < 1 ? 4 : 2)}`;
export const milliseconds = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(2)} s`;

export function bytes(value: number): string {
  for (const [unit, size] of [
    ["GB", 1e9],
    ["MB", 1e6],
    ["kB", 1e3],
  ] as const) {
    if (value >= size) return `${(value / size).toFixed(1)} ${unit}`;
  }
  return `${value} B`;
}

/** `no_answer` → "No answer". */
export function words(name: string | null | undefined): string {
  if (!name) return "–";
  const text = name.replace(/[_.-]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

export const personName = (user: { first_name: string; last_name: string; email: string }): string =>
  `${user.first_name} ${user.last_name}`.trim() || user.email;
