// The properties of what is selected: a form made of the schema of its kind. Nothing selected: the canvas.

import { Form, patchOf } from "./form.js";
import { difference } from "./changes.js";
import { el, words } from "./dom.js";
import { nameOf } from "./layers.js";

// What a person looks for first. Fields that a new kind brings are in a group of their own anyway.
const PLACE = ["transform"];
// Changed by other means, or told from the rest by them.
const ELSEWHERE = ["id", "kind", "parent", "visible"];
// While somebody types: not each letter.
const TYPING_MS = 150;

export class Inspector {
  #timers = new Map();

  constructor(root, { scene, selection, schemas, kinds, files, edit }) {
    Object.assign(this, { scene, selection, kinds, edit });
    this.title = el("h3", { class: "subject" });
    this.fields = el("div", { class: "form" });
    root.append(this.title, this.fields);
    const suggestions = (name) => {
      const layers = scene.document.layers.map(({ id }) => id);
      return { asset: files.pictures, picture: files.pictures, layer: layers, source: files.sounds }[name] ?? [];
    };
    this.form = new Form(this.fields, schemas, { change: (path, value) => this.#change(path, value), suggestions });
    scene.addEventListener("change", () => this.draw());
    selection.addEventListener("change", () => this.draw());
  }

  draw() {
    const { ids, only } = this.selection;
    const layer = this.scene.layer(only);
    const seen = JSON.stringify([ids, layer ?? this.scene.document.background]);
    if (seen === this.seen) return;
    this.seen = seen;
    if (layer) return this.#layer(layer);
    this.title.textContent = ids.length > 1 ? `${ids.length} layers` : "Canvas";
    if (ids.length > 1) return this.form.show([], {});
    const { width, height, background } = this.scene.document;
    const fields = { background: { $ref: "#/components/schemas/Color" } };
    this.form.show([{ title: `${width} × ${height}`, fields, open: true }], { background });
  }

  #layer(layer) {
    this.title.textContent = `${nameOf(layer)} (${layer.kind})`;
    const shared = Object.entries(this.kinds.shared(layer.kind)).filter(([name]) => !ELSEWHERE.includes(name));
    const place = shared.filter(([name]) => PLACE.includes(name));
    const look = shared.filter(([name]) => !PLACE.includes(name));
    this.form.show(
      [
        { title: words(layer.kind), fields: this.kinds.own(layer.kind), open: true },
        { title: "Place", fields: Object.fromEntries(place), open: true },
        { title: "Look", fields: Object.fromEntries(look), open: true },
      ],
      layer,
    );
  }

  #change(path, value) {
    const key = path.join("/");
    clearTimeout(this.#timers.get(key));
    const { only } = this.selection;
    this.#timers.set(key, setTimeout(() => this.#send(only, path, value), TYPING_MS));
  }

  async #send(id, path, value) {
    this.form.clear();
    const layer = this.scene.layer(id);
    if (!layer) return void this.edit.change([{ op: "canvas", background: value }], { about: "canvas" });
    const own = path.reduce((inner, key) => inner?.[key], layer);
    const isPlain = (given) => typeof given === "object" && given !== null && !Array.isArray(given);
    const next = isPlain(value) && isPlain(own) ? difference(own, value) : value;
    const patch = patchOf(layer, path, next);
    const failed = (error) => this.form.fail(error.field.split("/").filter(Boolean).slice(3), error.message);
    let beside = false;
    const show = (error) => (beside = failed(error));
    const done = await this.edit.change([{ op: "update", id, patch }], { about: `${id} ${path.join("/")}`, failed: show });
    if (done || beside) return;
    // It is not what was typed: what it is now is to be seen.
    this.form.forget();
    this.seen = null;
    this.draw();
  }
}
