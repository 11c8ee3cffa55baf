// Targets: where the picture is sent. A key is written once and shown to nobody again.

import { attempt } from "./attempt.js";
import { merge } from "./changes.js";
import { button, calmly, el, freeId, sign, words } from "./dom.js";
import { Form, patchOf } from "./form.js";

export class Outputs {
  #new = {};
  #all = [];

  constructor(root, air, { api, schemas, failed }) {
    Object.assign(this, { air, api, failed });
    this.list = el("ul", { class: "cards" });
    this.fields = el("div", { class: "form" });
    this.schema = schemas.body("/v1/outputs/{id}", "put");
    const fields = { id: { type: "string", description: "A name of your own" }, ...this.schema.properties };
    this.blank = { platform: schemas.sample(fields.platform), on: true };
    this.#new = { ...this.blank };
    this.form = new Form(this.fields, schemas, { change: (path, value) => this.#change(path, value), secret: ["key"] });
    this.show = () => this.form.show([{ title: "Add an output", fields, open: true }], this.#new);
    const add = el("form", { class: "adding", on: { submit: (event) => {
      event.preventDefault();
      this.#add();
    } } }, this.fields, el("button", { type: "submit", class: "primary" }, "Add output"));
    this.draw = calmly(this.list, () => this.#draw());
    root.append(this.list, add);
    this.show();
  }

  #change(path, value) {
    const before = path.reduce((inner, key) => inner?.[key], this.#new);
    this.#new = merge(this.#new, patchOf(this.#new, path, value));
    // What is switched on or off adds or removes a control; what is typed does not.
    const typed = document.activeElement?.dataset.typed;
    if (!typed && (before === undefined || value === null)) this.show();
  }

  async read() {
    this.#all = await this.api.get("v1/outputs");
    this.draw();
  }

  #draw() {
    const focused = document.activeElement?.closest?.(".cards [data-key]")?.dataset.key;
    const rows = this.#all.map((output) => this.#row(output));
    this.list.replaceChildren(...(rows.length > 0 ? rows : [el("li", { class: "empty" }, "The picture is sent nowhere yet.")]));
    if (focused) this.list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    const live = this.#all.filter(({ state }) => state === "live").length;
    const wanted = this.#all.filter(({ on }) => on).length;
    this.air.textContent = live > 0 ? `On air: ${live} of ${wanted}` : wanted > 0 ? "Not on air yet" : "Off air";
    this.air.classList.toggle("live", live > 0);
  }

  #row({ id, platform, url, on, encode, state, reason, seconds, bytes, dropped_pictures: dropped, given }) {
    const toggle = button(on ? "Stop" : "Start", () => attempt(this, () => this.api.post(`v1/outputs/${id}/${on ? "stop" : "start"}`)), { "aria-label": `${on ? "Stop" : "Start"} ${id}`, data: { key: `toggle ${id}` } });
    // What a setting gives cannot be removed here.
    const remove = !given && sign("✕", `Remove ${id}`, () => attempt(this, () => this.api.delete(`v1/outputs/${id}`)), { data: { key: `remove ${id}` } });
    const why = reason && el("span", { class: "why" }, `${reason}${seconds ? `; again in ${seconds} s` : ""}`);
    const sent = on && bytes > 0 && el("span", {}, `${(bytes / 1024 / 1024).toFixed(1)} MiB sent${dropped ? `, ${dropped} pictures dropped` : ""}`);
    const own = encode && encode !== "main" && el("span", { class: "encode" }, `Its own picture: ${encode}`);
    return el("li", { class: "card", data: { id } },
      el("div", { class: "card-text" }, el("strong", {}, id), el("span", {}, `${words(platform)}, ${url}`), el("span", { class: `state ${state}` }, words(state)), why, own, sent),
      el("div", { class: "tools" }, toggle, remove));
  }

  async #add() {
    const { id, ...output } = this.#new;
    const name = id || freeId(output.platform, new Set(this.#all.map((own) => own.id)));
    try {
      await this.api.put(`v1/outputs/${encodeURIComponent(name)}`, output);
      this.#new = { ...this.blank };
      this.form.clear();
      document.activeElement?.blur();
      this.show();
      await this.read();
    } catch (error) {
      const missing = /missing field `(\w+)`/.exec(error.message)?.[1];
      const path = (error.field || missing || "").split(/[./]/).filter(Boolean);
      if (!this.form.fail(path, error.message)) this.failed(error);
    }
  }
}
