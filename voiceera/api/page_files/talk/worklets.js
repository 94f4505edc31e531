// Both ways of sound, on the browser's audio thread. Frames are 20 ms of 16 kHz, 16-bit.
const RATE = 16000;
const FRAME = RATE / 50;
const loudness = (sum, count) => Math.min(1, Math.sqrt(sum / Math.max(1, count)) * 4);

// Microphone → frames. A context at another rate is brought down behind a low-pass.
class Recorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.sum = 0;
    this.isMuted = false;
    this.step = sampleRate / RATE;
    this.taps = this.step > 1 ? lowPass(0.45 / this.step) : null;
    this.past = new Float32Array(this.taps?.length ?? 0);
    this.at = 0;
    this.before = 0;
    this.port.onmessage = ({ data }) => { this.isMuted = data.isMuted; };
  }

  process([[input]]) {
    if (!input) return true;
    for (const sample of input) {
      if (this.step === 1) this.put(sample);
      else this.resample(sample);
    }
    return true;
  }

  resample(sample) {
    if (this.taps) {
      this.past.copyWithin(0, 1);
      this.past[this.past.length - 1] = sample;
      sample = 0;
      for (let i = 0; i < this.taps.length; i++) sample += this.taps[i] * this.past[i];
    }
    for (; this.at < 1; this.at += this.step) this.put(this.before + (sample - this.before) * this.at);
    this.at -= 1;
    this.before = sample;
  }

  put(sample) {
    if (this.isMuted) sample = 0;
    this.sum += sample * sample;
    this.frame[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32767)));
    if (this.filled === FRAME) {
      this.port.postMessage({ frame: this.frame.buffer, level: loudness(this.sum, FRAME) }, [this.frame.buffer]);
      this.frame = new Int16Array(FRAME);
      this.filled = 0;
      this.sum = 0;
    }
  }
}

function lowPass(cutoff, length = 47) {
  const middle = (length - 1) / 2;
  const taps = Float32Array.from({ length }, (_, i) => {
    const x = i - middle;
    const sinc = x === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x);
    return sinc * (0.54 - 0.46 * Math.cos((2 * Math.PI * i) / (length - 1)));
  });
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
}

// Frames → loudspeaker. Playing begins when a little is there, so that a late frame tears no hole.
class Player extends AudioWorkletProcessor {
  static prefill = 3 * FRAME;

  constructor() {
    super();
    this.queue = [];
    this.waiting = 0;
    this.isPlaying = false;
    this.patience = 0;
    this.sum = 0;
    this.counted = 0;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take({ sound, mark, clear }) {
    if (clear) {
      this.queue = [];
      this.waiting = 0;
      this.isPlaying = false;
    } else if (mark) {
      this.queue.push({ mark });
    } else {
      const samples = new Int16Array(sound);
      this.queue.push({ samples, at: 0 });
      this.waiting += samples.length;
    }
  }

  process(_inputs, [[output]]) {
    this.patience = this.waiting ? this.patience + output.length : 0;
    if (!this.isPlaying) this.isPlaying = this.waiting >= Player.prefill || this.patience > Player.prefill || this.queue[0]?.mark !== undefined;
    for (let i = 0; i < output.length; i++) output[i] = this.isPlaying ? this.next() : 0;
    this.measure(output);
    return true;
  }

  next() {
    while (this.queue.length) {
      const first = this.queue[0];
      if (first.mark) {
        this.port.postMessage({ mark: first.mark });
      } else if (first.at < first.samples.length) {
        this.waiting--;
        return first.samples[first.at++] / 32768;
      }
      this.queue.shift();
    }
    this.isPlaying = false;
    this.patience = 0;
    return 0;
  }

  measure(output) {
    for (const sample of output) this.sum += sample * sample;
    this.counted += output.length;
    if (this.counted >= sampleRate / 20) {
      this.port.postMessage({ level: loudness(this.sum, this.counted) });
      this.sum = 0;
      this.counted = 0;
    }
  }
}

registerProcessor("recorder", Recorder);
registerProcessor("player", Player);
