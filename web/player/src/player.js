// The player of a channel's page: hls.js plays, media-chrome shows the controls, and one event
// stream says what the channel is doing. Works on the server's markup alone, without WebAssembly.

import "media-tracks/polyfill";
import "./language.js";
import "media-chrome/dist/media-controller.js";
import "media-chrome/dist/media-control-bar.js";
import "media-chrome/dist/media-error-dialog.js";
import "media-chrome/dist/media-fullscreen-button.js";
import "media-chrome/dist/media-live-button.js";
import "media-chrome/dist/media-loading-indicator.js";
import "media-chrome/dist/media-mute-button.js";
import "media-chrome/dist/media-pip-button.js";
import "media-chrome/dist/media-play-button.js";
import "media-chrome/dist/media-volume-range.js";
import "media-chrome/dist/menu/media-chrome-menu-item.js";
import "media-chrome/dist/menu/media-rendition-menu-button.js";
import "./quality.js";
import { Access } from "./access.js";
import { followChannel } from "./channel.js";
import { Latency } from "./latency.js";
import { Playback, unsigned } from "./playback.js";
import { startMuted } from "./sound.js";

// How long the last seconds of an ended broadcast may play out before the offline picture.
const PLAY_OUT_MS = 8000;

const player = document.getElementById("player");
const video = player.querySelector("video");
const latency = new Latency(video, player.querySelector(".behind"), player.querySelector(".low-latency"));
const playback = new Playback(video, latency);
const access = new Access(player, (url) => {
  granted = url;
  if (last) show(last);
});
let granted;
let last;
let loaded = { url: undefined, revision: undefined };
let playOut;

startMuted(video, player.querySelector(".unmute"));

function load(channel) {
  const goesOn = unsigned(channel.playback) === unsigned(loaded.url) && channel.revision === loaded.revision;
  if (goesOn && channel.playback !== loaded.url) playback.renew(channel.playback);
  loaded = { url: channel.playback, revision: channel.revision };
  if (!goesOn) playback.load(channel.playback);
}

function unload() {
  clearTimeout(playOut);
  playOut = undefined;
  if (loaded.url === undefined) return;
  loaded = { url: undefined, revision: undefined };
  playback.unload();
}

function showOffline() {
  unload();
  player.dataset.state = "offline";
}

// The state of the channel, with the address that was given to this viewer.
function receive(channel) {
  last = channel;
  const begins = channel.state !== "offline" && granted === undefined;
  if (access.isNeeded && begins && player.dataset.locked === undefined) access.open();
  if (channel.state === "offline") {
    granted = undefined;
    access.close();
  }
  show(channel);
}

function show(state) {
  const playable = state.state === "live" || state.state === "reconnecting";
  const channel = access.isNeeded ? { ...state, playback: playable ? granted : undefined } : state;
  if (channel.playback) {
    clearTimeout(playOut);
    playOut = undefined;
    load(channel);
    playback.wait(channel.state === "reconnecting");
    player.dataset.state = channel.state;
  } else if (channel.state !== "offline") {
    unload();
    player.dataset.state = channel.state;
  } else if (loaded.url !== undefined && !video.paused && !video.ended) {
    playOut ??= setTimeout(showOffline, PLAY_OUT_MS);
  } else {
    showOffline();
  }
}

// Words over the picture only where it stands still.
video.addEventListener("waiting", () => (player.dataset.stalled = ""));
for (const event of ["playing", "timeupdate"]) video.addEventListener(event, () => delete player.dataset.stalled);

video.addEventListener("ended", () => {
  if (playOut !== undefined) showOffline();
});

// The server rendered the present state: play at once, before the event stream confirms it.
if (player.dataset.playback) {
  load({ playback: player.dataset.playback, revision: Number(player.dataset.revision) });
}
followChannel(player.dataset.events, receive);
