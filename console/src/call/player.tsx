/** A recording: both voices as waveforms, one above the other; click to hear from there. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Signal } from "@preact/signals";
import { Download, Pause, Play, RotateCcw } from "lucide";
import { download, type Schemas } from "../lib/api";
import { duration } from "../lib/format";
import { colour, colours } from "../lib/theme";
import { asApiError, useAsk } from "../lib/use";
import { Button, Note } from "../ui/parts";
import { say } from "../ui/toast";
import { peaksOf, type Peaks } from "./peaks";

export interface Tape {
  /** Seconds since the recording's beginning. */
  at: Signal<number>;
  playing: Signal<boolean>;
  /** What the page asks for: be there, and play. */
  seek: (seconds: number) => void;
  audio: { current: HTMLAudioElement | null };
}

const HEIGHT = 116;
const STEP_SECONDS = 5;
const SPEEDS = [1, 1.25, 1.5, 2];

export function Player({ recording, tape }: { recording: Schemas["RecordingDetail"]; tape: Tape }) {
  const peaks = useAsk(`peaks:${recording.call_id}`, () => peaksOf(recording.call_id, recording.sample_rate));
  const [speed, setSpeed] = useState(1);
  const seconds = peaks.data?.seconds ?? recording.duration_seconds;
  // The platform may be reached under another name than the one it signs links with.
  const source = recording.download_url ? new URL(recording.download_url) : null;
  useEffect(() => {
    const audio = tape.audio.current!;
    let frame = 0;
    const follow = () => {
      tape.at.value = audio.currentTime;
      frame = requestAnimationFrame(follow);
    };
    const begin = () => {
      tape.playing.value = true;
      follow();
    };
    const end = () => {
      tape.playing.value = false;
      cancelAnimationFrame(frame);
      tape.at.value = audio.currentTime;
    };
    audio.addEventListener("play", begin);
    audio.addEventListener("pause", end);
    audio.addEventListener("seeked", () => (tape.at.value = audio.currentTime));
    return () => cancelAnimationFrame(frame);
  }, []);
  const toggle = () => {
    const audio = tape.audio.current!;
    if (audio.paused) void audio.play().catch((problem) => say(asApiError(problem).message, "bad"));
    else audio.pause();
  };
  const faster = () => {
    const next = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length]!;
    tape.audio.current!.playbackRate = next;
    setSpeed(next);
  };
  return (
    <div class="player">
      <audio ref={(element) => void (tape.audio.current = element)} preload="metadata" src={source ? source.pathname + source.search : undefined} />
      <div class="player-wave">
        <ul class="voices" aria-hidden="true">
          <li>Caller</li>
          <li>Agent</li>
        </ul>
        <Wave peaks={peaks.data} seconds={seconds} tape={tape} toggle={toggle} />
      </div>
      {peaks.error && <Note kind="warn">The waveform cannot be drawn: {peaks.error.message}</Note>}
      <div class="player-keys">
        <Button look="first only-icon" icon={tape.playing.value ? Pause : Play} label={tape.playing.value ? "Pause" : "Play"} onClick={toggle} />
        <Button look="quiet" icon={RotateCcw} label="Back to the beginning" onClick={() => tape.seek(0)} />
        <span class="num small dim">
          {duration(tape.at.value)} / {duration(seconds)}
        </span>
        <span class="grow" />
        <Button look="quiet little" onClick={faster} label={`Speed: ${speed} times`}>
          {speed}×
        </Button>
        <Button look="quiet little" icon={Download} onClick={() => void download(`/call-recordings/${recording.call_id}/download`, `${recording.call_id}.wav`)}>
          Recording
        </Button>
      </div>
    </div>
  );
}

function Wave({ peaks, seconds, tape, toggle }: { peaks: Peaks | null; seconds: number; tape: Tape; toggle: () => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const at = tape.at.value;
  const drawn = colours.value;
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    watch.observe(canvas.current!.parentElement!);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    if (canvas.current && width) draw(canvas.current, width, peaks, seconds ? at / seconds : 0);
  }, [peaks, width, at, drawn]);
  const keys = (event: KeyboardEvent) => {
    const steps: Record<string, () => void> = {
      ArrowLeft: () => tape.seek(Math.max(0, at - STEP_SECONDS)),
      ArrowRight: () => tape.seek(Math.min(seconds, at + STEP_SECONDS)),
      Home: () => tape.seek(0),
      " ": toggle,
    };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    step();
  };
  return (
    <div
      class="wave"
      role="slider"
      tabIndex={0}
      aria-label="Place in the recording"
      aria-valuemin={0}
      aria-valuemax={Math.round(seconds)}
      aria-valuenow={Math.round(at)}
      aria-valuetext={`${duration(at)} of ${duration(seconds)}`}
      onKeyDown={keys}
      onPointerDown={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        tape.seek(((event.clientX - box.left) / box.width) * seconds);
      }}
    >
      <canvas ref={canvas} style={{ height: `${HEIGHT}px`, width: `${width}px` }} />
    </div>
  );
}

function draw(canvas: HTMLCanvasElement, width: number, peaks: Peaks | null, played: number): void {
  const scale = devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = HEIGHT * scale;
  const paint = canvas.getContext("2d")!;
  paint.scale(scale, scale);
  const names = ["caller", "agent"];
  const [pitch, bar] = [4, 2.5];
  const channels = peaks?.channels ?? [new Float32Array(1), new Float32Array(1)];
  const room = HEIGHT / channels.length;
  channels.forEach((values, channel) => {
    const middle = room * (channel + 0.5);
    const loudest = values.reduce((most, value) => Math.max(most, value), 0.05);
    paint.fillStyle = colour(names[channel]!);
    for (let x = 0; x + bar <= width; x += pitch) {
      const [from, to] = [Math.floor((x / width) * values.length), Math.ceil(((x + pitch) / width) * values.length)];
      let value = 0;
      for (let index = from; index < to; index++) value = Math.max(value, values[index] ?? 0);
      const height = Math.max(2, (value / loudest) * (room - 10));
      paint.globalAlpha = x / width <= played ? 1 : 0.38;
      paint.beginPath();
      paint.roundRect(x, middle - height / 2, bar, height, 1.25);
      paint.fill();
    }
  });
  paint.globalAlpha = 1;
  paint.fillStyle = colour("text");
  if (played > 0) paint.fillRect(Math.min(width - 1.5, played * width), 0, 1.5, HEIGHT);
}
