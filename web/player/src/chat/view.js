// The list of lines on the page: changed once a frame however much happens, never longer than the
// model's, and left alone while somebody reads.

import { span } from "./dom.js";

// So near to its end it counts as read to the end.
const NEAR_PX = 48;
// Above so many messages in the window, they are summed up instead of read out.
const LOUD = 10;
const WINDOW_MS = 10_000;
const SUMMARY_MS = 20_000;

export class View {
  #model;
  #lines;
  #t;
  #stage;
  #log;
  #list;
  #newer;
  #status;
  #nodes = new Map();
  #changed = new Set();
  #isReset = false;
  #frame;
  #paused = new Set();
  #times = [];
  #unsaid = 0;
  #summary = 0;

  constructor({ stage, model, lines, t }) {
    this.#model = model;
    this.#lines = lines;
    this.#t = t;
    this.#stage = stage;
    this.#log = stage.querySelector(".chat-log");
    this.#list = this.#log.querySelector("ol");
    this.#newer = stage.querySelector(".chat-newer");
    this.#status = stage.querySelector(".chat-status");
    this.#watch();
    this.#end();
  }

  get log() {
    return this.#log;
  }

  apply(changes) {
    for (const change of changes) {
      if (change.do === "reset") this.#isReset = true;
      else if (change.do === "change") this.#changed.add(change.line);
      else if (change.do === "add") this.#count(change.line);
      else if (change.do !== "drop") continue;
      this.#frame ??= requestAnimationFrame(() => this.#flush());
    }
    // Nothing is drawn while the page is out of sight.
    if (this.#changed.size > 2 * this.#model.lines.length) this.#isReset = true;
    if (this.#isReset) this.#changed.clear();
  }

  // Draws everything anew: names and badges may look different.
  redraw() {
    this.#isReset = true;
    this.#frame ??= requestAnimationFrame(() => this.#flush());
  }

  // Goes on with the newest.
  follow() {
    this.#paused.clear();
    if (this.#list.contains(document.activeElement)) document.activeElement.blur();
    this.#flush();
  }

  lineOf(element) {
    const key = element?.closest(".chat-line")?.dataset.key;
    return key === undefined ? undefined : this.#model.line(key);
  }

  nodeOf(line) {
    return this.#nodes.get(line.key);
  }

  // The next line with something to do, from `node` on.
  neighbour(node, back) {
    let next = node;
    do next = back ? next?.previousElementSibling : next?.nextElementSibling;
    while (next && next.tabIndex !== -1);
    return next;
  }

  last() {
    const last = this.#list.lastElementChild;
    return last?.hasAttribute("tabindex") ? last : this.neighbour(last, true);
  }

  #flush() {
    cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    if (this.#isReset) {
      this.#isReset = false;
      this.#nodes = new Map(this.#model.lines.map((line) => [line.key, this.#lines.of(line)]));
      this.#list.replaceChildren(...this.#nodes.values());
    }
    for (const line of this.#changed) {
      const old = this.#nodes.get(line.key);
      if (!old) continue;
      const node = this.#lines.of(line);
      const focused = old === document.activeElement;
      old.replaceWith(node);
      this.#nodes.set(line.key, node);
      if (focused) node.focus();
    }
    this.#changed.clear();
    if (this.#paused.size > 0) this.#offer();
    else this.#sync();
  }

  // What the model has is what is shown.
  #sync() {
    const kept = new Set(this.#model.lines.map((line) => line.key));
    for (const [key, node] of this.#nodes) {
      if (kept.has(key)) continue;
      node.remove();
      this.#nodes.delete(key);
    }
    const fresh = document.createDocumentFragment();
    for (const line of this.#model.lines) {
      if (this.#nodes.has(line.key)) continue;
      const node = this.#lines.of(line);
      this.#nodes.set(line.key, node);
      fresh.append(node);
    }
    if (fresh.firstChild) this.#list.append(fresh);
    this.#newer.hidden = true;
    this.#end();
  }

  #end() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #offer() {
    const waiting = this.#model.lines.filter((line) => !this.#nodes.has(line.key)).length;
    this.#newer.hidden = waiting === 0 && !this.#paused.has("scroll");
    this.#newer.textContent = waiting === 0 ? this.#t("to_the_end") : this.#t(waiting === 1 ? "one_newer" : "newer", { n: waiting });
  }

  #pause(why) {
    this.#paused.add(why);
  }

  #resume(why) {
    // Not at once: drawing may itself have taken the focus away.
    if (this.#paused.delete(why) && this.#paused.size === 0) this.#frame ??= requestAnimationFrame(() => this.#flush());
  }

  #watch() {
    const log = this.#log;
    log.addEventListener("scroll", () => {
      const near = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
      if (near) this.#resume("scroll");
      else {
        this.#pause("scroll");
        this.#offer();
      }
    }, { passive: true });
    this.#stage.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && this.#pause("hover"));
    this.#stage.addEventListener("pointerleave", () => this.#resume("hover"));
    this.#stage.addEventListener("focusin", ({ target }) => target.matches(".chat-line:focus-visible, .chat-tools *") && this.#pause("focus"));
    this.#stage.addEventListener("focusout", () => this.#resume("focus"));
    this.#newer.addEventListener("click", () => this.follow());
    new ResizeObserver(() => this.#paused.size === 0 && this.#end()).observe(log);
    setInterval(() => this.#tick(), 1000);
  }

  #tick() {
    const now = Date.now();
    for (const countdown of this.#list.querySelectorAll("[data-until]")) {
      const left = Number(countdown.dataset.until) - now;
      if (left > 0) countdown.textContent = span(this.#t, left);
      else countdown.remove();
    }
    this.#times = this.#times.filter((at) => at > now - WINDOW_MS);
    const loud = this.#times.length > LOUD;
    this.#log.setAttribute("aria-live", loud ? "off" : "polite");
    if (!loud) this.#unsaid = 0;
    else if (now - this.#summary >= SUMMARY_MS) {
      this.#status.textContent = this.#t("summary", { n: this.#unsaid });
      this.#unsaid = 0;
      this.#summary = now;
    }
  }

  #count(line) {
    if (!line.message) return;
    this.#unsaid += 1;
    this.#times.push(Date.now());
    if (this.#times.length > 10 * LOUD) this.#times.shift();
  }
}
