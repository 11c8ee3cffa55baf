// The list of layers, the foremost first: select, hide, lock, reorder, group.

import { button, calmly, el, freeId, sign } from "./dom.js";
import { icon } from "./icons.js";
import { branch, inside, parentOf } from "./changes.js";
import { boxOf, released } from "./geometry.js";

export const nameOf = (layer) => layer.name || layer.id;

export class Layers {
  #dragged = null;

  constructor(list, order, { scene, places, selection, edit }) {
    Object.assign(this, { list, order, scene, places, selection, edit });
    this.tools = this.#tools();
    order.append(...Object.values(this.tools));
    this.draw = calmly(list, () => this.#draw());
    scene.addEventListener("change", () => this.draw());
    selection.addEventListener("change", () => this.draw());
    list.addEventListener("pointermove", (event) => this.#over(event));
    list.addEventListener("pointerup", (event) => this.#drop(event));
    list.addEventListener("pointercancel", () => this.#dragged && this.#end());
  }

  #draw() {
    const focused = document.activeElement?.closest?.("#list [data-key]")?.dataset.key;
    const rows = this.places.frontToBack().map((layer) => this.#row(layer));
    const empty = el("li", { class: "empty" }, "No layers yet. Add one above, or drop a picture onto the canvas.");
    this.list.replaceChildren(...(rows.length > 0 ? rows : [empty]));
    if (focused) this.list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    const { ids, only } = this.selection;
    for (const tool of Object.values(this.tools)) tool.disabled = ids.length === 0;
    this.tools.ungroup.disabled = this.scene.layer(only)?.kind !== "group";
  }

  #row(layer) {
    const { id, kind, visible } = layer;
    const [selected, locked, name] = [this.selection.has(id), this.selection.isLocked(id), nameOf(layer)];
    const grip = el("span", { class: "grip", "aria-hidden": "true", title: "Drag to reorder", on: { pointerdown: (event) => this.#grab(event, id) } }, "⠿");
    const pick = el("button", {
      type: "button", class: "pick", "aria-pressed": String(selected), data: { key: `pick ${id}` },
      on: { click: (event) => (event.ctrlKey || event.shiftKey || event.metaKey ? this.selection.toggle(id) : this.selection.set([id])) },
    }, el("span", { class: "name" }, name), el("span", { class: "kind" }, kind));
    const eye = sign(icon(visible ? "eye" : "hidden"), `${visible ? "Hide" : "Show"} ${name}`, () => this.edit.change([{ op: "update", id, patch: { visible: !visible } }]), {
      "aria-pressed": String(visible), data: { key: `eye ${id}` },
    });
    const lock = sign(icon(locked ? "lock" : "open"), `${locked ? "Unlock" : "Lock"} ${name}`, () => this.selection.toggleLock(id), {
      "aria-pressed": String(locked), data: { key: `lock ${id}`, faint: !locked },
    });
    const row = el("li", { class: `row ${selected ? "selected" : ""} ${visible ? "" : "off"}`, data: { id } }, grip, pick, lock, eye);
    row.style.setProperty("--depth", this.places.depth(layer));
    return row;
  }

  #tools() {
    return {
      front: sign("⤒", "Bring to front", () => this.#shift(Infinity)),
      forward: sign("↑", "Bring forward", () => this.#shift(1)),
      backward: sign("↓", "Send backward", () => this.#shift(-1)),
      back: sign("⤓", "Send to back", () => this.#shift(-Infinity)),
      copy: button("Copy", () => this.copy()),
      group: button("Group", () => this.group()),
      ungroup: button("Ungroup", () => this.ungroup()),
      remove: button("Remove", () => this.remove(), { class: "danger" }),
    };
  }

  get #selected() {
    return this.selection.ids.map((id) => this.scene.layer(id)).filter(Boolean);
  }

  // The layers of a group from back to front, as they are drawn.
  #drawn(parent) {
    return inside(this.scene.document, parent).toSorted((a, b) => a.z - b.z);
  }

  // Changes that put `id` into `parent` as number `index` from the back.
  #reorder(id, parent, index) {
    const rest = this.#drawn(parent).filter((layer) => layer.id !== id);
    const layer = this.scene.layer(id);
    if (rest.every(({ z }) => z === layer.z)) return [{ op: "move", id, parent, index }];
    // What is told apart by `z` is told apart by its place from now on.
    const order = rest.toSpliced(index, 0, layer);
    const flat = order.filter(({ z }) => z !== 0).map((own) => ({ op: "update", id: own.id, patch: { z: 0 } }));
    return [...flat, ...order.map((own, n) => ({ op: "move", id: own.id, parent, index: n }))];
  }

  #shift(by) {
    const [layer] = this.#selected;
    if (!layer) return;
    const order = this.#drawn(parentOf(layer));
    const own = order.findIndex(({ id }) => id === layer.id);
    const index = Math.max(0, Math.min(order.length - 1, own + by));
    if (index !== own) this.edit.change(this.#reorder(layer.id, parentOf(layer), index));
  }

  remove() {
    const ids = this.places.topmost(this.selection.ids).filter((id) => this.scene.layer(id) && !this.selection.isLocked(id));
    if (ids.length > 0) this.edit.change(ids.map((id) => ({ op: "remove", id })));
  }

  async copy() {
    const taken = new Set(this.scene.document.layers.map(({ id }) => id));
    const copies = [];
    const changes = this.places.topmost(this.selection.ids).flatMap((id) => {
      const names = new Map();
      return branch(this.scene.document, id).map((layer, n) => {
        const own = freeId(layer.id.replace(/-\d+$/, ""), taken);
        taken.add(own);
        names.set(layer.id, own);
        if (n > 0) return { op: "add", layer: { ...layer, id: own, parent: names.get(layer.parent) } };
        copies.push(own);
        const { x, y } = layer.transform;
        return { op: "add", layer: { ...layer, id: own, transform: { ...layer.transform, x: x + 20, y: y + 20 } } };
      });
    });
    if (await this.edit.change(changes)) this.selection.set(copies);
  }

  async group() {
    const ids = this.places.topmost(this.selection.ids);
    const layers = this.places.frontToBack().filter(({ id }) => ids.includes(id)).reverse();
    if (layers.length === 0) return;
    const parent = parentOf(layers.at(-1));
    if (layers.some((layer) => parentOf(layer) !== parent)) {
      return this.edit.failed(new Error("Only layers of one and the same group can be grouped."));
    }
    const id = freeId("group", new Set(this.scene.document.layers.map((layer) => layer.id)));
    const own = { id, kind: "group", z: layers.at(-1).z, ...(parent ? { parent } : {}) };
    const moves = layers.flatMap((layer) => [
      { op: "move", id: layer.id, parent: id },
      ...(layer.z === 0 ? [] : [{ op: "update", id: layer.id, patch: { z: 0 } }]),
    ]);
    if (await this.edit.change([{ op: "add", layer: own }, ...moves])) this.selection.set([id]);
  }

  async ungroup() {
    const group = this.scene.layer(this.selection.only);
    if (group?.kind !== "group") return;
    const children = this.#drawn(group.id);
    const box = boxOf(group.transform, this.places.size(group));
    const at = inside(this.scene.document, parentOf(group)).findIndex(({ id }) => id === group.id);
    const moves = children.flatMap((layer, n) => {
      const { x, y, rotation, scale_x, scale_y } = released(layer.transform, group.transform, box);
      const patch = { transform: { x, y, rotation, scale_x, scale_y }, z: group.z };
      return [{ op: "move", id: layer.id, parent: parentOf(group), index: at + n }, { op: "update", id: layer.id, patch }];
    });
    if (await this.edit.change([...moves, { op: "remove", id: group.id }])) this.selection.set(children.map(({ id }) => id));
  }

  #grab(event, id) {
    event.preventDefault();
    this.#dragged = { id };
    this.list.setPointerCapture(event.pointerId);
  }

  #over(event) {
    if (!this.#dragged) return;
    const rows = [...this.list.querySelectorAll(".row")];
    rows.forEach((row) => row.classList.remove("above", "below", "into"));
    const row = rows.find((own) => event.clientY < own.getBoundingClientRect().bottom) ?? rows.at(-1);
    const { top, height } = row.getBoundingClientRect();
    const part = (event.clientY - top) / height;
    const layer = this.scene.layer(row.dataset.id);
    const into = layer?.kind === "group" && part > 0.3 && part < 0.7;
    const where = into ? "into" : part < 0.5 ? "above" : "below";
    row.classList.add(where);
    Object.assign(this.#dragged, { layer, where });
  }

  #drop() {
    if (!this.#dragged) return;
    const { id, layer, where } = this.#dragged;
    this.#end();
    if (!layer || layer.id === id) return;
    if (where === "into") return void this.edit.change(this.#reorder(id, layer.id, this.#drawn(layer.id).length));
    const rest = this.#drawn(parentOf(layer)).filter((own) => own.id !== id);
    const index = rest.findIndex((own) => own.id === layer.id) + (where === "above" ? 1 : 0);
    this.edit.change(this.#reorder(id, parentOf(layer), index));
  }

  #end() {
    this.#dragged = null;
    this.draw();
  }
}

