/** What a new agent may begin with. */
import type { Schemas } from "../lib/api";

export type Draft = Schemas["AgentNew"];
export type Flow = Schemas["Flow-Input"];
export type Step = Flow["steps"][string];

const bye = (text: string, disposition: string): Step => ({ kind: "end", text, disposition });

const APPOINTMENT: Flow = {
  start: "greet",
  steps: {
    greet: { kind: "say", text: "Hello {{name | there}}, this is Riverside Dental. You have an appointment on {{day}} at {{time}}.", next: "confirm" },
    confirm: {
      kind: "ask",
      text: "Will you be there, or would you like another day?",
      expect: { type: "choice", choices: { confirm: ["yes", "yes, I will be there"], reschedule: ["no, I need another day"], cancel: ["please cancel it"] } },
      save_as: "answer",
      branches: { confirm: "confirmed", reschedule: "call_back", cancel: "cancelled" },
      on_silence: "call_back",
      on_unknown: "call_back",
    },
    confirmed: bye("Wonderful, we look forward to seeing you on {{day}}. Goodbye.", "confirmed"),
    cancelled: bye("All right, your appointment is cancelled. Goodbye.", "cancelled"),
    call_back: bye("A colleague will ring you to find another day. Goodbye.", "call_back"),
  },
};

const SURVEY: Flow = {
  start: "greet",
  steps: {
    greet: { kind: "say", text: "Hello {{name | there}}, you visited us lately, and we have one question.", next: "rating" },
    rating: {
      kind: "ask",
      text: "From one to five, how content were you?",
      expect: { type: "number" },
      save_as: "rating",
      next: "thanks",
      on_silence: "later",
      on_unknown: "later",
    },
    thanks: bye("Thank you, that helps us. Goodbye.", "answered"),
    later: bye("Never mind, thank you for your time. Goodbye.", "no_answer_given"),
  },
};

const NOTICE: Flow = {
  start: "notice",
  steps: { notice: bye("Hello {{name | there}}, this is a short notice: {{message}}. Goodbye.", "told") },
};

export const TEMPLATES: { key: string; name: string; about: string; draft: Draft }[] = [
  { key: "appointment", name: "Confirm an appointment", about: "Says when it is, asks whether it stands. Runs without a language model.", draft: { name: "Appointments", flow: APPOINTMENT, success_dispositions: ["confirmed"] } },
  { key: "survey", name: "Ask one question", about: "A number from one to five. Runs without a language model.", draft: { name: "Survey", flow: SURVEY, success_dispositions: ["answered"] } },
  { key: "notice", name: "Tell something", about: "One message, no question. Runs without a language model.", draft: { name: "Notice", flow: NOTICE, success_dispositions: ["told"] } },
  { key: "prompt", name: "Talk freely", about: "A language model that follows your instructions. Needs one connected.", draft: { name: "Assistant", brain: "llm", greeting_message: "Hello, how can I help you?", system_prompt: "You are a friendly telephone agent. Answer in one or two short sentences." } },
];

/** What `{{…}}` names in an agent's texts. */
export function variablesOf(agent: unknown): string[] {
  const found = JSON.stringify(agent).matchAll(/\{\{\s*([\w.]+)/g);
  const saved = new Set(JSON.stringify(agent).match(/"save_as":"(\w+)"/g)?.map((each) => each.slice(11, -1)));
  return [...new Set(Array.from(found, ([, name]) => name!))].filter((name) => !saved.has(name));
}
