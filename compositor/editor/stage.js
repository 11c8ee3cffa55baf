// The picture, and what a hand does on it: select, move, resize, turn, drop files.

import { svg, el } from "./dom.js";
import { at, boundsOf, cornersOf, inverse, isIn, moved, resized, rotated, snapped } from "./geometry.js";

// In pixels of the screen.
const HANDLE = 6;
const REACH = 8;
const TURN = 28;
const SLACK = 3;

const HANDLES = [[-1, -1], [0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0]];

export class Stage {
  #hold = null;

  // `edit` does what has to be told of: `gesture`, `change`, `failed`, `dropped`.
  constructor(root, { scene, picture, places, selection, edit }) {
    Object.assign(this, { root, scene, picture, places, selection, edit });
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.overlay = svg("svg", { "aria-hidden": "true" });
    this.frame = el("div", {
      class: "frame", tabIndex: 0, role: "application",
      "aria-label": "Picture. Arrow keys move the selected layers, with Shift by ten pixels; Delete removes them; Escape selects none.",
    }, this.canvas, this.overlay);
    root.append(this.frame);
    this.frame.addEventListener("pointerdown", (event) => this.#down(event));
    this.frame.addEventListener("pointermove", (event) => this.#move(event));
    this.frame.addEventListener("pointerup", (event) => this.#up(event));
    this.frame.addEventListener("pointercancel", (event) => this.#up(event));
    this.frame.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.frame.classList.add("over");
    });
    this.frame.addEventListener("dragleave", () => this.frame.classList.remove("over"));
    this.frame.addEventListener("drop", (event) => this.#drop(event));
    new ResizeObserver(() => this.#fit()).observe(root);
    picture.addEventListener("change", () => this.#show());
    scene.addEventListener("change", () => this.#fit());
    selection.addEventListener("change", () => this.draw());
  }

  // As large as there is room for, in the scene's form.
  #fit() {
    const { width, height } = this.scene.document;
    const room = this.root.getBoundingClientRect();
    const scale = Math.min(room.width / width, room.height / height);
    this.frame.style.width = `${Math.floor(width * scale)}px`;
    this.frame.style.height = `${Math.floor(height * scale)}px`;
    this.overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.draw();
  }

  #show() {
    const { bitmap } = this.picture;
    if (!bitmap) return;
    if (this.canvas.width !== bitmap.width || this.canvas.height !== bitmap.height) {
      [this.canvas.width, this.canvas.height] = [bitmap.width, bitmap.height];
    }
    this.canvas.getContext("2d").drawImage(bitmap, 0, 0);
    // What was dragged stays where the hand left it until the picture knows.
    if (!this.#hold && this.picture.answered > (this.releasedAt ?? 0)) this.places.preview.clear();
    this.draw();
  }

  // Canvas pixels in one of the screen's.
  get #unit() {
    return this.scene.document.width / (this.frame.clientWidth || 1);
  }

  #point({ clientX, clientY }) {
    const { left, top } = this.frame.getBoundingClientRect();
    return [(clientX - left) * this.#unit, (clientY - top) * this.#unit];
  }

  draw() {
    const unit = this.#unit;
    const marks = [];
    for (const id of this.selection.ids) {
      const layer = this.scene.layer(id);
      if (!layer) continue;
      const corners = cornersOf(this.places.matrix(layer), this.places.box(layer));
      marks.push(svg("polygon", { class: "box", points: corners.map((corner) => corner.join(",")).join(" ") }));
    }
    for (const [name, line] of Object.entries(this.#hold?.lines ?? {})) {
      const { width, height } = this.scene.document;
      if (line === null) continue;
      const ends = name === "x" ? { x1: line, x2: line, y1: 0, y2: height } : { x1: 0, x2: width, y1: line, y2: line };
      marks.push(svg("line", { class: "snap", ...ends }));
    }
    const only = this.#resizable();
    if (only) {
      for (const { handle, point } of this.#handles(only)) {
        const [cx, cy] = point;
        marks.push(svg("circle", { class: `handle ${handle === "turn" ? "turn" : ""}`, cx, cy, r: HANDLE * unit }));
      }
    }
    this.overlay.replaceChildren(...marks);
  }

  #resizable() {
    const layer = this.selection.only && this.scene.layer(this.selection.only);
    return layer && !this.selection.isLocked(layer.id) ? layer : null;
  }

  #handles(layer) {
    const [width, height] = this.places.box(layer);
    const matrix = this.places.matrix(layer);
    const spot = ([h, v]) => at(matrix, [(width * (1 + h)) / 2, (height * (1 + v)) / 2]);
    const [top, middle] = [spot([0, -1]), spot([0, 0])];
    const away = Math.hypot(top[0] - middle[0], top[1] - middle[1]) || 1;
    const far = (TURN * this.#unit) / away;
    const turn = [0, 1].map((n) => top[n] + (top[n] - middle[n]) * far);
    return [{ handle: "turn", point: turn }, ...HANDLES.map((handle) => ({ handle, point: spot(handle) }))];
  }

  // The layer at a point that is in front of all others, without those that are locked.
  #pick(point) {
    const candidates = this.places.frontToBack().filter((layer) => layer.kind !== "group");
    return candidates.find((layer) => {
      if (this.selection.isLocked(layer.id) || (layer.parent && this.selection.isLocked(layer.parent))) return false;
      return this.places.isShown(layer) && isIn(this.places.matrix(layer), this.places.box(layer), point);
    });
  }

  #down(event) {
    if (event.button !== 0) return;
    const point = this.#point(event);
    const near = (spot) => Math.hypot(spot[0] - point[0], spot[1] - point[1]) <= (HANDLE + 5) * this.#unit;
    const only = this.#resizable();
    const handle = only && this.#handles(only).find((candidate) => near(candidate.point))?.handle;
    const under = this.#pick(point);
    if (!handle) {
      const held = this.selection.ids.map((id) => this.scene.layer(id)).filter(Boolean);
      const within = held.some((layer) => isIn(this.places.matrix(layer), this.places.box(layer), point));
      if (event.shiftKey && under) this.selection.toggle(under.id);
      else if (!under && !within) this.selection.set([]);
      else if (!within) this.selection.set([under.id]);
    }
    const ids = this.places.topmost(this.selection.ids).filter((id) => !this.selection.isLocked(id));
    const layers = ids.map((id) => this.scene.layer(id)).filter(Boolean);
    if (layers.length === 0) return;
    this.frame.setPointerCapture(event.pointerId);
    // Of an animated layer it is the document that is changed, from where that says it is.
    const from = new Map(layers.map((layer) => [layer.id, layer.transform]));
    const boxes = layers.map((layer) => boundsOf(cornersOf(this.places.matrix(layer), this.places.box(layer))));
    const bounds = boundsOf(boxes.flatMap(({ left, right, top, bottom }) => [[left, top], [right, bottom]]));
    const others = handle ? [] : this.places.frontToBack().filter(({ id, kind }) => kind !== "group" && !from.has(id));
    this.#hold = { handle, point, from, layers, bounds, lines: {}, going: false, under, guides: this.#guides(others) };
  }

  // Edges and the middle of the canvas, and of other layers.
  #guides(layers) {
    const { width, height } = this.scene.document;
    const lines = { x: [0, width / 2, width], y: [0, height / 2, height] };
    for (const layer of layers.filter((layer) => this.places.isShown(layer))) {
      const { left, right, top, bottom } = boundsOf(cornersOf(this.places.matrix(layer), this.places.box(layer)));
      lines.x.push(left, (left + right) / 2, right);
      lines.y.push(top, (top + bottom) / 2, bottom);
    }
    return lines;
  }

  #move(event) {
    const hold = this.#hold;
    if (!hold) return;
    const point = this.#point(event);
    let way = [point[0] - hold.point[0], point[1] - hold.point[1]];
    if (!hold.going && Math.hypot(...way) < SLACK * this.#unit) return;
    hold.going = true;
    hold.gesture ??= this.edit.gesture((error) => this.#lost(error));
    if (hold.handle) {
      const [layer] = hold.layers;
      const next = hold.handle === "turn" ? this.#turned(layer, point, event.shiftKey) : this.#grown(layer, point, event.shiftKey);
      if (next) this.places.preview.set(layer.id, next);
    } else {
      hold.lines = {};
      if (!event.altKey) {
        const [dx, dy] = way;
        const { left, right, top, bottom } = hold.bounds;
        const there = { left: left + dx, right: right + dx, top: top + dy, bottom: bottom + dy };
        const { by, x, y } = snapped(there, hold.guides, REACH * this.#unit);
        way = [dx + by[0], dy + by[1]];
        hold.lines = { x, y };
      }
      for (const layer of hold.layers) this.places.preview.set(layer.id, moved(hold.from.get(layer.id), this.#within(layer, way)));
    }
    this.draw();
    hold.gesture.update(hold.layers.map(({ id }) => this.#update(id, this.places.preview.get(id))));
  }

  // A way on the canvas, as seen from what the layer is in.
  #within(layer, [dx, dy]) {
    const back = inverse(this.places.outer(layer));
    if (!back) return [0, 0];
    const [a, b, c, d] = back;
    return [a * dx + c * dy, b * dx + d * dy];
  }

  #grown(layer, point, free) {
    const back = inverse(this.places.outer(layer));
    const from = this.#hold.from.get(layer.id);
    const box = from.bounds ? [from.bounds.width, from.bounds.height] : this.places.size(layer);
    return back && resized(from, box, this.#hold.handle, at(back, point), free);
  }

  #turned(layer, point, steps) {
    const back = inverse(this.places.outer(layer));
    if (!back) return null;
    const from = this.#hold.from.get(layer.id);
    const box = from.bounds ? [from.bounds.width, from.bounds.height] : this.places.size(layer);
    const middle = at(this.places.matrix(layer), [box[0] / 2, box[1] / 2]);
    const [from0, to] = [this.#hold.point, point].map((spot) => Math.atan2(spot[1] - middle[1], spot[0] - middle[0]));
    let degrees = from.rotation + ((to - from0) * 180) / Math.PI;
    if (steps) degrees = Math.round(degrees / 15) * 15;
    return rotated(from, box, ((degrees + 540) % 360) - 180);
  }

  #update(id, { x, y, scale_x, scale_y, rotation, bounds }) {
    const transform = { x, y, scale_x, scale_y, rotation };
    if (bounds) transform.bounds = { width: bounds.width, height: bounds.height };
    return { op: "update", id, patch: { transform } };
  }

  #lost(error) {
    this.#hold = null;
    this.places.preview.clear();
    this.draw();
    this.edit.failed(error);
  }

  async #up(event) {
    const hold = this.#hold;
    this.#hold = null;
    if (!hold) return;
    if (!hold.going) {
      // A click within what is selected selects what is in front.
      if (!hold.handle && !event.shiftKey && hold.under) this.selection.set([hold.under.id]);
      return;
    }
    this.releasedAt = Infinity;
    this.draw();
    await hold.gesture.end();
    this.releasedAt = this.picture.asked;
  }

  // By the arrow keys.
  nudge(way) {
    const ids = this.places.topmost(this.selection.ids).filter((id) => !this.selection.isLocked(id));
    // Keys come faster than answers.
    const changes = () => {
      const layers = ids.map((id) => this.scene.layer(id)).filter(Boolean);
      return layers.map((layer) => this.#update(layer.id, moved(layer.transform, this.#within(layer, way))));
    };
    this.edit.change(changes, { about: `nudge ${ids.join(" ")}` });
  }

  #drop(event) {
    event.preventDefault();
    this.frame.classList.remove("over");
    this.edit.dropped([...event.dataTransfer.files], this.#point(event));
  }
}
