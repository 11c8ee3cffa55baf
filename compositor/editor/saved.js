// Saved scenes: the live one is kept under a name, and made the live one again.

import { button, el, sign } from "./dom.js";

export class Saved {
  constructor(root, { api, failed, say }) {
    Object.assign(this, { api, failed, say });
    this.name = el("input", { id: "scene-name", autocomplete: "off", placeholder: "intermission" });
    this.error = el("p", { class: "error", role: "alert" });
    this.list = el("ul", { class: "cards" });
    const form = el("form", { class: "inline", on: { submit: (event) => {
      event.preventDefault();
      this.#save(this.name.value.trim());
    } } }, el("div", { class: "field wide" }, el("label", { for: "scene-name" }, "Save the live scene as"), this.name, this.error), el("button", { type: "submit", class: "primary" }, "Save"));
    root.append(form, this.list);
  }

  async read() {
    const scenes = await this.api.get("v1/scenes");
    const rows = scenes.map(({ id, layers }) => {
      const recall = button("Recall", () => this.#do(() => this.api.post(`v1/scenes/${id}/recall`), `“${id}” is live.`), { "aria-label": `Recall ${id}` });
      const update = button("Overwrite", () => this.#save(id), { "aria-label": `Overwrite ${id}`, class: "quiet" });
      const remove = sign("✕", `Delete ${id}`, () => this.#do(() => this.api.delete(`v1/scenes/${id}`)));
      return el("li", { class: "card" }, el("div", { class: "card-text" }, el("strong", {}, id), el("span", {}, `${layers} layer${layers === 1 ? "" : "s"}`)), el("div", { class: "tools" }, recall, update, remove));
    });
    this.list.replaceChildren(...(rows.length > 0 ? rows : [el("li", { class: "empty" }, "No scene was saved yet.")]));
  }

  async #save(id) {
    this.error.textContent = "";
    try {
      await this.api.put(`v1/scenes/${encodeURIComponent(id)}`);
      this.name.value = "";
      this.say(`Saved as “${id}”.`);
      await this.read();
    } catch (error) {
      this.error.textContent = error.message;
      this.name.focus();
    }
  }

  async #do(work, done) {
    try {
      await work();
      if (done) this.say(done);
      await this.read();
    } catch (error) {
      this.failed(error);
    }
  }
}
