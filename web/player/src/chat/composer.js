// Where a message is written: Enter sends it, `:` and `@` offer what may be meant, and what stands in
// the way is said before it is tried.

import { put, suggestions } from "./complete.js";
import { el, span } from "./dom.js";
import { emote } from "./line.js";
import { lengthOf, sendable } from "./text.js";

const MAX_CHARS = 500;
const COUNT_FROM = 400;

export class Composer {
  #chat;
  #form;
  #input;
  #send;
  #list;
  #picker;
  #replying;
  #blocked;
  #count;
  #reply;
  #found = [];
  #chosen = 0;
  #span = { from: 0, to: 0 };
  #emotes = [];
  // The asking for emotes, while it is under way and after it went well.
  #asked;

  constructor(chat, form) {
    this.#chat = chat;
    this.#form = form;
    this.#input = form.querySelector("textarea");
    this.#send = form.querySelector(".chat-send");
    this.#replying = form.querySelector(".chat-replying");
    this.#blocked = form.querySelector(".chat-blocked");
    this.#count = form.querySelector(".chat-count");
    this.#picker = form.querySelector(".chat-picker");
    this.#list = form.querySelector(".chat-offers");
    this.#wire();
    this.update();
  }

  focus() {
    this.#input.focus();
  }

  reply(message) {
    this.#reply = message;
    const { t } = this.#chat;
    const cancel = el("button", { type: "button", class: "icon-button", "aria-label": t("cancel"), onclick: () => this.#unreply() }, "✕");
    const name = message?.author.display_name;
    this.#replying.replaceChildren(...(message ? [el("span", {}, t("replying", { name })), cancel] : []));
    this.#replying.hidden = !message;
    this.focus();
  }

  // Takes up again what was refused.
  edit(text) {
    this.#input.value = text;
    this.#typed();
    this.focus();
  }

  // Whether it can be written now, and if not, why.
  update() {
    const { model, t, data } = this.#chat;
    const now = Date.now();
    const { settings, you } = model;
    const left = model.waits(now);
    const subscribes = you?.badges?.some(({ kind }) => kind === "subscriber");
    let why;
    if (model.ban) {
      if (left <= 0) model.ban = undefined;
      else why = left === Number.POSITIVE_INFINITY ? t("you_are_banned") : t("you_are_timed_out", { time: span(t, left) });
    }
    if (!why && model.warning) why = t("code_warned");
    if (!why && model.isOpen && !you) why = t("code_log_in");
    if (!why && you && !you.may_say) why = t("code_scope");
    if (!why && you && !model.moderates) {
      if (settings.followers_only_minutes != null && data.following === "no") why = t("code_followers_only");
      if (settings.subscribers_only && !subscribes) why = t("code_subscribers_only");
    }
    this.#input.disabled = why !== undefined;
    this.#blocked.hidden = why === undefined;
    if (why !== undefined && this.#blocked.textContent !== why) this.#blocked.textContent = why;
    const slow = why === undefined && left > 0;
    // Who writes is known with the first welcome.
    this.#send.disabled = why !== undefined || slow || !model.isOpen;
    this.#send.textContent = slow ? span(t, left) : t("send");
    this.#send.title = slow ? t("code_slow_mode") : "";
  }

  // The emotes changed: they are asked for when they are needed.
  forget() {
    this.#asked = undefined;
    if (document.activeElement === this.#input) this.#load();
  }

  #load() {
    this.#asked ??= this.#fetch();
    return this.#asked;
  }

  async #fetch() {
    try {
      const answer = await this.#chat.api.call("GET", "chat/emotes");
      this.#emotes = answer.items ?? answer;
    } catch {
      this.#asked = undefined;
      return;
    }
    // What was typed before they came is completed all the same.
    if (document.activeElement === this.#input) this.#typed();
  }

  #wire() {
    const input = this.#input;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#say();
    });
    input.addEventListener("focus", () => this.#load());
    input.addEventListener("input", () => this.#typed());
    input.addEventListener("blur", () => this.#offer([]));
    input.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option) this.#take(Number(option.dataset.index));
    });
    const open = this.#form.querySelector(".chat-picker-open");
    open.hidden = false;
    open.addEventListener("click", () => this.#pick(open));
    this.#form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.#picker.hidden) return;
      this.#picker.hidden = true;
      open.setAttribute("aria-expanded", "false");
      this.focus();
    });
  }

  #key(event) {
    if (event.isComposing) return;
    const offered = this.#found.length > 0;
    if (offered && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const way = event.key === "ArrowDown" ? 1 : -1;
      this.#mark((this.#chosen + way + this.#found.length) % this.#found.length);
    } else if (offered && (event.key === "Tab" || (event.key === "Enter" && this.#chosen >= 0))) {
      event.preventDefault();
      this.#take(Math.max(0, this.#chosen));
    } else if (event.key === "Escape") {
      if (offered) this.#offer([]);
      else if (this.#reply) this.#unreply();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#say();
    } else if (event.key === "ArrowUp" && this.#input.value === "") {
      event.preventDefault();
      this.#chat.view.last()?.focus();
    }
  }

  #say() {
    const text = sendable(this.#input.value);
    if (text === "" || this.#input.disabled || this.#send.disabled || lengthOf(text) > MAX_CHARS) return;
    this.#chat.say(text, this.#reply);
    this.#input.value = "";
    this.#unreply();
    this.#typed();
  }

  #unreply() {
    if (this.#reply) this.reply(undefined);
  }

  #typed() {
    const { value, selectionStart } = this.#input;
    const length = lengthOf(sendable(value));
    this.#count.hidden = length < COUNT_FROM;
    this.#count.textContent = `${length} / ${MAX_CHARS}`;
    this.#count.classList.toggle("field-error", length > MAX_CHARS);
    const { from, to, found } = suggestions(value, selectionStart, this.#emotes, this.#chat.names());
    this.#span = { from, to };
    this.#offer(found);
  }

  #offer(found) {
    this.#found = found;
    const option = (offer, index) => {
      const shown = offer.emote ? [emote(offer.emote.id, offer.text, ""), offer.text] : [offer.text];
      return el("li", { role: "option", id: `${this.#list.id}-${index}`, "data-index": index, "aria-selected": "false" }, ...shown);
    };
    this.#list.replaceChildren(...found.map(option));
    this.#list.hidden = found.length === 0;
    // A code that only begins like an emote is not changed by sending it.
    const meant = found.length > 0 && /^[:@]/.test(this.#input.value.slice(this.#span.from));
    this.#mark(meant ? 0 : -1);
  }

  #mark(index) {
    this.#chosen = index;
    for (const [at, option] of [...this.#list.children].entries()) option.setAttribute("aria-selected", String(at === index));
    if (index >= 0) this.#input.setAttribute("aria-activedescendant", `${this.#list.id}-${index}`);
    else this.#input.removeAttribute("aria-activedescendant");
  }

  #take(index) {
    this.#insert(this.#found[index].text, this.#span.from, this.#span.to);
    this.#offer([]);
  }

  #insert(word, from, to) {
    const { text, cursor } = put(this.#input.value, from, to, word);
    this.#input.value = text;
    this.#input.setSelectionRange(cursor, cursor);
  }

  async #pick(open) {
    const shown = !this.#picker.hidden;
    this.#picker.hidden = shown;
    open.setAttribute("aria-expanded", String(!shown));
    if (shown) return;
    const { t } = this.#chat;
    await this.#load();
    const search = el("input", { type: "search", "aria-label": t("search_emotes"), placeholder: t("search_emotes") });
    const grid = el("div", { class: "chat-emote-grid" });
    const fill = () => {
      const wanted = search.value.toLowerCase();
      const fitting = this.#emotes.filter(({ code }) => code.toLowerCase().includes(wanted));
      const choose = ({ code }) => {
        const at = this.#input.selectionStart;
        const before = at > 0 && !/\s$/.test(this.#input.value.slice(0, at)) ? " " : "";
        this.#insert(before + code, at, at);
      };
      const one = (it) => el("button", { type: "button", onclick: () => choose(it) }, emote(it.id, it.code));
      const nothing = el("p", { class: "muted" }, t("no_emotes"));
      grid.replaceChildren(...(fitting.length > 0 ? fitting.map(one) : [nothing]));
    };
    search.addEventListener("input", fill);
    search.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
    fill();
    this.#picker.replaceChildren(el("div", { class: "field" }, search), grid);
    search.focus();
  }
}
