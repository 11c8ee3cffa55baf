// One video element and the stream in it: hls.js where the browser has Media Source Extensions,
// the browser's own HLS otherwise. Errors end in another attempt, never in a dead player.

import Hls from "hls.js";
import { backoff } from "./channel.js";
import { offerQualities } from "./quality.js";

const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 8000;
// hls.js advises against recovering from media errors more often.
const RECOVER_EVERY_MS = 5000;
// A slate comes within three seconds.
const PATIENCE_MS = 8000;

// The signature in the addresses of a broadcast that is not for everybody; it is replaced while it plays.
const SIGNATURE = /\/p\/[^/]+\//;
let signature;

export const unsigned = (url) => url?.replace(SIGNATURE, "/");
const signed = (url) => (signature ? url.replace(SIGNATURE, signature) : url);

class Signed extends Hls.DefaultConfig.loader {
  load(context, config, callbacks) {
    context.url = signed(context.url);
    super.load(context, config, callbacks);
  }
}

// hls.js 1.7 trips over a delta update that arrives while it changes the quality: its audio side reads
// the part that was left out. Our playlists are short, so it gets them whole.
class WholePlaylists extends Signed {
  load(context, config, callbacks) {
    context.url = context.url.replace(/&_HLS_skip=\w+/, "");
    super.load(context, config, callbacks);
  }
}

const CONFIG = {
  fLoader: Signed,
  pLoader: WholePlaylists,
  // Begin with a good picture; the estimate is right after the first segment.
  abrEwmaDefaultEstimate: 3_000_000,
  backBufferLength: 30,
  capLevelToPlayerSize: true,
  // Segments come as fragmented MP4, which is passed through: there is nothing for a worker to do.
  enableWorker: false,
  liveDurationInfinity: true,
  // Long enough for an encoder that reconnects, short enough to notice a playlist that is stuck.
  liveMaxUnchangedPlaylistRefresh: 20,
  maxBufferLength: 20,
};

export class Playback {
  #video;
  #latency;
  #hls;
  #url;
  #waiting = false;
  #patience;
  #stopped = false;
  #failures = 0;
  #retry;
  #recoveredAt = -Infinity;
  #closeQualities = () => {};

  constructor(video, latency) {
    this.#video = video;
    this.#latency = latency;
    video.addEventListener("playing", () => (this.#failures = 0));
    video.addEventListener("error", () => {
      if (this.#url && !this.#hls) this.#again();
    });
  }

  // The same with a newer signature: what plays goes on.
  renew(url) {
    this.#url = url;
    signature = url.match(SIGNATURE)?.[0];
  }

  load(url) {
    this.unload();
    this.renew(url);
    if (Hls.isSupported()) {
      this.#start();
    } else if (this.#video.canPlayType("application/vnd.apple.mpegurl")) {
      this.#video.src = url;
      this.#play();
    }
  }

  unload() {
    clearTimeout(this.#retry);
    clearTimeout(this.#patience);
    this.#url = undefined;
    this.#stop();
    if (this.#video.hasAttribute("src")) {
      this.#video.removeAttribute("src");
      this.#video.load();
    }
  }

  // While the broadcaster's connection is lost, a slate plays in its place. Where none comes there is
  // nothing to ask for: the last picture stays, and what comes afterwards joins on.
  wait(waiting) {
    if (this.#waiting === waiting) return;
    this.#waiting = waiting;
    this.#expect();
    if (!waiting && this.#stopped) this.#hls?.startLoad();
    this.#stopped = false;
  }

  #expect() {
    clearTimeout(this.#patience);
    if (!this.#waiting) return;
    this.#patience = setTimeout(() => {
      this.#stopped = true;
      this.#hls?.stopLoad();
    }, PATIENCE_MS);
  }

  #start() {
    const hls = new Hls({ ...CONFIG, ...this.#latency.config });
    this.#hls = hls;
    this.#latency.attach(hls);
    hls.on(Hls.Events.MANIFEST_PARSED, (_, { levels }) => {
      this.#closeQualities();
      this.#closeQualities = offerQualities(this.#video, hls, levels);
      this.#play();
    });
    hls.on(Hls.Events.FRAG_BUFFERED, () => this.#expect());
    hls.on(Hls.Events.ERROR, (_, error) => {
      if (error.fatal) this.#recover(hls, error);
    });
    hls.loadSource(this.#url);
    hls.attachMedia(this.#video);
  }

  #stop() {
    if (this.#hls) this.#latency.detach();
    this.#closeQualities();
    this.#closeQualities = () => {};
    this.#hls?.destroy();
    this.#hls = undefined;
  }

  #recover(hls, error) {
    const now = performance.now();
    if (error.type === Hls.ErrorTypes.MEDIA_ERROR && now - this.#recoveredAt > RECOVER_EVERY_MS) {
      this.#recoveredAt = now;
      hls.recoverMediaError();
    } else {
      this.#again();
    }
  }

  // A fresh start cures what a retry of one request does not: the playlist may be another by now.
  #again() {
    clearTimeout(this.#retry);
    this.#stop();
    const url = this.#url;
    this.#retry = setTimeout(() => this.load(url), backoff(this.#failures++, RETRY_MIN_MS, RETRY_MAX_MS));
  }

  #play() {
    // Refused only where even silent playback needs a click: then the play button stands ready.
    this.#video.play().catch(() => {});
  }
}
