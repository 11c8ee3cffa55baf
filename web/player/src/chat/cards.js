// What stands above the messages: the pinned one, a poll, a raid, a warning, a ban.

import { step } from "./api.js";
import { button, el, field, span } from "./dom.js";

const POLL_STAYS_MS = 60_000;

export class Cards {
  #chat;
  #place;
  #vote;
  #gone = new Set();
  #stays = new Set();
  #left = new Set();
  #shown = "";
  #request;

  constructor(chat, place) {
    this.#chat = chat;
    this.#place = place;
    const { vote, request } = chat.data;
    this.#vote = vote === undefined ? undefined : Number(vote);
    this.#request = request;
    place.addEventListener("click", ({ target }) => {
      const gone = target.closest("[data-gone]");
      if (!gone) return;
      this.#gone.add(gone.dataset.gone);
      this.update();
    });
  }

  // Made anew only where something changed, so that nobody loses what they type.
  update() {
    const { model } = this.#chat;
    const state = JSON.stringify([model.pinned, model.poll, model.raid, model.warning, model.ban, this.#vote, this.#request, [...this.#gone], [...this.#stays], model.moderates, this.#old()]);
    if (state === this.#shown) return this.tick();
    this.#shown = state;
    const cards = [this.#warning(), this.#ban(), this.#raid(), this.#poll(), this.#pinned()];
    this.#place.replaceChildren(...cards.filter(Boolean));
    this.tick();
  }

  tick() {
    const now = Date.now();
    for (const clock of this.#place.querySelectorAll("[data-ends]")) {
      const left = Number(clock.dataset.ends) - now;
      clock.textContent = left > 0 ? span(this.#chat.t, left) : "";
    }
    const { raid } = this.#chat.model;
    const key = raid && `${raid.channel}-${raid.leaves_at_ms}`;
    if (!raid || now < raid.leaves_at_ms || this.#left.has(key)) return;
    this.#left.add(key);
    // A page that was opened long after it left stays where it is.
    if (!this.#stays.has(key) && now - raid.leaves_at_ms < 60_000) this.#chat.leave(raid.channel);
  }

  #dismiss(key) {
    return el("button", { type: "button", class: "icon-button", "data-gone": key, "aria-label": this.#chat.t("close") }, "✕");
  }

  #pinned() {
    const { model, lines, t, api, tell } = this.#chat;
    const { pinned } = model;
    if (!pinned || this.#gone.has(pinned.id)) return undefined;
    const head = el("p", { class: "chat-label" }, t("pinned"));
    const text = el("p", { class: "chat-pinned-text" }, ...lines.author(pinned.author), ": ", ...lines.parts(pinned));
    const unpin = () => api.call("DELETE", "chat/pin").catch((error) => tell(error.message));
    const off = model.moderates && button(t("unpin"), unpin, { class: "chat-link" });
    return el("section", { class: "chat-card", "aria-label": t("pinned") }, this.#dismiss(pinned.id), head, text, off);
  }

  // Whether the poll has been over for a while.
  #old() {
    const { poll } = this.#chat.model;
    return Boolean(poll?.ended) && Date.now() - poll.ends_at_ms > POLL_STAYS_MS;
  }

  #poll() {
    const { model, t, api, tell } = this.#chat;
    const { poll } = model;
    if (!poll || this.#gone.has(poll.id) || this.#old()) return undefined;
    const all = poll.options.reduce((sum, { votes }) => sum + votes, 0);
    const may = !poll.ended && model.you?.may_say;
    const cast = async (option) => {
      try {
        await api.call("POST", `polls/${step(poll.id)}/vote`, { option });
        this.#vote = option;
        this.update();
      } catch (error) {
        tell(error.message);
      }
    };
    const option = ({ text, votes }, index) => {
      const share = all === 0 ? 0 : Math.round((votes / all) * 100);
      const bar = el("meter", { min: 0, max: 100, value: share, "aria-label": text });
      const label = [el("span", { class: "chat-option-text" }, text), el("span", {}, `${share} %`)];
      const chosen = this.#vote === index;
      const pressed = String(chosen);
      const head = may
        ? button("", () => cast(index), { class: "chat-option", "aria-pressed": pressed })
        : el("div", { class: "chat-option", "data-chosen": chosen });
      head.append(...label);
      return el("li", {}, head, bar);
    };
    const ends = poll.ended ? t("poll_ended") : t("poll");
    const votes = t(all === 1 ? "one_vote" : "votes", { n: all });
    const clock = !poll.ended && el("span", { class: "chat-clock", "data-ends": poll.ends_at_ms });
    const stop = () => api.call("POST", `polls/${step(poll.id)}/end`).catch((error) => tell(error.message));
    const end = model.moderates && !poll.ended && button(t("end_poll"), stop, { class: "chat-link" });
    return el(
      "section",
      { class: "chat-card chat-poll", "aria-label": t("poll") },
      this.#dismiss(poll.id),
      el("p", { class: "chat-label" }, ends, clock && " · ", clock),
      el("p", { class: "chat-question" }, poll.question),
      el("ol", {}, ...poll.options.map(option)),
      el("p", { class: "muted" }, votes, may && this.#vote === undefined ? ` · ${t("poll_hint")}` : ""),
      end,
    );
  }

  #raid() {
    const { model, t, api, tell, data } = this.#chat;
    const { raid } = model;
    const key = raid && `${raid.channel}-${raid.leaves_at_ms}`;
    if (!raid || this.#stays.has(key)) return undefined;
    const stay = () => {
      this.#stays.add(key);
      this.update();
    };
    const cancel = () => api.call("DELETE", "raid").catch((error) => tell(error.message));
    const name = raid.display_name || raid.channel;
    const clock = el("strong", { class: "chat-clock", "data-ends": raid.leaves_at_ms });
    return el(
      "section",
      { class: "chat-card chat-raid", role: "alert" },
      el("p", {}, t(data.follows === "yes" ? "raid_you" : "raid_goes", { name, count: raid.viewers }), " ", clock),
      el(
        "div",
        { class: "actions" },
        data.follows === "yes" && button(t("stay"), stay),
        model.moderates && button(t("raid_cancel"), cancel, { class: "button button-quiet" }),
        data.follows !== "yes" && button(t("close"), stay, { class: "button button-quiet" }),
      ),
    );
  }

  #warning() {
    const { model, t, api, tell } = this.#chat;
    if (!model.warning) return undefined;
    const understood = async () => {
      try {
        await api.call("POST", "chat/warning");
        model.warning = undefined;
        this.#chat.update();
      } catch (error) {
        tell(error.message);
      }
    };
    const head = el("p", {}, el("strong", {}, t("warned")), " ", model.warning);
    return el("section", { class: "chat-card chat-bad", role: "alert" }, head, button(t("understood"), understood));
  }

  #ban() {
    const { model, t, api, tell } = this.#chat;
    if (!model.ban || model.ban.until !== undefined) return undefined;
    const head = el("p", {}, el("strong", {}, t("you_are_banned")));
    if (this.#request) return el("section", { class: "chat-card chat-bad" }, head, el("p", {}, t(`request_${this.#request}`)));
    const text = el("textarea", { name: "text", rows: 2, maxlength: 500, required: true });
    const form = el("form", { class: "stack" }, field(t("unban_why"), text), el("button", { class: "button" }, t("unban_ask")));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await api.call("POST", "chat/unban-requests", { text: text.value });
        this.#request = "open";
        this.update();
      } catch (error) {
        tell(error.message);
      }
    });
    return el("section", { class: "chat-card chat-bad" }, head, form);
  }
}
