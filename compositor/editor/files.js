// Pictures and sound that were uploaded: put there, shown by a layer or played, removed.

import { attempt } from "./attempt.js";
import { button, el, freeId, sign } from "./dom.js";

const size = (bytes) => (bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`);

export class Files {
  #all = [];

  constructor(api) {
    this.api = api;
  }

  #of = (kind) => this.#all.filter((file) => file.kind === kind).map(({ id }) => id);

  get pictures() {
    return this.#of("picture");
  }

  get sounds() {
    return this.#of("sound");
  }

  // `place(id)` shows a picture, `play(id)` plays a sound, `failed` tells of errors.
  mount(root, { place, play, failed }) {
    Object.assign(this, { place, play, failed });
    this.list = el("ul", { class: "cards" });
    const input = el("input", { type: "file", id: "upload", multiple: true, accept: "image/*,audio/*", on: { change: async () => {
      for (const file of input.files) await this.upload(file);
      input.value = "";
    } } });
    root.append(el("div", { class: "field wide" }, el("label", { for: "upload" }, "Upload pictures or sound"), input), this.list);
  }

  async read() {
    this.#all = await this.api.get("v1/files");
    this.draw();
  }

  draw() {
    const rows = this.#all.map(({ id, kind, bytes }) => {
      const use = kind === "picture" ? button("Add as layer", () => this.place(id)) : button("Play", () => this.play(id));
      const remove = sign("✕", `Delete ${id}`, () => attempt(this, () => this.api.delete(`v1/files/${id}`)));
      return el("li", { class: "card" }, el("div", { class: "card-text" }, el("strong", {}, id), el("span", {}, `${kind}, ${size(bytes)}`)), el("div", { class: "tools" }, use, remove));
    });
    this.list.replaceChildren(...(rows.length > 0 ? rows : [el("li", { class: "empty" }, "Nothing was uploaded yet.")]));
  }

  // Answers the id of the file and whether it is a picture; nothing if it was refused.
  async upload(file) {
    const base = file.name.replace(/\.[^.]*$/, "");
    const id = freeId(base, new Set(this.#all.map((own) => own.id)));
    try {
      const answer = await this.api.fetch("PUT", `v1/files/${id}`, { body: file, type: file.type || "application/octet-stream" });
      const kept = await answer.json();
      await this.read();
      return kept;
    } catch (error) {
      this.failed(new Error(`${file.name}: ${error.message}`));
      return null;
    }
  }
}
