// How far behind live the viewer is: the readout, the switch between low and standard latency, and
// the way back to standard by itself on a network that cannot keep up.

import Hls from "hls.js";

// So many stalls within so long, and low latency is too much for this network; after as long
// without one it is tried again.
const STALLS = 3;
const STALLS_WITHIN_MS = 30_000;
const TRY_AGAIN_MS = 120_000;
// hls.js adds a second of latency for each stall and never takes it back.
const SMOOTH_MS = 20_000;
// Faster by so much while behind the wished latency, with so much left to play.
const CATCH_UP_RATE = 1.08;
const CATCH_UP_FROM = 0.15;
const RESERVE = 0.25;
// Further behind, it jumps.
const JUMP_FROM = 12;
const TICK_MS = 250;
const KEY = "rivulet.latency";

export class Latency {
  #video;
  #readout;
  #button;
  #hls;
  #stalls = [];
  #fallen;
  #timer;

  constructor(video, readout, button) {
    this.#video = video;
    this.#readout = readout;
    this.#button = button;
    button.addEventListener("click", () => {
      this.#fallen = undefined;
      this.#stalls = [];
      this.#remember(!this.#wished());
      this.#apply();
    });
  }

  // What a new hls.js begins with.
  get config() {
    // The pace is set here, since hls.js catches up only with more than a second in reserve.
    return { lowLatencyMode: this.#low(), maxLiveSyncPlaybackRate: 1 };
  }

  attach(hls) {
    this.#hls = hls;
    hls.on(Hls.Events.ERROR, (_, error) => {
      if (error.details === Hls.ErrorDetails.BUFFER_STALLED_ERROR) this.#stalled();
    });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#show();
  }

  detach() {
    clearInterval(this.#timer);
    this.#hls = undefined;
    this.#video.playbackRate = 1;
    this.#show();
  }

  // Storage may be forbidden; then the wish lasts as long as the page.
  #wish = true;
  #wished() {
    try {
      return (localStorage.getItem(KEY) ?? (this.#wish ? "low" : "standard")) === "low";
    } catch {
      return this.#wish;
    }
  }
  #remember(wish) {
    this.#wish = wish;
    try {
      localStorage.setItem(KEY, wish ? "low" : "standard");
    } catch {
      // Kept in #wish.
    }
  }

  #low() {
    return this.#wished() && this.#fallen === undefined;
  }

  #stalled() {
    const now = performance.now();
    this.#stalls = [...this.#stalls.filter((at) => now - at < STALLS_WITHIN_MS), now];
    if (this.#low() && this.#stalls.length >= STALLS) {
      this.#fallen = now;
      this.#apply();
    }
  }

  // Changes the running player over, and moves it to where it should be.
  #apply() {
    const hls = this.#hls;
    if (hls) {
      hls.config.liveSyncDuration = undefined;
      hls.lowLatencyMode = this.#low();
      this.#video.playbackRate = 1;
      if (hls.liveSyncPosition) this.#video.currentTime = hls.liveSyncPosition;
    }
    this.#show();
  }

  #tick() {
    const hls = this.#hls;
    const now = performance.now();
    const last = this.#stalls.at(-1);
    if (this.#fallen !== undefined && now - (last ?? this.#fallen) > TRY_AGAIN_MS) {
      this.#fallen = undefined;
      this.#stalls = [];
      this.#apply();
    }
    const details = hls.latestLevelDetails;
    if (this.#low() && details?.partHoldBack && last !== undefined && now - last > SMOOTH_MS) {
      this.#stalls = [];
      hls.targetLatency = details.partHoldBack;
    }
    this.#catchUp(hls);
    this.#show();
  }

  #catchUp(hls) {
    const video = this.#video;
    if (video.paused) return;
    const { buffered, currentTime } = video;
    const ahead = buffered.length ? buffered.end(buffered.length - 1) - currentTime : 0;
    const behind = hls.latency - (hls.targetLatency ?? Infinity);
    if (behind > JUMP_FROM && hls.liveSyncPosition) {
      video.currentTime = hls.liveSyncPosition;
      return;
    }
    const rate = this.#low() && behind > CATCH_UP_FROM && ahead > RESERVE ? CATCH_UP_RATE : 1;
    if (video.playbackRate !== rate) video.playbackRate = rate;
  }

  #show() {
    const seconds = this.#hls?.latency ?? 0;
    const known = seconds > 0 && !this.#video.paused;
    this.#readout.textContent = known ? `${seconds.toFixed(1)} s` : "";
    this.#button.hidden = !this.#hls;
    const low = this.#low();
    this.#button.setAttribute("aria-pressed", String(low));
    const why = this.#fallen === undefined ? "" : " (the network is too slow for it at the moment)";
    this.#button.title = `Low latency: ${low ? "on" : "off"}${why}`;
  }
}
