// The chat of a channel: takes over the list that the server has rendered, and keeps it up to date.
// The same module on the channel's page, in a window or an OBS dock of its own, as an overlay in the
// picture, and in the moderation view.

import { Api, step } from "./chat/api.js";
import { Cards } from "./chat/cards.js";
import { Colors } from "./chat/color.js";
import { Composer } from "./chat/composer.js";
import { Connection } from "./chat/connection.js";
import { Deeds, Toolbar } from "./chat/deeds.js";
import { Desk } from "./chat/desk.js";
import { speaker } from "./chat/dom.js";
import { Lines } from "./chat/line.js";
import { Model } from "./chat/model.js";
import { overlay } from "./chat/overlay.js";
import { View } from "./chat/view.js";

// Between the letters of an overlay and the picture is their shadow.
const OVERLAY_SHADE = "#333333";
const TELL_MS = 8000;
const TOKEN = "rivulet-dock-token";
const KEPT = "rivulet-chat";

const box = document.getElementById("chat");
const dock = document.querySelector(".dock-token");

// What this browser remembers of how the chat looks.
const kept = {
  read: () => {
    try {
      return JSON.parse(localStorage.getItem(KEPT)) ?? {};
    } catch {
      return {};
    }
  },
  write: (change) => {
    try {
      localStorage.setItem(KEPT, JSON.stringify({ ...kept.read(), ...change }));
    } catch {
      // Without storage it is as long as the page.
    }
  },
};

function start(token, password = "") {
  const data = box.dataset;
  const t = speaker(JSON.parse(data.words));
  const model = new Model();
  const background = data.kind === "overlay" ? OVERLAY_SHADE : hexOf(getComputedStyle(document.documentElement).getPropertyValue("--surface"));
  const lines = new Lines(t, new Colors(background), model);
  const api = new Api(data.channel, token);
  const stage = box.querySelector(".chat-stage");
  const view = new View({ stage, model, lines, t });
  const state = box.querySelector(".chat-state");
  if (data.ban !== undefined) model.ban = { until: data.ban === "for-good" ? undefined : Number(data.ban) };
  const chat = { box, data, t, model, lines, api, view };

  let timer;
  chat.tell = (text, good = false) => {
    state.textContent = text;
    state.classList.toggle("notice-good", good);
    state.hidden = false;
    clearTimeout(timer);
    timer = setTimeout(() => {
      state.hidden = true;
    }, TELL_MS);
  };

  const apply = (changes) => {
    view.apply(changes);
    desk?.apply(changes);
    if (changes.some((change) => change.do === "room")) chat.update();
    if (changes.some((change) => change.do === "emotes")) emotesChanged();
  };
  chat.update = () => {
    cards?.update();
    composer?.update();
    modes();
  };
  chat.say = (text, reply) => {
    const { frame, changes } = model.say(crypto.randomUUID(), text, reply, Date.now());
    view.follow();
    apply(changes);
    // Without a connection it waits in the list, and is sent after the next welcome.
    connection.send(frame);
  };
  chat.again = (key) => {
    const line = model.line(key);
    if (!line) return;
    apply(model.discard(key));
    view.follow();
    composer?.edit(line.frame.text);
  };
  chat.leave = (channel) => {
    if (data.follows === "yes") location.assign(data.kind === "popout" ? `/popout/${step(channel)}/chat` : `/${step(channel)}`);
  };
  // Who wrote lately, the last one first.
  chat.names = () => {
    const names = new Map();
    for (const { message } of model.lines.toReversed()) {
      if (message?.author.login && message.author.id !== model.you?.id) names.set(message.author.login, { login: message.author.login, name: message.author.display_name });
    }
    return [...names.values()];
  };

  function modes() {
    const { settings } = model;
    const on = [];
    if (settings.slow_seconds > 0) on.push(t("mode_slow", { n: settings.slow_seconds }));
    if (settings.followers_only_minutes != null) on.push(t("mode_followers"));
    if (settings.subscribers_only) on.push(t("mode_subscribers"));
    if (settings.emote_only) on.push(t("mode_emotes"));
    if (settings.unique) on.push(t("mode_unique"));
    const shown = box.querySelector(".chat-modes");
    if (!shown) return;
    shown.textContent = on.join(" · ");
    shown.hidden = on.length === 0;
  }

  function emotesChanged() {
    composer?.forget();
    badges();
  }

  async function badges() {
    try {
      const answer = await api.call("GET", "chat/badges");
      lines.badges = new Map((answer.items ?? answer).map((badge) => [badge.id, badge]));
      if (lines.badges.size > 0) view.redraw();
    } catch {
      // Messages without such badges are messages too.
    }
  }

  const form = box.querySelector(".chat-composer");
  const composer = form && new Composer(chat, form);
  chat.composer = composer;
  const place = box.querySelector(".chat-cards");
  const cards = place && new Cards(chat, place);
  const root = document.querySelector("[data-desk]");
  const desk = root && new Desk(chat, root);
  if (data.kind === "overlay") overlay(box, view);
  else new Toolbar(chat, new Deeds(chat), stage);

  const ticket = data.ticket === "yes" ? async () => (await api.call("POST", "chat/ticket", { password })).ticket : undefined;
  const url = new URL(`/chat/${data.channel}`, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  let first = true;
  const connection = new Connection({
    url,
    ticket,
    token,
    receive: (frame) => {
      apply(model.receive(frame, Date.now()));
      if (frame.op !== "welcome") return;
      for (const unanswered of model.unanswered()) connection.send(unanswered);
      if (first) badges();
      first = false;
    },
    changed: (now, code) => {
      box.dataset.connection = now;
      clearTimeout(timer);
      state.classList.remove("notice-good");
      state.hidden = now === "open";
      if (now === "lost") state.textContent = t("lost");
      if (now === "refused") state.textContent = t(`closed_${code}`, {});
      if (now === "refused" && code === 4003) askToken(t("token_refused"));
    },
  });
  setInterval(() => {
    cards?.tick();
    composer?.update();
  }, 1000);
  settings(chat);
}

// What somebody chooses for this browser.
function settings({ view }) {
  const times = box.querySelector(".chat-times");
  const show = (on) => {
    box.classList.toggle("with-times", on);
    if (times) times.checked = on;
  };
  show(kept.read().times === true);
  times?.addEventListener("change", () => {
    show(times.checked);
    kept.write({ times: times.checked });
    view.follow();
  });
  for (const shown of box.querySelectorAll("[data-with-script]")) shown.hidden = false;
}

// The chat can be out of the way of the video.
function fold() {
  const watch = box.closest(".watch-with-chat");
  if (!watch) return;
  const back = watch.querySelector(".chat-back");
  const set = (away, byHand) => {
    watch.toggleAttribute("data-chat-away", away);
    back.hidden = !away;
    if (byHand) (away ? back : box.querySelector(".chat-away")).focus();
    if (byHand) kept.write({ away });
  };
  set(kept.read().away === true, false);
  box.querySelector(".chat-away").addEventListener("click", () => set(true, true));
  back.addEventListener("click", () => set(false, true));
}

// A colour of the style sheet, as `#rrggbb`.
function hexOf(color) {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = color.trim() || "#000000";
  return probe.fillStyle;
}

// A token is typed into the dock once, and gone with its window.
function askToken(why) {
  if (!dock) return;
  sessionStorage.removeItem(TOKEN);
  dock.hidden = false;
  dock.querySelector("[data-why]").textContent = why ?? "";
}

function dockForm() {
  dock.addEventListener("submit", (event) => {
    event.preventDefault();
    const token = dock.querySelector("input").value.trim();
    if (token === "") return;
    sessionStorage.setItem(TOKEN, token);
    // What is connected with another one goes away with the page.
    location.reload();
  });
}

if (box) {
  const token = box.dataset.kind === "dock" ? sessionStorage.getItem(TOKEN) ?? undefined : undefined;
  if (dock) dockForm();
  if (dock && token) dock.hidden = true;
  fold();
  if (box.dataset.locked === undefined) start(token);
  else {
    const open = ({ detail }) => {
      box.hidden = false;
      start(undefined, detail);
    };
    // The player has found it to be right.
    window.addEventListener("rivulet:password", open, { once: true });
  }
}
