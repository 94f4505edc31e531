/** A call from the browser's own microphone. The sound and the socket are the module that the page /talk uses too. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Mic, MicOff, PhoneCall, PhoneOff } from "lucide";
import { get, type Schemas } from "../lib/api";
import { duration, milliseconds, words } from "../lib/format";
import { accessToken } from "../lib/session";
import { asApiError } from "../lib/use";
import { Dialog } from "../ui/dialog";
import { CheckField, TextField } from "../ui/field";
import { Button, Note } from "../ui/parts";

interface Message {
  type: string;
  status?: string;
  text?: string;
  is_final?: boolean;
  result?: string | null;
  interrupted?: boolean;
  latency?: { total_ms: number } | null;
}

interface Outcome {
  cause: string | null;
  disposition: string | null;
  problem: string | null;
}

interface VoiceCall {
  begin(): Promise<void>;
  mute(isMuted: boolean): void;
  hangUp(): void;
  close(): void;
  ended: Promise<Outcome>;
}

interface VoiceModule {
  Call: new (options: {
    agent: string;
    variables: Record<string, string>;
    asIfRung: boolean;
    token: string;
    address: () => Promise<string>;
    tell: (message: Message) => void;
    levels: (own: number, agent: number) => void;
  }) => VoiceCall;
}

interface Line {
  speaker: "caller" | "agent";
  text: string;
  isFinal: boolean;
  latency: number | null;
  result: string | null;
}

const MODULE = "/talk/files/call.js";
const FLOORS: Record<string, string> = {
  connecting: "Connecting…",
  listening: "Your turn: the agent listens",
  hearing: "You are speaking",
  thinking: "The agent is thinking",
  speaking: "The agent is speaking",
  interrupted: "You interrupted",
  paused: "On hold",
};

export function Talk({ agent, variables, onClose }: { agent: Schemas["AgentShown"]; variables: string[]; onClose: () => void }) {
  const call = useRef<VoiceCall | null>(null);
  const [floor, setFloor] = useState<string | null>(null);
  const [lines, setLines] = useState<Line[]>([]);
  const [levels, setLevels] = useState({ own: 0, agent: 0 });
  const [problem, setProblem] = useState<string | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [values, setValues] = useState<Record<string, string>>({});
  const [asIfRung, setAsIfRung] = useState(false);
  const [isMuted, setMuted] = useState(false);
  const [seconds, setSeconds] = useState(0);
  useEffect(() => () => call.current?.close(), []);
  const isUp = floor !== null;
  useEffect(() => {
    if (!isUp) return;
    const timer = setInterval(() => setSeconds((old) => old + 1), 1000);
    return () => clearInterval(timer);
  }, [isUp]);

  const tell = (message: Message) => {
    if (message.type === "status" && message.status !== "ended") setFloor(message.status ?? null);
    if (message.type !== "transcript" && message.type !== "response") return;
    const line: Line = {
      speaker: message.type === "response" ? "agent" : "caller",
      text: message.text ?? "",
      isFinal: message.is_final ?? false,
      latency: message.latency?.total_ms ?? null,
      result: message.result ?? null,
    };
    setLines((old) => joined(old, line));
  };
  const begin = async () => {
    setProblem(null);
    setOutcome(null);
    setLines([]);
    setSeconds(0);
    setFloor("connecting");
    try {
      const { Call } = (await import(/* @vite-ignore */ MODULE)) as VoiceModule;
      const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value));
      const begun = new Call({
        agent: agent.id,
        variables: given,
        asIfRung,
        token: (await accessToken()) ?? "",
        address: async () => (await get("/voice-socket")).url,
        tell,
        levels: (own, theirs) => setLevels({ own, agent: theirs }),
      });
      call.current = begun;
      await begun.begin();
      const over = await begun.ended;
      setOutcome(over);
      setProblem(over.cause ? null : over.problem);
    } catch (refused) {
      setProblem(asApiError(refused).message);
    } finally {
      setFloor(null);
    }
  };
  return (
    <Dialog
      title={`Talk to ${agent.name}`}
      onClose={onClose}
      footer={
        isUp ? (
          <>
            <Button
              icon={isMuted ? MicOff : Mic}
              aria-pressed={isMuted}
              onClick={() => {
                call.current?.mute(!isMuted);
                setMuted(!isMuted);
              }}
            >
              {isMuted ? "Unmute" : "Mute"}
            </Button>
            <Button look="danger" icon={PhoneOff} onClick={() => call.current?.hangUp()}>
              Hang up
            </Button>
          </>
        ) : (
          <>
            <Button onClick={onClose}>Close</Button>
            <Button look="first" icon={PhoneCall} onClick={() => void begin()}>
              {outcome ? "Call again" : "Call"}
            </Button>
          </>
        )
      }
    >
      {problem && <Note kind="bad">{problem}</Note>}
      {outcome && !problem && (
        <Note kind="good">
          The call is over after {duration(seconds)}: {words(outcome.disposition ?? outcome.cause)}. It stands in the <a href={`/console/calls?direction=browser&agent_id=${agent.id}`}>call log</a>.
        </Note>
      )}
      {!isUp && !outcome && (
        <>
          <p class="dim">Your microphone is used while the call lasts. It is recorded and shown in the log like any other.</p>
          {variables.length > 0 && (
            <div class="fields">
              {variables.map((name) => (
                <TextField key={name} label={name} value={values[name] ?? ""} onText={(text) => setValues({ ...values, [name]: text })} />
              ))}
            </div>
          )}
          <CheckField label="As if it had rung you" hint="It waits for your hello." value={asIfRung} onChange={setAsIfRung} />
        </>
      )}
      {isUp && (
        <div class="floor" data-floor={floor}>
          <div class="row between">
            <span class="strong" role="status">
              {FLOORS[floor] ?? words(floor)}
            </span>
            <span class="num dim">{duration(seconds)}</span>
          </div>
          <Level name="You" value={levels.own} colour="caller" />
          <Level name="Agent" value={levels.agent} colour="agent" />
        </div>
      )}
      {lines.length > 0 && (
        <ol class="said talk" aria-live="polite">
          {lines.map((line, index) => (
            <li key={index} class={`turn ${line.speaker}${line.isFinal ? "" : " now"}`}>
              <div class="grow">
                <div class="turn-who">
                  {line.speaker === "caller" ? "You" : "Agent"}
                  {line.latency !== null && <span class="small faint num">answered in {milliseconds(line.latency)}</span>}
                </div>
                <p class="wrap-any">{line.text}</p>
                {line.result && <span class="tag">understood: {words(line.result)}</span>}
              </div>
            </li>
          ))}
        </ol>
      )}
    </Dialog>
  );
}

/** What comes replaces the unfinished line of the same speaker. */
function joined(lines: Line[], line: Line): Line[] {
  const open = lines.findLastIndex((each) => each.speaker === line.speaker && !each.isFinal);
  if (open < 0) return line.text ? [...lines, line] : lines;
  const isSentence = line.speaker === "agent" && !line.isFinal;
  const text = isSentence ? `${lines[open]!.text} ${line.text}` : line.text;
  return lines.map((each, index) => (index === open ? { ...line, text } : each));
}

function Level({ name, value, colour }: { name: string; value: number; colour: string }) {
  return (
    <div class="row level">
      <span class="small dim">{name}</span>
      <div class="meter" aria-hidden="true">
        <span style={{ width: `${Math.min(100, 100 * value)}%`, background: `var(--${colour})` }} />
      </div>
    </div>
  );
}
