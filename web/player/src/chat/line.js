// One line of the chat as an element: a message, or a note between messages.

import { step } from "./api.js";
import { el, span } from "./dom.js";
import { mentions, partsOf } from "./text.js";

const EMOTE_PX = 28;
const still = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)");

// `alt` is empty where the code stands beside it.
export function emote(id, code, alt = code) {
  const at = (size) => `/emotes/${step(id)}/${size}`;
  const srcset = `${at(1)} 1x, ${at(2)} 2x, ${at(3)} 4x`;
  const picture = el("img", { class: "emote", src: at(1), srcset, height: EMOTE_PX, alt, title: code, loading: "lazy", decoding: "async" });
  if (still?.matches) picture.addEventListener("load", () => freeze(picture), { once: true });
  return picture;
}

// The first picture of what moves, for those who want nothing to move.
function freeze(picture) {
  const frame = el("canvas", { class: "emote", role: "img", "aria-label": picture.alt, title: picture.title });
  frame.width = picture.naturalWidth;
  frame.height = picture.naturalHeight;
  frame.getContext("2d").drawImage(picture, 0, 0);
  picture.replaceWith(frame);
}

export class Lines {
  #t;
  #colors;
  #model;
  #clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  // Badges of the channel's own, by id.
  badges = new Map();

  constructor(t, colors, model) {
    this.#t = t;
    this.#colors = colors;
    this.#model = model;
  }

  of(line) {
    if (line.note) return this.#note(line);
    if (line.command !== undefined) return this.#command(line);
    const { message } = line;
    const item = el("li", { class: "chat-line", "data-key": line.key, tabindex: -1 });
    const own = message.author.id !== undefined && message.author.id === this.#model.you?.id;
    item.classList.toggle("chat-own", own);
    item.classList.toggle("chat-mention", !own && mentions(message, this.#model.you?.login));
    item.classList.toggle("chat-deleted", line.deleted === true);
    item.classList.toggle("chat-pending", line.state === "pending");
    item.classList.toggle("chat-refused", line.state === "refused");
    if (message.announcement) {
      item.classList.add("chat-announcement");
      item.dataset.color = message.announcement;
      item.append(el("p", { class: "chat-label" }, this.#t("announcement")));
    }
    if (message.first && this.#model.moderates) item.append(el("p", { class: "chat-label" }, this.#t("first")));
    if (message.reply_to && !line.deleted) item.append(this.#quote(message.reply_to));
    item.append(this.#time(message.at_ms), ...this.author(message.author));
    item.append(message.action ? " " : el("span", { class: "chat-colon" }, ": "), this.#text(line));
    if (line.state === "held") item.append(el("p", { class: "chat-why" }, this.#t("code_held")));
    if (line.state === "refused") item.append(this.#refusal(line));
    return item;
  }

  // Badges and name.
  author(author) {
    const badges = (author.badges ?? []).map((badge) => this.#badge(badge)).filter(Boolean);
    const name = el("button", { type: "button", class: "chat-name", tabindex: -1, "data-login": author.login }, author.display_name || author.login);
    name.style.color = this.#colors.of(author);
    return badges.length > 0 ? [el("span", { class: "chat-badges" }, ...badges), name] : [name];
  }

  #badge({ kind, version }) {
    if (kind === "custom") {
      const own = this.badges.get(version);
      if (!own) return undefined;
      const at = (size) => `/emotes/${step(own.picture)}/${size}`;
      return el("img", { class: "chat-badge-picture", src: at(1), srcset: `${at(1)} 1x, ${at(2)} 2x`, width: 18, height: 18, alt: own.title, title: own.title });
    }
    const name = this.#t(`badge_${kind}`, { n: version });
    return el("span", { class: "chat-badge", "data-kind": kind, role: "img", "aria-label": name, title: name });
  }

  #time(ms) {
    return el("time", { class: "chat-time", datetime: new Date(ms).toISOString() }, this.#clock.format(ms));
  }

  #quote(quote) {
    const name = quote.display_name || quote.login;
    return el("p", { class: "chat-quote" }, `${this.#t("reply_to", { name })} ${quote.text}`);
  }

  #text({ message, deleted }) {
    const text = el("span", { class: "chat-text" });
    if (deleted && !this.#model.moderates) {
      text.append(el("em", {}, this.#t("deleted")));
      return text;
    }
    text.append(...this.parts(message));
    text.classList.toggle("chat-action", message.action === true);
    if (deleted) text.append(" ", el("em", {}, this.#t("deleted_mark")));
    return text;
  }

  parts(message) {
    return partsOf(message).map((part) => {
      switch (part.kind) {
        case "emote":
          return emote(part.id, part.text);
        case "link":
          return el("a", { href: part.href, target: "_blank", rel: "noopener nofollow ugc" }, part.text);
        case "mention":
          return el("span", { class: part.login === this.#model.you?.login ? "chat-at chat-at-me" : "chat-at" }, part.text);
        default:
          return part.text;
      }
    });
  }

  reason({ code, detail }) {
    const known = this.#t(`code_${code}`);
    return known === `code_${code}` ? detail : known;
  }

  #refusal(line) {
    const why = el("p", { class: "chat-why", role: "alert" }, `${this.#t("not_sent")} ${this.reason(line.refusal)} `);
    const left = line.until === undefined ? 0 : line.until - Date.now();
    if (left > 0) why.append(el("span", { class: "chat-countdown", "data-until": line.until }, span(this.#t, left)), " ");
    why.append(el("button", { type: "button", class: "chat-link", "data-again": line.key }, this.#t("edit_again")));
    return why;
  }

  #command(line) {
    const item = el("li", { class: "chat-line chat-note", "data-key": line.key }, line.frame.text);
    if (line.state === "refused") item.append(this.#refusal(line));
    return item;
  }

  #note(line) {
    return el("li", { class: "chat-line chat-note", "data-key": line.key, "data-note": line.note }, this.#t(`note_${line.note}`, line.values));
  }
}
