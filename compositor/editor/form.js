// A form made of a schema. It shows a value, tells of each change with the path to it, and shows errors beside
// the field that they name. When the value is another one it is made anew; whoever is typing does not notice.

import { calmly, el, sign, words } from "./dom.js";

// Words of several lines.
const LONG = new Set(["text", "d", "data", "path"]);
const SMALL_STEPS = new Set(["opacity", "offset", "line_height", "rate", "scale_x", "scale_y"]);
// What comes first of an object's fields; then those that are one control, then the others.
const FIRST = ["id", "name", "text", "title", "asset", "x", "y", "width", "height", "scale_x", "scale_y", "rotation", "platform", "url", "key", "fill"];
// After which what was typed has been sent and read.
const SETTLED_MS = 1_000;
let forms = 0;

export class Form {
  #id = `form-${(forms += 1)}`;
  #opened = new Set();
  #value = {};

  // `show(groups, value)` shows a value; `groups` are `{ title, fields: { name: schema }, open }`.
  // `change(path, value)` is called with null for what is taken away. `suggestions` are lists for names of
  // fields; `secret` are names of fields that nobody shall read.
  constructor(root, schemas, { change, suggestions = () => [], secret = [] }) {
    Object.assign(this, { root, schemas, change, suggestions, secret });
    this.show = calmly(root, (groups, value) => this.#show(groups, value));
  }

  #show(groups, value) {
    const focus = this.#focus();
    this.#value = value;
    this.root.replaceChildren(...groups.map((group) => this.#group(group, value)).filter(Boolean));
    this.#restore(focus);
  }

  // Shows `message` beside the field at `path` or the nearest around it. False: there is none.
  fail(path, message) {
    this.clear();
    for (let length = path.length; length > 0; length -= 1) {
      const field = this.root.querySelector(`[data-field="${CSS.escape(path.slice(0, length).join("/"))}"]`);
      if (!field) continue;
      const rest = path.slice(length).join(" ");
      const error = el("p", { class: "error", role: "alert", id: `${this.#id}-error` }, rest ? `${rest}: ${message}` : message);
      field.append(error);
      const control = field.querySelector("input, select, textarea");
      control?.setAttribute("aria-invalid", "true");
      control?.setAttribute("aria-describedby", error.id);
      for (let box = field.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
      field.scrollIntoView({ block: "nearest" });
      return true;
    }
    return false;
  }

  clear() {
    for (const error of this.root.querySelectorAll(".error")) error.remove();
    for (const control of this.root.querySelectorAll("[aria-invalid]")) {
      control.removeAttribute("aria-invalid");
      control.removeAttribute("aria-describedby");
    }
  }

  #focus() {
    const { activeElement: own } = document;
    if (!own || !this.root.contains(own) || !own.id) return null;
    const { id, value, selectionStart, selectionEnd } = own;
    const invalid = own.closest("[data-field]")?.querySelector(".error");
    return { id, value, typed: own.dataset.typed === "true", selectionStart, selectionEnd, invalid };
  }

  #restore(focus) {
    const own = focus && document.getElementById(focus.id);
    if (!own) return;
    own.focus();
    if (focus.typed) {
      own.value = focus.value;
      own.dataset.typed = "true";
    }
    if (focus.invalid) own.closest("[data-field]").append(focus.invalid);
    if (typeof focus.selectionStart === "number" && own.type !== "number") own.setSelectionRange(focus.selectionStart, focus.selectionEnd);
  }

  #group({ title, fields, open }, value) {
    const controls = this.#sorted(fields).map(([name, schema]) => this.#field([name], schema, value?.[name]));
    const shown = controls.filter(Boolean);
    return shown.length > 0 && this.#details(title, [title], open, shown);
  }

  #details(title, path, open, children) {
    const key = path.join("/");
    const own = el("details", { class: "group" }, el("summary", {}, title), el("div", { class: "fields" }, ...children));
    own.open = open ? !this.#opened.has(`-${key}`) : this.#opened.has(key);
    own.addEventListener("toggle", () => {
      const [kept, other] = own.open ? [key, `-${key}`] : [`-${key}`, key];
      this.#opened.add(kept);
      this.#opened.delete(other);
    });
    return own;
  }

  // A control with its label; nothing for what cannot be changed.
  #field(path, schema, value) {
    const shape = this.schemas.shape(schema);
    const label = words(String(path.at(-1)));
    const help = shape.own.description;
    const data = { field: path.join("/") };
    switch (shape.form) {
      case "fixed":
      case "unknown":
        return null;
      case "object":
        return el("fieldset", { class: "object", data }, el("legend", { title: help }, label), el("div", { class: "fields" }, this.#fields(path, shape.own, value)));
      case "list":
        return this.#list(path, shape, value ?? [], label, help);
      case "optional":
        return this.#optional(path, shape, value, label, help);
      case "variants":
        return this.#variants(path, shape, value, label, help);
      case "boolean": {
        const input = el("input", { type: "checkbox", checked: Boolean(value ?? shape.own.default), id: this.#name(path) });
        input.addEventListener("change", () => this.change(path, input.checked));
        return el("div", { class: "field check", data }, input, el("label", { for: input.id, title: help }, label));
      }
      default: {
        const control = this.#control(path, shape, value);
        const long = control.tagName === "TEXTAREA" || shape.form === "text" || shape.form === "moment";
        return el("div", { class: `field ${long ? "wide" : ""}`, data }, el("label", { for: this.#name(path), title: help }, label), control);
      }
    }
  }

  #fields(path, own, value) {
    return this.#sorted(own.properties ?? {}).map(([name, field]) => this.#field([...path, name], field, value?.[name])).filter(Boolean);
  }

  #sorted(fields) {
    const rank = ([name, schema]) => {
      const first = FIRST.indexOf(name);
      const small = !["object", "list", "optional", "variants"].includes(this.schemas.shape(schema).form);
      return first >= 0 ? first : FIRST.length + (small ? 0 : 1);
    };
    return Object.entries(fields).toSorted((a, b) => rank(a) - rank(b));
  }

  #name(path) {
    return `${this.#id}-${path.join("-")}`;
  }

  #control(path, { form, own, choices }, value) {
    const id = this.#name(path);
    const name = String(path.at(-1));
    const given = value ?? own.default;
    if (form === "choice") {
      const options = choices.map((choice) => el("option", { value: JSON.stringify(choice), selected: choice === given }, words(String(choice))));
      const select = el("select", { id }, ...options);
      select.addEventListener("change", () => this.change(path, JSON.parse(select.value)));
      return select;
    }
    if (form === "color") return this.#color(path, id, given ?? "#ffffff");
    if (form === "moment") {
      const input = el("input", { id, type: "datetime-local", step: 1, value: toLocal(given) });
      return this.#typed(input, path, () => (input.value ? new Date(input.value).toISOString().replace(/\.\d+Z/, "Z") : null));
    }
    if (form === "number" || form === "integer") {
      const step = form === "integer" ? 1 : SMALL_STEPS.has(name) ? 0.05 : "any";
      // What is beyond the bounds is for the compositor to refuse, in its own words.
      const input = el("input", { id, type: "number", step: "any", value: given ?? "" });
      input.addEventListener("keydown", (event) => stepped(event, input, step));
      return this.#typed(input, path, () => (input.value === "" ? null : Number(input.value)));
    }
    if (LONG.has(name)) {
      const area = el("textarea", { id, rows: 2, value: given ?? "" });
      return this.#typed(area, path, () => area.value);
    }
    const hidden = this.secret.includes(name);
    const input = el("input", { id, type: hidden ? "password" : "text", value: given ?? "", autocomplete: "off", spellcheck: false });
    const suggestions = this.suggestions(name);
    if (suggestions.length === 0) return this.#typed(input, path, () => input.value);
    const list = el("datalist", { id: `${id}-list` }, ...suggestions.map((choice) => el("option", { value: choice })));
    input.setAttribute("list", list.id);
    this.#typed(input, path, () => input.value);
    return el("span", { class: "with-list" }, input, list);
  }

  // Tells of what is typed as it is typed.
  #typed(control, path, read) {
    control.addEventListener("input", () => {
      control.dataset.typed = "true";
      this.change(path, read());
    });
    control.addEventListener("blur", () => {
      delete control.dataset.typed;
      setTimeout(() => this.#settle(control, path), SETTLED_MS);
    });
    return control;
  }

  // What was changed by somebody else while it was typed in, is seen once nobody types.
  #settle(control, path) {
    if (!control.isConnected || control === document.activeElement || control.ariaInvalid || control.type === "datetime-local") return;
    const value = path.reduce((inner, key) => inner?.[key], this.#value);
    if (value !== undefined && value !== null) control.value = value;
  }

  // Shows the next value even where somebody types.
  forget() {
    for (const control of this.root.querySelectorAll("[data-typed]")) delete control.dataset.typed;
  }

  // Browsers know colours without alpha only, so that stands beside it.
  #color(path, id, value) {
    const full = value.length === 4 ? `#${[...value.slice(1)].map((digit) => digit + digit).join("")}` : value;
    const [color, alpha] = [full.slice(0, 7), full.length === 9 ? parseInt(full.slice(7), 16) : 255];
    const picker = el("input", { id, type: "color", value: color });
    const label = `Opacity of ${words(String(path.at(-1))).toLowerCase()}, in percent`;
    const slider = el("input", { id: `${id}-alpha`, type: "number", min: 0, max: 100, step: 1, value: Math.round(alpha / 2.55), "aria-label": label, title: label });
    const tell = () => {
      const part = Math.round(Math.max(0, Math.min(100, Number(slider.value))) * 2.55);
      this.change(path, picker.value + (part < 255 ? part.toString(16).padStart(2, "0") : ""));
    };
    picker.addEventListener("input", tell);
    slider.addEventListener("input", tell);
    return el("span", { class: "color" }, picker, slider, el("span", { class: "percent", "aria-hidden": "true" }, "%"));
  }

  #optional(path, { inner, own }, value, label, help) {
    const set = value !== undefined && value !== null;
    const id = `${this.#name(path)}-set`;
    const box = el("input", { id, type: "checkbox", checked: set });
    box.addEventListener("change", () => this.change(path, box.checked ? this.schemas.sample(inner, String(path.at(-1)), { size: 240 }) : null));
    const head = el("div", { class: "field check" }, box, el("label", { for: id, title: help ?? own.description }, label));
    const field = set && this.#field(path, { ...this.schemas.open(inner), description: help }, value);
    return el("div", { class: "optional", data: { field: path.join("/") } }, head, field || null);
  }

  #variants(path, { variants, own }, value, label, help) {
    const id = `${this.#name(path)}-form`;
    const chosen = Math.max(0, variants.findIndex(({ matches }) => matches(value ?? own.default)));
    const options = variants.map(({ name }, n) => el("option", { value: n, selected: n === chosen }, words(name)));
    const select = el("select", { id }, ...options);
    // What the two forms have in common stays.
    select.addEventListener("change", () => {
      const { schema } = variants[Number(select.value)];
      const next = this.schemas.sample(schema, String(path.at(-1)), { width: 320, height: 180, d: "M0 0 L320 90 L0 180 Z", stops: [{ offset: 0, color: "#1e3a5f" }, { offset: 1, color: "#0b1316" }] });
      if (next && typeof next === "object" && value && typeof value === "object") {
        for (const key of Object.keys(next)) if (key in value && !("const" in this.schemas.open(schema.properties?.[key]))) next[key] = value[key];
      }
      this.change(path, next);
    });
    const head = el("div", { class: "field" }, el("label", { for: id, title: help }, label), select);
    const { schema } = variants[chosen];
    const shape = this.schemas.shape(schema);
    const fields = shape.form === "object" ? this.#fields(path, shape.own, value) : [this.#field(path, schema, value)];
    return el("fieldset", { class: "object", data: { field: path.join("/") } }, el("legend", { class: "unseen" }, label), head, el("div", { class: "fields" }, fields.filter(Boolean)));
  }

  #list(path, { items }, value, label, help) {
    const name = String(path.at(-1));
    const rows = value.map((item, n) => {
      const remove = sign("✕", `Remove ${n + 1} of ${label}`, () => this.change(path, value.toSpliced(n, 1)));
      return el("div", { class: "item" }, this.#field([...path, n], items, item), remove);
    });
    const add = sign("+", `Add to ${label}`, () => this.change(path, [...value, this.schemas.sample(items, name.replace(/s$/, ""), { offset: 1, color: "#ffffff" })]));
    return el("fieldset", { class: "object list-of", data: { field: path.join("/") } }, el("legend", { title: help }, label), ...rows, add);
  }
}

function toLocal(moment) {
  const time = new Date(moment ?? Date.now());
  if (Number.isNaN(time.getTime())) return "";
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

// Browsers step by one where any number is right.
function stepped(event, input, step) {
  const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  if (!way || step === 1) return;
  event.preventDefault();
  const by = way * (step === "any" ? 1 : step) * (event.shiftKey ? 10 : 1);
  input.value = Math.round((Number(input.value) + by) * 1000) / 1000;
  input.dispatchEvent(new Event("input"));
}

// `value` with what is at `path` replaced, as a patch of RFC 7396. A list is given as a whole.
export function patchOf(whole, [key, ...rest], value) {
  if (rest.length === 0) return { [key]: value };
  const inner = whole?.[key];
  if (Array.isArray(inner)) return { [key]: replaced(inner, rest, value) };
  return { [key]: patchOf(inner, rest, value) };
}

function replaced(whole, [key, ...rest], value) {
  if (rest.length > 0) value = replaced(whole?.[key] ?? {}, rest, value);
  if (Array.isArray(whole)) return whole.with(key, value);
  const { [key]: gone, ...others } = whole;
  return value === null ? others : { ...others, [key]: value };
}
