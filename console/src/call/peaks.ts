/** The loudness of a recording over time, for drawing. */
import { fetchSignedIn } from "../lib/api";

export interface Peaks {
  /** One list a channel; the greatest sample of each stretch, 0 to 1. */
  channels: Float32Array[];
  seconds: number;
}

const PLACES = 1200;

/** Decoding is the browser's work, off this thread. Raises ApiError, or the browser's own error for a file that is none. */
export async function peaksOf(callId: string, sampleRate: number): Promise<Peaks> {
  const file = await fetchSignedIn(`/call-recordings/${callId}/download`);
  // A context of the recording's own rate: nothing has to be resampled to be looked at.
  const audio = await new OfflineAudioContext(1, 1, sampleRate).decodeAudioData(await file.arrayBuffer());
  const channels = Array.from({ length: Math.min(2, audio.numberOfChannels) }, (_, index) => reduced(audio.getChannelData(index)));
  return { channels, seconds: audio.duration };
}

function reduced(samples: Float32Array): Float32Array {
  const peaks = new Float32Array(PLACES);
  const step = samples.length / PLACES;
  for (let place = 0; place < PLACES; place++) {
    const end = Math.min(samples.length, Math.floor((place + 1) * step));
    let most = 0;
    for (let at = Math.floor(place * step); at < end; at++) most = Math.max(most, Math.abs(samples[at]!));
    peaks[place] = most;
  }
  return peaks;
}
