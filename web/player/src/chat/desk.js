// The moderation view around a chat: what waits for a decision and what was done, kept up to date, and
// its forms sent without leaving the page. All of it works by reloading too.

import { step } from "./api.js";
import { el } from "./dom.js";

const MAX_ACTIONS = 100;

// The JSON of a form, by the names that the server's gateway reads too (`web/src/form.rs`).
export function bodyOf(form, submitter) {
  const body = {};
  for (const [name, value] of new FormData(form, submitter)) {
    if (name.startsWith("_")) continue;
    const [key, kind = "text"] = name.split(":");
    if (kind === "number") body[key] = value === "" ? null : Number(value);
    else if (kind === "bool") body[key] = body[key] === true || value === "on";
    else body[key] = value;
  }
  return body;
}

export class Desk {
  #chat;
  #root;
  #held;
  #actions;
  #requests;

  constructor(chat, root) {
    this.#chat = chat;
    this.#root = root;
    this.#held = root.querySelector("[data-held-list]");
    this.#actions = root.querySelector("[data-actions-list]");
    this.#requests = root.querySelector("[data-requests-list]");
    root.addEventListener("submit", (event) => this.#submit(event));
    root.addEventListener("keydown", (event) => this.#key(event));
    this.#count();
  }

  apply(changes) {
    for (const change of changes) {
      if (change.do === "held") this.#hold(change.held);
      else if (change.do === "resolved") this.#take(`held-${change.id}`);
      else if (change.do === "action") this.#act(change.action);
    }
  }

  #hold(held) {
    if (document.getElementById(`held-${held.id}`)) return;
    const { t, lines, data } = this.#chat;
    const decide = (allow) => el("button", { class: "button", name: "allow:bool", value: allow ? "on" : "", "aria-keyshortcuts": allow ? "A" : "D" }, t(allow ? "allow" : "deny"));
    const call = `POST channels/${data.channel}/chat/held/${step(held.id)}`;
    const form = el("form", { method: "post", class: "actions" }, el("input", { type: "hidden", name: "_call", value: call }), decide(true), decide(false));
    const text = el("p", {}, ...lines.author(held.message.author), ": ", ...lines.parts(held.message));
    const why = el("p", { class: "muted" }, held.reason);
    this.#held.append(el("li", { class: "desk-item", id: `held-${held.id}`, tabindex: 0 }, text, why, form));
    this.#count();
  }

  #act(action) {
    const { t } = this.#chat;
    const line = sentence(t, action);
    if (line !== "" && !document.getElementById(`action-${action.revision}`)) {
      const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
      const time = el("time", { class: "muted", datetime: new Date(action.at_ms).toISOString() }, clock.format(action.at_ms));
      this.#actions.prepend(el("li", { id: `action-${action.revision}` }, time, " ", line));
      while (this.#actions.children.length > MAX_ACTIONS) this.#actions.lastElementChild.remove();
      this.#count();
    }
    if (action.act === "unban_answered") this.#take(`request-${action.id}`);
    if (action.act === "unban_requested") this.#ask();
    if (action.act === "hold_resolved") this.#take(`held-${action.id}`);
    if (action.act === "shield") this.#shield(action.on);
  }

  // Somebody asks to be let back in.
  async #ask() {
    const { api, t, data, tell } = this.#chat;
    try {
      const { items } = await api.call("GET", "chat/unban-requests");
      for (const request of items) {
        if (document.getElementById(`request-${request.id}`)) continue;
        const call = `PUT channels/${data.channel}/chat/unban-requests/${step(request.id)}`;
        const answer = el("input", { name: "answer", maxlength: 500, "aria-label": t("answer"), placeholder: t("answer") });
        const decide = (approve) => el("button", { class: "button", name: "approve:bool", value: approve ? "on" : "" }, t(approve ? "approve" : "deny"));
        const form = el("form", { method: "post", class: "actions" }, el("input", { type: "hidden", name: "_call", value: call }), answer, decide(true), decide(false));
        const name = request.user.display_name || request.user.login;
        this.#requests.append(el("li", { class: "desk-item", id: `request-${request.id}` }, el("p", {}, el("strong", {}, name), `: ${request.text}`), form));
      }
      this.#count();
    } catch (error) {
      tell(error.message);
    }
  }

  #shield(on) {
    const button = this.#root.querySelector("[data-shield]");
    button.setAttribute("aria-pressed", String(on));
    button.textContent = this.#chat.t(on ? "shield_off" : "shield_on");
    button.value = on ? "" : "on";
  }

  // Of the list, with the keyboard going on to what comes next.
  #take(id) {
    const item = document.getElementById(id);
    if (!item) return;
    const next = item.nextElementSibling ?? item.previousElementSibling;
    const focused = item.contains(document.activeElement);
    item.remove();
    if (focused) next?.focus();
    this.#count();
  }

  #count() {
    for (const list of this.#root.querySelectorAll("ol")) {
      const empty = this.#root.querySelector(`[data-empty="${list.id}"]`);
      if (empty) empty.hidden = list.children.length > 0;
    }
    const count = this.#root.querySelector("[data-held-count]");
    if (count) count.textContent = this.#held.children.length;
  }

  async #submit(event) {
    // What is written to the chat has its own way.
    if (event.defaultPrevented) return;
    const form = event.target;
    const call = form.querySelector("input[name=_call]")?.value.split(" ");
    if (!call) return;
    event.preventDefault();
    event.stopPropagation();
    const { api, tell, t } = this.#chat;
    const body = bodyOf(form, event.submitter);
    try {
      await api.send(call[0], call[1], Object.keys(body).length > 0 ? body : undefined);
      const item = form.closest(".desk-item");
      if (item) this.#take(item.id);
      else tell(t("saved"), true);
      if (form.contains(event.submitter) && event.submitter?.dataset.shield !== undefined) this.#shield(body.on);
    } catch (error) {
      tell(error.message);
    }
  }

  // A allows and D denies what is focused in the queue; the arrows go through it.
  #key(event) {
    const item = event.target.closest(".desk-item");
    if (!item || event.target !== item || event.ctrlKey || event.metaKey || event.altKey) return;
    const way = { ArrowDown: item.nextElementSibling, ArrowUp: item.previousElementSibling }[event.key];
    if (way) {
      event.preventDefault();
      way.focus();
      return;
    }
    const wanted = { a: "on", d: "" }[event.key.toLowerCase()];
    const button = [...item.querySelectorAll('button[name="allow:bool"]')].find(({ value }) => value === wanted);
    if (!button) return;
    event.preventDefault();
    button.click();
  }
}

// What was done, in one sentence.
export function sentence(t, action) {
  const by = action.by.display_name || action.by.login || t("server");
  const user = action.user?.display_name || action.user?.login || "";
  const key = action.act === "ban" && action.until_ms !== undefined ? "timeout" : action.act;
  const on = { shield: action.on, hold_resolved: action.allowed, unban_answered: action.approved, network: action.banned }[action.act];
  const which = on === undefined ? "" : on ? "_yes" : "_no";
  const said = t(`act_${key}${which}`, { by, user, channel: action.display_name || action.channel });
  if (said === `act_${key}${which}`) return "";
  const more = action.reason || action.text || action.message?.text || action.poll?.question;
  return more ? `${said}: ${more}` : said;
}
