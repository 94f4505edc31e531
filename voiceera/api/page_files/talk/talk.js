// The page: signing in, choosing an agent, and showing a call. The call itself is call.js.
import { Call, CallProblem } from "./call.js";

const $ = (id) => document.getElementById(id);
const FLOORS = {
  connecting: "Connecting …",
  listening: "Your turn: the agent listens",
  hearing: "You are speaking",
  thinking: "The agent is thinking",
  speaking: "The agent is speaking",
  paused: "On hold",
  ended: "The call is over",
};
const CAUSES = {
  agent_ended: "The agent ended the call.",
  caller_hung_up: "You hung up.",
  caller_silent: "The agent hung up: it heard nothing for too long.",
  opted_out: "The agent hung up: you do not want to be called.",
  loop: "The agent hung up: nobody said anything new.",
  maximum_duration: "The call reached its longest duration.",
  requested: "Somebody ended the call.",
  shutting_down: "The platform is being stopped.",
  provider_failed: "A provider of the agent’s failed.",
  error: "The call broke off.",
};
const PARTS = { endpointing_ms: "waiting for your pause", stt_ms: "recognition", brain_ms: "thinking", tts_ms: "voice", platform_ms: "platform" };

let token = null;
let call = null;
let ticking = null;
let bubbles = {};

// ── talking to the API ─────────────────────────────────────────────────────────────────────────────────────────

class Refusal extends Error {
  constructor(code, message) { super(message); this.code = code; }
}

async function ask(path, body) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const options = body ? { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) } : { headers };
  let answer;
  try {
    answer = await (await fetch(path, options)).json();
  } catch {
    throw new Refusal("AWAY", "The server cannot be reached. Is it running? Try again in a moment.");
  }
  if (!answer.success) throw new Refusal(answer.error.code, answer.error.message);
  return answer.data;
}

function complain(problem) {
  $("problem").textContent = problem ? problem.message : "";
  $("problem").hidden = !problem;
}

function failed(error) {
  if (!(error instanceof Refusal || error instanceof CallProblem)) throw error;
  if (error.code && error.code.startsWith("AUTH_") && error.code !== "AUTH_004" && token) show("sign-in");
  complain(error);
}

// ── the three views ────────────────────────────────────────────────────────────────────────────────────────────

function show(view) {
  for (const name of ["sign-in", "choose", "live"]) $(name).hidden = name !== view;
  $("sign-out").hidden = view !== "choose";
  if (view === "sign-in") token = null;
  const first = { "sign-in": document.querySelector("#sign-in input:not([hidden])"), choose: $("agent"), live: $("hang-up") }[view];
  first.focus();
}

async function listAgents() {
  const { items } = await ask("agents?status=active&limit=100&sort=name");
  const wanted = new URLSearchParams(location.hash.slice(1)).get("agent");
  $("agent").replaceChildren(...items.map((agent) => {
    const option = new Option(agent.name, agent.id, false, agent.id === wanted);
    option.dataset.about = [agent.description, agent.language].filter(Boolean).join(" · ");
    return option;
  }));
  $("no-agents").hidden = items.length > 0;
  $("call-form").hidden = items.length === 0;
  show("choose");
  describe();
}

function describe() {
  $("about").textContent = $("agent").selectedOptions[0]?.dataset.about ?? "";
}

$("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  complain(null);
  const fields = new FormData(event.target);
  const button = event.submitter ?? event.target.querySelector("button");
  button.disabled = true;
  try {
    token = fields.get("key")?.trim() || null;
    if ($("by-key").hidden) token = (await ask("auth/login", { email: fields.get("email"), password: fields.get("password") })).token;
    await listAgents();
    event.target.reset();
  } catch (error) {
    token = null;
    failed(error);
  } finally {
    button.disabled = false;
  }
});

$("other-way").addEventListener("click", () => {
  const byKey = $("by-key").hidden;
  $("by-key").hidden = !byKey;
  $("by-password").hidden = byKey;
  for (const input of document.querySelectorAll("#by-password input")) input.required = !byKey;
  document.querySelector("#by-key input").required = byKey;
  $("other-way").textContent = byKey ? "Use e-mail and password instead" : "Use an API key instead";
  document.querySelector(byKey ? "#by-key input" : "#by-password input").focus();
});

$("sign-out").addEventListener("click", () => {
  ask("auth/logout", {}).catch(() => {});
  complain(null);
  show("sign-in");
});
$("look-again").addEventListener("click", () => listAgents().catch(failed));
$("agent").addEventListener("change", describe);

// ── a call ─────────────────────────────────────────────────────────────────────────────────────────────────────

$("call-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  complain(null);
  const chosen = $("agent").selectedOptions[0];
  if (!chosen || call) return;
  $("with").textContent = chosen.text;
  $("transcript").replaceChildren();
  $("during").hidden = false;
  $("after").hidden = true;
  bubbles = {};
  setMuted(false);
  setFloor("connecting");
  $("clock").textContent = "0:00";
  show("live");
  const name = $("name").value.trim();
  call = new Call({
    agent: chosen.value,
    variables: name ? { name } : {},
    asIfRung: $("as-if-rung").checked,
    token,
    address: async () => (await ask("voice-socket")).url,
    tell: (message) => onMessage(message),
    levels: (own, agent) => { $("own-level").value = own; $("agent-level").value = agent; },
  });
  try {
    await call.begin();
    const began = Date.now();
    ticking = setInterval(() => {
      const seconds = Math.floor((Date.now() - began) / 1000);
      $("clock").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    }, 500);
    over(await call.ended);
  } catch (error) {
    clearInterval(ticking);
    call = null;
    if (token) show("choose");
    failed(error);
  }
});

function over({ cause, disposition, problem }) {
  clearInterval(ticking);
  call = null;
  setFloor("ended");
  const said = CAUSES[cause] ?? problem ?? "The connection was lost.";
  $("outcome").textContent = disposition ? `${said} Outcome: ${disposition.replaceAll("_", " ")}.` : said;
  $("outcome").classList.toggle("bad", !(cause in CAUSES) || ["error", "provider_failed"].includes(cause));
  for (const partial of document.querySelectorAll("#transcript .partial")) partial.remove();
  $("during").hidden = true;
  $("after").hidden = false;
  $("again").focus();
}

function onMessage(message) {
  if (message.type === "status" && message.status in FLOORS && message.status !== "ended") setFloor(message.status);
  if (message.type === "transcript") showWords("own", message);
  if (message.type === "response") showWords("agent", message);
  if (message.type === "error") complain(message);
}

function setFloor(floor) {
  $("floor").textContent = FLOORS[floor];
  $("floor").dataset.floor = floor;
}

function showWords(side, message) {
  const bubble = bubbles[side] ??= addBubble(side);
  const words = bubble.querySelector(".words");
  if (message.is_final) {
    words.textContent = (message.text || "(not understood)") + (message.interrupted ? " —" : "");
    bubble.classList.remove("partial");
    if (message.latency) addLatency(bubble, message.latency);
    bubbles[side] = null;
  } else {
    // A partial transcript replaces the one before; the agent's sentences follow one another.
    words.textContent = side === "agent" && words.textContent ? `${words.textContent} ${message.text}` : message.text;
  }
  $("transcript").scrollTop = $("transcript").scrollHeight;
}

function addBubble(side) {
  const bubble = document.createElement("li");
  bubble.className = `${side} partial`;
  const speaker = document.createElement("b");
  speaker.className = "speaker";
  speaker.textContent = side === "own" ? "You" : $("with").textContent;
  const words = document.createElement("span");
  words.className = "words";
  bubble.append(speaker, words);
  $("transcript").append(bubble);
  return bubble;
}

function addLatency(bubble, latency) {
  const shown = document.createElement("span");
  shown.className = "latency";
  shown.textContent = `after ${(latency.total_ms / 1000).toFixed(2)} s`;
  shown.title = Object.entries(PARTS).map(([part, name]) => `${name}: ${Math.max(0, Math.round(latency[part]))} ms`).join("\n");
  bubble.querySelector(".speaker").append(shown);
}

function setMuted(isMuted) {
  $("mute").setAttribute("aria-pressed", String(isMuted));
  $("mute").firstChild.textContent = isMuted ? "Unmute " : "Mute ";
  call?.mute(isMuted);
}

$("mute").addEventListener("click", () => setMuted($("mute").getAttribute("aria-pressed") !== "true"));
$("hang-up").addEventListener("click", () => call?.hangUp());
$("again").addEventListener("click", () => show("choose"));
document.addEventListener("keydown", (event) => {
  if (!call || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") call.hangUp();
  else if (event.key.toLowerCase() === "m") $("mute").click();
  else if (/^[0-9*#]$/.test(event.key)) call.press(event.key);
});
for (const key of "123456789*0#") {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = key;
  button.addEventListener("click", () => call?.press(key));
  document.querySelector(".keypad").append(button);
}
addEventListener("pagehide", () => call?.hangUp());
show("sign-in");
