// What can be done to a message and to whoever said it: by the toolbar at the message, by its keys, and
// in the card of a person.

import { step } from "./api.js";
import { ask, button, choice, el, field, span } from "./dom.js";

const TIMEOUTS_S = [10, 60, 600, 3600, 86_400, 604_800, 1_209_600];
const DEFAULT_S = 600;
const MAX_REASON = 300;

export class Deeds {
  #chat;

  constructor(chat) {
    this.#chat = chat;
  }

  // Key, name and deed of what the person may do with a line.
  for(line) {
    const { t, model, composer } = this.#chat;
    if (!line?.message || line.deleted || line.state) return [];
    const { message } = line;
    const { author } = message;
    const all = [];
    if (composer && model.you?.may_say) all.push(["r", t("reply"), () => composer.reply(message)]);
    if (!model.moderates) return all;
    all.push(["d", t("delete"), () => this.remove(message)]);
    all.push(["p", t("pin"), () => this.#do("PUT", "chat/pin", { message_id: message.id })]);
    if (author.id === model.you?.id) return all;
    all.push(["t", t("timeout"), () => this.timeout(author)]);
    all.push(["b", t("ban"), () => this.ban(author)]);
    all.push(["w", t("warn"), () => this.warn(author)]);
    return all;
  }

  remove(message) {
    return this.#do("DELETE", `chat/messages/${step(message.id)}`);
  }

  async timeout(author) {
    const { t } = this.#chat;
    const times = TIMEOUTS_S.map((seconds) => [String(seconds), span(t, seconds * 1000)]);
    const time = field(t("how_long"), choice("seconds", times, String(DEFAULT_S)));
    const title = t("timeout_title", { name: nameOf(author) });
    const answer = await ask({ title, fields: [time, this.#reason()], act: t("timeout"), cancel: t("cancel"), danger: true });
    if (answer) await this.#ban(author, { seconds: Number(answer.seconds), reason: answer.reason });
  }

  async ban(author) {
    const { t } = this.#chat;
    const title = t("ban_title", { name: nameOf(author) });
    const answer = await ask({ title, fields: [this.#reason()], act: t("ban"), cancel: t("cancel"), danger: true });
    if (answer) await this.#ban(author, { reason: answer.reason });
  }

  async warn(author) {
    const { t } = this.#chat;
    const title = t("warn_title", { name: nameOf(author) });
    const answer = await ask({ title, fields: [this.#reason(true)], act: t("warn"), cancel: t("cancel") });
    if (answer) await this.#do("POST", `chat/warnings/${step(author.login)}`, { reason: answer.reason });
  }

  // Who somebody is, and for moderators what is known of them.
  async card(login) {
    const { t, model, api } = this.#chat;
    const said = model.lines.findLast((line) => line.message?.author.login === login)?.message;
    const name = said ? nameOf(said.author) : login;
    const body = el("div", { class: "stack" });
    const close = button(t("close"), () => dialog.close(), { class: "button button-quiet" });
    const dialog = el("dialog", { class: "chat-dialog", "aria-labelledby": "chat-card" }, el("h2", { id: "chat-card" }, name), body, close);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    body.append(el("p", { class: "muted" }, `@${login}`));
    if (!model.moderates) return;
    try {
      body.append(...this.#known(dialog, await api.call("GET", `chat/users/${step(login)}`)));
    } catch (error) {
      body.append(el("p", { class: "field-error" }, error.message));
    }
  }

  #known(dialog, chatter) {
    const { t, lines, data } = this.#chat;
    const person = chatter.user;
    const then = (deed) => () => {
      dialog.close();
      deed();
    };
    const day = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium" });
    const facts = [t("account_since", { date: day.format(chatter.created_at_ms) })];
    if (chatter.follows_since_ms !== undefined) facts.push(t("follows_since", { date: day.format(chatter.follows_since_ms) }));
    if (chatter.ban) {
      const state = chatter.ban.until_ms === undefined ? t("is_banned") : t("is_timed_out");
      facts.push(chatter.ban.reason ? `${state}: ${chatter.ban.reason}` : state);
    }
    const deeds = el("div", { class: "actions" });
    if (person.id !== this.#chat.model.you?.id) {
      deeds.append(button(t("timeout"), then(() => this.timeout(person))), button(t("ban"), then(() => this.ban(person))));
      deeds.append(button(t("warn"), then(() => this.warn(person))));
      if (chatter.ban) deeds.append(button(t("unban"), then(() => this.#do("DELETE", `chat/bans/${step(person.login)}`))));
    }
    const message = (it) => {
      const text = el("li", { class: it.deleted ? "chat-deleted" : "" }, el("span", { class: "chat-text" }, ...lines.parts(it)));
      if (it.deleted) text.append(" ", el("em", {}, t("deleted_mark")));
      return text;
    };
    const said = el("ol", { class: "chat-said", tabindex: 0, "aria-label": t("messages") }, ...chatter.messages.slice(0, 30).map(message));
    const notes = chatter.notes.map((note) => el("p", { class: "desk-item" }, `${note.text} — ${note.by}`));
    const all = el("a", { href: `/dashboard/${data.channel}/moderation/${step(person.login)}`, target: "_blank" }, t("everything_known"));
    return [el("p", {}, facts.join(" · ")), deeds, ...notes, said, el("p", {}, all)];
  }

  #reason(required = false) {
    return field(this.#chat.t("reason"), el("input", { name: "reason", maxlength: MAX_REASON, autocomplete: "off", required }));
  }

  #ban({ login }, body) {
    return this.#do("PUT", `chat/bans/${step(login)}`, body);
  }

  async #do(method, path, body) {
    try {
      await this.#chat.api.call(method, path, body);
    } catch (error) {
      this.#chat.tell(error.message);
    }
  }
}

const nameOf = ({ display_name, login }) => display_name || login;

// The toolbar at the line that is pointed at or focused. There is one, and it wanders.
export class Toolbar {
  #chat;
  #deeds;
  #stage;
  #bar;
  #line;

  constructor(chat, deeds, stage) {
    this.#chat = chat;
    this.#deeds = deeds;
    this.#stage = stage;
    this.#bar = el("div", { class: "chat-tools", role: "toolbar", hidden: true });
    stage.append(this.#bar);
    const { log } = chat.view;
    log.addEventListener("pointerover", ({ target, pointerType }) => pointerType === "mouse" && this.#show(target));
    log.addEventListener("click", ({ target }) => this.#click(target));
    log.addEventListener("focusin", ({ target }) => this.#show(target));
    log.addEventListener("scroll", () => this.#hide(), { passive: true });
    log.addEventListener("keydown", (event) => this.#key(event));
    stage.addEventListener("pointerleave", () => this.#bar.contains(document.activeElement) || this.#hide());
    stage.addEventListener("focusout", ({ relatedTarget }) => stage.contains(relatedTarget) || this.#hide());
    this.#bar.addEventListener("keydown", (event) => this.#within(event));
  }

  #show(target) {
    const { view } = this.#chat;
    const line = view.lineOf(target);
    if (line === this.#line && !this.#bar.hidden) return;
    const deeds = this.#deeds.for(line);
    if (deeds.length === 0) return this.#hide();
    this.#line = line;
    const one = ([key, name, deed], index) =>
      button(name, () => this.#run(deed), { class: "chat-tool", tabindex: index === 0 ? 0 : -1, "aria-keyshortcuts": key.toUpperCase(), title: `${name} (${key.toUpperCase()})` });
    this.#bar.replaceChildren(...deeds.map(one));
    this.#bar.setAttribute("aria-label", this.#chat.t("tools", { name: nameOf(line.message.author) }));
    this.#bar.hidden = false;
    const node = view.nodeOf(line);
    const top = node.offsetTop - view.log.scrollTop - this.#bar.offsetHeight + 6;
    this.#bar.style.top = `${Math.max(2, top)}px`;
  }

  #hide() {
    this.#bar.hidden = true;
    this.#line = undefined;
  }

  #run(deed) {
    this.#hide();
    deed();
  }

  #click(target) {
    const name = target.closest(".chat-name");
    if (name) return this.#deeds.card(name.dataset.login);
    const again = target.closest("[data-again]");
    if (again) return this.#chat.again(again.dataset.again);
    // By touch there is no pointing without a click.
    this.#show(target);
  }

  // Keys of a focused message.
  #key(event) {
    const { view, composer } = this.#chat;
    const node = event.target.closest(".chat-line");
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      const next = node ? view.neighbour(node, event.key === "ArrowUp") : view.last();
      if (next) next.focus();
      else if (node && event.key === "ArrowDown") composer?.focus();
      return;
    }
    if (!node || event.target !== node) return;
    if (event.key === "Escape") return composer?.focus();
    if (event.key === "Enter") {
      event.preventDefault();
      this.#show(node);
      return this.#bar.querySelector("button")?.focus();
    }
    if (event.key === "u") return this.#deeds.card(view.lineOf(node)?.message?.author.login);
    const deed = this.#deeds.for(view.lineOf(node)).find(([key]) => key === event.key);
    if (!deed) return;
    event.preventDefault();
    this.#run(deed[2]);
  }

  #within(event) {
    const buttons = [...this.#bar.children];
    const at = buttons.indexOf(document.activeElement);
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (way) {
      event.preventDefault();
      buttons[(at + way + buttons.length) % buttons.length].focus();
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.#chat.view.nodeOf(this.#line)?.focus();
    }
  }
}
