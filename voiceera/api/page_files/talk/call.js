// One call over the voice WebSocket: microphone → frames → socket, and back to the loudspeaker.
const RATE = 16000;

export class CallProblem extends Error {
  constructor(message, code = null) { super(message); this.code = code; }
}

const MICROPHONE = {
  NotAllowedError: "The microphone was refused. Allow it for this page in the browser’s settings, then call again.",
  NotFoundError: "No microphone was found. Connect one, then call again.",
  NotReadableError: "The microphone is in use by another program, or does not work.",
};

export class Call {
  /** `address`: asks for the socket's URL. `tell(message)`: what the server says. `levels(own, agent)`: 0–1, 20 times a
   * second. `ended` resolves with {cause, disposition, problem} once it is over. */
  constructor({ agent, variables, asIfRung, token, address, tell, levels }) {
    Object.assign(this, { agent, variables, asIfRung, token, address, tell, levels });
    this.ended = new Promise((resolve) => { this.end = resolve; });
    this.own = 0;
    this.heard = 0;
    this.isOver = false;
    this.contexts = [];
    this.outcome = { cause: null, disposition: null, problem: null };
  }

  /** Resolves when the call is under way. Throws CallProblem, and what `address` throws. */
  async begin() {
    try {
      this.microphone = await this.openMicrophone();
      const url = await this.address();
      if (this.isOver) throw new CallProblem("You hung up before the call began.");
      await this.openSound();
      await this.openSocket(url);
    } catch (problem) {
      this.close();
      throw problem;
    }
  }

  async openMicrophone() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new CallProblem("The browser gives a page its microphone only over https, or on this same machine.");
    }
    const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    try {
      return await navigator.mediaDevices.getUserMedia({ audio });
    } catch (error) {
      throw new CallProblem(MICROPHONE[error.name] ?? "The microphone cannot be used.");
    }
  }

  async openSound() {
    const context = await this.context({ sampleRate: RATE });
    this.player = new AudioWorkletNode(context, "player", { numberOfInputs: 0, outputChannelCount: [1] });
    this.player.port.onmessage = ({ data }) => {
      if (data.mark) this.send({ type: "mark", name: data.mark });
      else this.heard = data.level;
    };
    this.player.connect(context.destination);
    let source, capturing = context;
    try {
      source = context.createMediaStreamSource(this.microphone);
    } catch { // a browser that does not resample between the microphone and a context
      capturing = await this.context({});
      source = capturing.createMediaStreamSource(this.microphone);
    }
    this.recorder = new AudioWorkletNode(capturing, "recorder", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    this.recorder.port.onmessage = ({ data }) => {
      this.own = data.level;
      if (this.isLive && this.socket.bufferedAmount < RATE * 4) this.socket.send(data.frame);
    };
    source.connect(this.recorder);
    this.metering = setInterval(() => this.levels(this.own, this.heard), 50);
  }

  async context(options) {
    const context = new AudioContext({ latencyHint: "interactive", ...options });
    this.contexts.push(context);
    await context.audioWorklet.addModule(new URL("./worklets.js", import.meta.url));
    await context.resume();
    return context;
  }

  openSocket(url) {
    return new Promise((resolve, reject) => {
      try {
        this.socket = new WebSocket(url);
      } catch {
        reject(new CallProblem("This page may not reach the media process: VOICEERA_MEDIA_URL must be a wss:// address where the page is https."));
        return;
      }
      this.socket.binaryType = "arraybuffer";
      this.socket.onopen = () => {
        const { token, agent: agent_id, variables, asIfRung: as_if_rung } = this;
        this.send({ type: "auth", token, agent_id, audio: "binary", variables, as_if_rung });
      };
      this.socket.onmessage = ({ data }) => {
        if (typeof data !== "string") {
          this.player.port.postMessage({ sound: data }, [data]);
          return;
        }
        const message = JSON.parse(data);
        if (message.type === "auth_response" && message.status === "error") reject(new CallProblem(message.message, message.error.code));
        if (message.type === "ready") { this.isLive = true; resolve(); }
        this.take(message);
      };
      this.socket.onclose = () => {
        const why = this.isLive ? "The connection was lost." : "The media process does not answer. It may be full, being stopped, or not reachable from here.";
        reject(new CallProblem(why));
        this.outcome.problem ??= why;
        this.close();
      };
    });
  }

  take(message) {
    if (message.type === "mark") this.player.port.postMessage({ mark: message.name });
    if (message.type === "error") this.outcome.problem = message.message;
    if (message.type === "status" && message.status === "interrupted") this.player.port.postMessage({ clear: true });
    if (message.type === "status" && message.status === "ended") Object.assign(this.outcome, message);
    this.tell(message);
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  mute(isMuted) {
    this.recorder?.port.postMessage({ isMuted });
  }

  press(digit) {
    this.send({ type: "dtmf", digit });
  }

  hangUp() {
    if (this.isLive && this.socket.readyState === WebSocket.OPEN) {
      this.send({ type: "control", action: "end" });
      setTimeout(() => this.close(), 3000); // a server that does not answer any more
    } else {
      this.close();
    }
  }

  close() {
    if (this.isOver) return;
    this.isOver = true;
    this.isLive = false;
    clearInterval(this.metering);
    this.levels(0, 0);
    for (const track of this.microphone?.getTracks() ?? []) track.stop();
    for (const context of this.contexts) context.close();
    this.socket?.close();
    this.end(this.outcome);
  }
}
