/** The loudness of a recording over time, for drawing. */
import { fetchSignedIn, get } from "../lib/api";

export interface Peaks {
  /** One list a channel; the greatest sample of each stretch, 0 to 1. */
  channels: Float32Array[];
  seconds: number;
}

const PLACES = 1200;

/** The platform draws the outline when it encodes the recording; until then the browser reads the file. Raises ApiError, or the browser's own error for a file that is none. */
export async function peaksOf(callId: string, sampleRate: number): Promise<Peaks> {
  const outline = await get("/call-recordings/{call_id}/waveform", { path: { call_id: callId } });
  const [first] = outline.channels;
  if (first?.length) {
    const channels = outline.channels.map((each) => Float32Array.from(each));
    return { channels, seconds: first.length / outline.points_per_second };
  }
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
