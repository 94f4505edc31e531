/** All that a campaign is told, with the API's safe defaults where nothing is said. */
import type { ApiError, Schemas } from "../lib/api";
import { ZONE } from "../lib/format";
import { agents, choices } from "../lib/names";
import { CheckField, SelectField, TextArea, TextField } from "../ui/field";
import { ListField } from "../ui/list-field";
import { Card, Note } from "../ui/parts";
import { CampaignMeans } from "./means";

export type Draft = Schemas["CampaignNew"];
type Change = (by: Partial<Draft>) => void;

export const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;
const CATEGORIES = [
  ["service", "Service: about something they have with you"],
  ["transactional", "Transactional: an appointment, a delivery, a payment"],
  ["promotional", "Promotional: an offer"],
] as const;
const RETRIED = [
  ["no_answer", "No answer"],
  ["busy", "Busy"],
  ["voicemail", "Voicemail"],
  ["failed", "The call failed"],
  ["dropped_early", "Hung up at once"],
] as const;

export function CampaignFields({ draft, change, error }: { draft: Draft; change: Change; error: ApiError | null }) {
  const zones = typeof Intl.supportedValuesOf === "function" ? Intl.supportedValuesOf("timeZone") : [];
  return (
    <>
      <Card title="What it is">
        <div class="fields">
          <TextField label="Name" field="name" error={error} value={draft.name} onText={(name) => change({ name })} required full />
          <TextArea label="Description" field="description" error={error} value={draft.description ?? ""} onText={(description) => change({ description })} rows={2} />
          <SelectField label="Agent" field="agent_id" error={error} value={draft.agent_id} onText={(agent_id) => change({ agent_id })} options={[["", "Choose an agent"], ...choices(agents.value)]} required />
          <SelectField label="Kind" field="category" error={error} value={draft.category ?? "service"} onText={(category) => change({ category: category as Draft["category"] })} options={CATEGORIES} hint="The law allows some hours for one and not the other." />
        </div>
      </Card>
      <Card title="When it may ring" about="Always on the clock of whoever is rung, told by their number">
        <div class="stack">
          <Windows draft={draft} change={change} />
          <div class="fields">
            <TextField label="Begins" field="start_time" error={error} type="datetime-local" value={localOf(draft.start_time)} onText={(text) => change({ start_time: isoOf(text) })} hint={`Your time (${ZONE}). Empty: when you launch it.`} />
            <TextField label="Ends" field="end_time" error={error} type="datetime-local" value={localOf(draft.end_time)} onText={(text) => change({ end_time: isoOf(text) })} hint="Empty: when everybody is done." />
            <TextField label="Time zone otherwise" field="timezone" error={error} value={draft.timezone ?? ""} onText={(timezone) => change({ timezone: timezone || null })} suggestions={zones} placeholder="America/New_York" hint="Where a number does not tell." />
            <TextField label="Country otherwise" field="country" error={error} value={draft.country ?? "US"} onText={(country) => change({ country: country.toUpperCase() })} hint="Of numbers without a country code." />
            <ListField label="Days without calls" field="holidays" error={error} value={draft.holidays ?? []} onValue={(holidays) => change({ holidays })} placeholder="2027-01-01" hint="Dates, separated by commas." />
          </div>
        </div>
      </Card>
      <Card title="How fast">
        <div class="fields">
          <NumberField label="Calls at the same time" field="max_concurrent_calls" {...{ draft, change, error }} min={1} max={1000} />
          <NumberField label="New calls a second" field="calls_per_second" {...{ draft, change, error }} min={0.1} max={100} step={0.1} />
          <NumberField label="Let it ring for (seconds)" field="ring_seconds" {...{ draft, change, error }} min={5} max={120} />
        </div>
      </Card>
      <Card title="Trying again" about="Minutes after each try that did not get through, one after the other">
        <div class="stack">
          <div class="fields">
            {RETRIED.map(([outcome, name]) => (
              <TextField
                key={outcome}
                label={name}
                field={`retries.${outcome}`}
                error={error}
                value={minutesOf(draft.retries?.[outcome])}
                onText={(text) => change({ retries: { ...draft.retries, [outcome]: ruleOf(text) } })}
                placeholder="not again"
              />
            ))}
          </div>
          <hr class="sep" />
          <div class="fields">
            <NumberField label="Tries of one person in all" field="max_attempts" {...{ draft, change, error }} min={1} max={20} />
            <NumberField label="Tries of one person in 24 hours" field="max_attempts_per_day" {...{ draft, change, error }} min={1} max={20} />
            <NumberField label="Calls of one number in 24 hours" field="max_number_calls_per_day" {...{ draft, change, error }} min={1} max={50} />
            <NumberField label="Calls of one number in 7 days" field="max_number_calls_per_week" {...{ draft, change, error }} min={1} max={350} />
          </div>
        </div>
      </Card>
      <CampaignMeans draft={draft} change={change} error={error} />
    </>
  );
}

type Numeric = "max_concurrent_calls" | "calls_per_second" | "ring_seconds" | "max_attempts" | "max_attempts_per_day" | "max_number_calls_per_day" | "max_number_calls_per_week";

function NumberField({ label, field, draft, change, error, min, max, step = 1 }: { label: string; field: Numeric; draft: Draft; change: Change; error: ApiError | null; min: number; max: number; step?: number }) {
  return <TextField label={label} field={field} error={error} type="number" min={min} max={max} step={step} value={String(draft[field] ?? "")} onText={(text) => change({ [field]: text === "" ? undefined : Number(text) })} />;
}

function Windows({ draft, change }: { draft: Draft; change: Change }) {
  const windows = draft.calling_windows ?? {};
  const put = (day: string, intervals: Schemas["Interval"][]) => change({ calling_windows: { ...windows, [day]: intervals } });
  return (
    <fieldset class="windows">
      <legend class="only-read">Calling hours</legend>
      {DAYS.map((day) => {
        const [first, ...rest] = windows[day] ?? [];
        const name = day.charAt(0).toUpperCase() + day.slice(1);
        return (
          <div key={day} class="row wrap">
            <div class="window-day">
              <CheckField label={name} value={!!first} onChange={(on) => put(day, on ? [{ start: "09:00", end: "18:00" }] : [])} />
            </div>
            {first ? (
              <>
                <input class="input" type="time" aria-label={`${name} from`} value={first.start} onChange={(event) => put(day, [{ ...first, start: event.currentTarget.value }, ...rest])} />
                <span class="faint">to</span>
                <input class="input" type="time" aria-label={`${name} until`} value={first.end === "24:00" ? "23:59" : first.end} onChange={(event) => put(day, [{ ...first, end: event.currentTarget.value === "23:59" ? "24:00" : event.currentTarget.value }, ...rest])} />
                {rest.map(({ start, end }) => (
                  <span key={start} class="tag num">
                    and {start}–{end}
                  </span>
                ))}
              </>
            ) : (
              <span class="faint">nobody is rung</span>
            )}
          </div>
        );
      })}
      <Note>Hours outside the law of the number's country are cut off, whatever is said here.</Note>
    </fieldset>
  );
}

const minutesOf = (rule: Schemas["RetryRule-Input"] | undefined): string => (rule?.delays_seconds ?? []).map((each) => String(Math.round((each / 60) * 100) / 100)).join(", ");

const ruleOf = (text: string): Schemas["RetryRule-Input"] => ({
  delays_seconds: text
    .split(/[,;\s]+/)
    .filter(Boolean)
    .map((each) => Math.round(Number(each) * 60))
    .filter((each) => Number.isFinite(each)),
});

function localOf(iso: string | null | undefined): string {
  if (!iso) return "";
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

const isoOf = (local: string): string | null => (local ? new Date(local).toISOString() : null);

const WORKING_HOURS = [{ start: "09:00", end: "18:00" }];

export const NEW_CAMPAIGN: Draft = {
  name: "",
  description: "",
  agent_id: "",
  category: "service",
  country: "US",
  max_concurrent_calls: 10,
  calls_per_second: 1,
  ring_seconds: 45,
  max_attempts: 3,
  max_attempts_per_day: 3,
  max_number_calls_per_day: 6,
  max_number_calls_per_week: 20,
  calling_windows: Object.fromEntries(DAYS.slice(0, 5).map((day) => [day, WORKING_HOURS])),
  retries: {
    no_answer: { delays_seconds: [7200, 86400] },
    busy: { delays_seconds: [900, 3600] },
    voicemail: { delays_seconds: [14400] },
    failed: { delays_seconds: [1800] },
    dropped_early: { delays_seconds: [3600] },
  },
};

/** The fields that the form changes, of a campaign as it is. */
export const draftOf = (campaign: Schemas["CampaignShown"]): Draft =>
  Object.fromEntries([...Object.keys(NEW_CAMPAIGN), "start_time", "end_time", "timezone", "holidays", "caller_ids", "local_presence", "telephony_provider", "spend_cap", "price_per_minute", "people", "max_abandoned", "split"].map((name) => [name, campaign[name as keyof typeof campaign]])) as unknown as Draft;
