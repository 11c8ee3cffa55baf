// What moves: running animations as bars over time, batches that wait as marks, and where now is. New ones are
// made by a form of keyframes.

import { button, calmly, el, freeId, sign, words } from "./dom.js";
import { nameOf } from "./layers.js";

const BEFORE_S = 5;
const AFTER_S = 25;
const EASINGS = ["linear", "ease", "ease-in", "ease-out", "ease-in-out", "easeOutCubic", "easeInOutCubic", "easeOutBack", "easeOutBounce", "easeOutElastic", "easeInOutSine", "steps(4, end)", "cubic-bezier(0.2, 0, 0, 1)"];
// How long a spring takes is the compositor's to know; a bar needs some length.
const SPRING_MS = 1_000;
const NOT_ANIMATED = new Set(["z"]);

// Of one pass and of all of it, in milliseconds; delays counted in the second.
export function lengths({ timing = {}, sequence = [], parallel = [] }) {
  const own = (effects) => effects.map((effect) => lengths(effect).all);
  let pass = timing.duration_ms ?? SPRING_MS;
  if (sequence.length > 0) pass = own(sequence).reduce((sum, length) => sum + length, 0);
  if (parallel.length > 0) pass = Math.max(...own(parallel));
  const count = timing.iterations === "infinite" ? Infinity : (timing.iterations ?? 1);
  return { pass, all: (timing.delay_ms ?? 0) + pass * count + (timing.end_delay_ms ?? 0) };
}

const targetsOf = (effect) => [effect.target, ...[...(effect.sequence ?? []), ...(effect.parallel ?? [])].flatMap(targetsOf)];
const tracksOf = (effect) => [...(effect.tracks ?? []), ...[...(effect.sequence ?? []), ...(effect.parallel ?? [])].flatMap(tracksOf)];

// Paths of a layer's numbers and colours.
export function animatable(value, path = []) {
  return Object.entries(value ?? {}).flatMap(([name, own]) => {
    if (Array.isArray(own) || NOT_ANIMATED.has(name)) return [];
    if (own !== null && typeof own === "object") return animatable(own, [...path, name]);
    const fits = typeof own === "number" || (typeof own === "string" && /^#[0-9a-f]{3,8}$/i.test(own));
    return fits ? [[[...path, name].join("."), own]] : [];
  });
}

export class Timeline {
  #keyframes = [];

  constructor(root, form, toggle, { scene, picture, selection, edit }) {
    Object.assign(this, { root, form, toggle, scene, picture, selection, edit });
    this.head = el("div", { class: "playhead", "aria-hidden": "true" });
    this.rows = el("ol", { class: "rows", "aria-label": "Animations and scheduled changes" });
    this.scale = el("div", { class: "scale", "aria-hidden": "true" });
    root.append(this.scale, this.rows, this.head);
    this.head.style.setProperty("--at", BEFORE_S / (BEFORE_S + AFTER_S));
    for (let second = 0; second <= AFTER_S; second += 5) {
      const mark = el("span", {}, second === 0 ? "now" : `+${second} s`);
      mark.style.setProperty("--at", (BEFORE_S + second) / (BEFORE_S + AFTER_S));
      this.scale.append(mark);
    }
    toggle.addEventListener("click", () => (form.hidden ? this.openForm() : this.closeForm()));
    form.addEventListener("submit", (event) => this.#submit(event));
    this.draw = calmly(this.rows, () => this.#draw());
    scene.addEventListener("change", () => this.draw());
    const tick = () => {
      if (!document.hidden) this.#place();
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  #draw() {
    const animations = this.scene.animations.map((running) => this.#animation(running));
    const waiting = (this.scene.document.waiting ?? []).map((own) => this.#waiting(own));
    const all = [...animations, ...waiting];
    this.rows.replaceChildren(...(all.length > 0 ? all : [el("li", { class: "empty" }, "Nothing moves. Select a layer and add an animation.")]));
    this.#place();
  }

  #animation({ animation, started, held }) {
    const { id, effect } = animation;
    const paused = held !== undefined;
    const targets = [...new Set(targetsOf(effect).filter(Boolean))];
    const tracks = [...new Set(tracksOf(effect).map(({ property }) => property))];
    const { pass, all } = lengths(effect);
    const rate = animation.rate ?? 1;
    const start = paused ? null : started / 1000;
    const delay = (effect.timing?.delay_ms ?? 0) / rate;
    const bar = el("span", { class: `span ${paused ? "paused" : ""}`, data: { start: start === null ? "" : start + delay, held: paused ? held / 1000 / rate : "", length: all / rate - delay, pass: pass / rate } });
    const what = `${targets.map((target) => nameOf(this.scene.layer(target) ?? { id: target })).join(", ")}: ${tracks.map((path) => words(path.split(".").at(-1))).join(", ") || "along a path"}`;
    const toggle = sign(paused ? "▶" : "‖", `${paused ? "Play" : "Pause"} ${id}`, () => this.edit.change([{ op: paused ? "play" : "pause", animation: id }]));
    const remove = sign("✕", `Remove ${id}`, () => this.edit.change([{ op: "cancel", animation: id }]));
    return el("li", { class: "moving", data: { id } }, el("span", { class: "what" }, el("strong", {}, id), el("span", {}, what)), el("span", { class: "track" }, bar), el("span", { class: "tools" }, toggle, remove));
  }

  #waiting({ id, due, batch }) {
    const mark = el("span", { class: "mark", data: { start: due === undefined ? "" : due / 1000, length: 0 } });
    const what = `${batch.changes.length} change${batch.changes.length === 1 ? "" : "s"} ${batch.on ? `on “${batch.on}”` : "scheduled"}`;
    const remove = sign("✕", `Take back ${id}`, () => this.edit.change([{ op: "unschedule", batch: id }]));
    return el("li", { class: "moving", data: { id } }, el("span", { class: "what" }, el("strong", {}, id), el("span", {}, what)), el("span", { class: "track" }, mark), el("span", { class: "tools" }, remove));
  }

  // Moves the bars to where they are now.
  #place() {
    const now = this.picture.now / 1000;
    if (!now) return;
    const from = now - BEFORE_S * 1000;
    const whole = (BEFORE_S + AFTER_S) * 1000;
    const part = (time) => Math.max(0, Math.min(1, (time - from) / whole));
    for (const bar of this.rows.querySelectorAll("[data-start]")) {
      const { start, held, length, pass } = bar.dataset;
      const begin = start === "" ? now - (held ? Number(held) : 0) : Number(start);
      const end = begin + Number(length);
      bar.style.setProperty("--from", part(begin));
      bar.style.setProperty("--to", part(end));
      if (!pass) continue;
      // Each pass is a stripe; those that are over have left to the left.
      const pixels = (ms) => `${(ms / whole) * bar.parentElement.clientWidth}px`;
      bar.style.setProperty("--pass", pixels(Number(pass)));
      bar.style.setProperty("--over", pixels(-(Math.max(0, from - begin) % Number(pass))));
    }
  }

  openForm() {
    this.toggle.setAttribute("aria-expanded", "true");
    this.form.hidden = false;
    this.#keyframes = [{ value: 0 }, { value: 1 }];
    this.#build(this.selection.only ?? this.scene.document.layers.at(-1)?.id ?? "", "opacity");
    this.form.querySelector("select, input")?.focus();
  }

  closeForm() {
    this.toggle.setAttribute("aria-expanded", "false");
    this.form.hidden = true;
    this.toggle.focus();
  }

  #build(target, property) {
    const { layers, animations } = { layers: this.scene.document.layers, animations: this.scene.animations };
    const layer = this.scene.layer(target);
    const { id: own, kind, ...rest } = layer ?? {};
    const properties = animatable(rest);
    const chosen = properties.find(([path]) => path === property) ?? properties[0];
    const field = (label, control, name) => el("div", { class: "field", data: { field: name } }, el("label", { for: control.id }, label), control);
    const choose = (id, all, value) => el("select", { id, name: id }, ...all.map(([key, text]) => el("option", { value: key, selected: key === value }, text)));
    const number = (id, value, min = 0) => el("input", { id, type: "number", step: "any", min, value });
    const layersSelect = choose("a-target", layers.map((one) => [one.id, nameOf(one)]), target);
    layersSelect.addEventListener("change", () => this.#build(layersSelect.value, property));
    const properSelect = choose("a-property", properties.map(([path]) => [path, words(path.replaceAll(".", " "))]), chosen?.[0]);
    properSelect.addEventListener("change", () => this.#build(target, properSelect.value));
    const present = chosen?.[1];
    this.#keyframes = this.#keyframes.map((keyframe, n, all) => (keyframe.of === chosen?.[0] ? keyframe : { value: n < all.length - 1 ? present : typeof present === "number" ? later(chosen[0], present) : "#5fe0cb", of: chosen?.[0], easing: keyframe.easing }));
    const taken = new Set(animations.map(({ animation }) => animation.id));
    const easings = el("datalist", { id: "a-easings" }, ...EASINGS.map((easing) => el("option", { value: easing })));
    this.form.replaceChildren(
      easings,
      field("Layer", layersSelect, "target"),
      field("Property", properSelect, "property"),
      ...this.#keyframes.map((keyframe, n) => this.#keyframe(keyframe, n)),
      button("Add keyframe", () => {
        this.#keyframes = this.#keyframes.toSpliced(-1, 0, { ...this.#keyframes.at(-1) });
        this.#build(target, chosen?.[0]);
      }, { class: "quiet" }),
      field("Duration (s)", number("a-duration", 2), "duration_ms"),
      field("Delay (s)", number("a-delay", 0), "delay_ms"),
      field("Times", number("a-times", 1), "iterations"),
      el("div", { class: "field check" }, el("input", { type: "checkbox", id: "a-forever" }), el("label", { for: "a-forever" }, "For ever")),
      el("div", { class: "field check" }, el("input", { type: "checkbox", id: "a-yoyo" }), el("label", { for: "a-yoyo" }, "To and fro")),
      field("Name", el("input", { id: "a-name", value: freeId(`${target}-${(chosen?.[0] ?? "move").split(".").at(-1)}`, taken) }), "id"),
      el("div", { class: "tools" }, el("button", { type: "submit", class: "primary" }, "Start"), button("Close", () => this.closeForm())),
      el("p", { class: "error whole", role: "alert" }),
    );
  }

  #keyframe(keyframe, n) {
    const last = this.#keyframes.length - 1;
    const name = n === 0 ? "From" : n === last ? "To" : `Via ${n}`;
    const isColor = typeof keyframe.value === "string";
    const value = el("input", { id: `a-value-${n}`, type: isColor ? "color" : "number", step: "any", value: isColor ? keyframe.value.slice(0, 7) : keyframe.value });
    value.addEventListener("input", () => (keyframe.value = isColor ? value.value : Number(value.value)));
    const controls = [el("label", { for: value.id }, name), value];
    if (n < last) {
      const easing = el("input", { id: `a-easing-${n}`, list: "a-easings", value: keyframe.easing ?? "ease-in-out", "aria-label": `Easing from ${name}` });
      easing.addEventListener("input", () => (keyframe.easing = easing.value));
      controls.push(easing);
    }
    return el("div", { class: "field keyframe", data: { field: `keyframes/${n}` } }, ...controls);
  }

  async #submit(event) {
    event.preventDefault();
    for (const error of this.form.querySelectorAll(".error:not(.whole)")) error.remove();
    const whole = this.form.querySelector(".whole");
    whole.textContent = "";
    const of = (id) => this.form.querySelector(`#${id}`);
    const value = (id) => Number(of(id).value);
    const keyframes = this.#keyframes.map(({ value: own, easing }, n, all) => ({ value: own, ...(n < all.length - 1 ? { easing: easing ?? "ease-in-out" } : {}) }));
    const timing = {
      duration_ms: value("a-duration") * 1000,
      delay_ms: value("a-delay") * 1000,
      iterations: of("a-forever").checked ? "infinite" : value("a-times"),
      direction: of("a-yoyo").checked ? "alternate" : "normal",
    };
    const effect = { target: of("a-target").value, tracks: [{ property: of("a-property").value, keyframes }], timing };
    const failed = ({ field, message }) => {
      const path = field.split("/");
      const at = path.indexOf("keyframes");
      const place = at >= 0 ? `keyframes/${path[at + 1]}` : path.at(-1);
      const near = this.form.querySelector(`[data-field="${CSS.escape(place)}"]`);
      if (near) near.append(el("p", { class: "error", role: "alert" }, message));
      else whole.textContent = message;
      return true;
    };
    if (await this.edit.change([{ op: "animate", animation: { id: of("a-name").value, effect } }], { failed })) this.closeForm();
  }
}

// An end that can be told from the start.
function later(path, value) {
  if (/opacity|alpha/.test(path)) return value > 0.5 ? 0 : 1;
  if (/scale/.test(path)) return value * 1.2;
  return value + (/rotation|angle/.test(path) ? 360 : 100);
}
