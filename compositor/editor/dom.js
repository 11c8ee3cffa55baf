// Elements made of names, properties and children; never of HTML in a string.

// `props` are properties of the element, except `class`, `on` (listeners), `data`, and attributes with a
// dash. What is null or false among the children is left out.
export function el(name, props = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (key === "class") element.className = value;
    else if (key === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (key === "data") Object.assign(element.dataset, value);
    else if (key.includes("-") || key === "role" || key === "for" || key === "list") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export const button = (label, click, props = {}) => el("button", { type: "button", on: { click }, ...props }, label);

// A button with a sign instead of a word, which its label says.
export const sign = (text, label, click, props = {}) =>
  button(text, click, { "aria-label": label, title: label, ...props, class: `sign ${props.class ?? ""}` });

// `draw`, but not between the press and the release of a button in `root`: drawn anew under it, what is there
// would never be clicked.
export function calmly(root, draw) {
  let [held, waiting] = [false, null];
  const released = () => {
    if (!held) return;
    held = false;
    // After the click.
    setTimeout(() => {
      const last = waiting;
      waiting = null;
      last?.();
    });
  };
  root.addEventListener("pointerdown", () => (held = true));
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, released);
  return (...given) => {
    if (held) waiting = () => draw(...given);
    else draw(...given);
  };
}

// `set_by_hand` as people read it.
export function words(name) {
  const text = name.replaceAll("_", " ").replace(/\bms\b/, "(ms)").replace(/\bdb\b/, "(dB)");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// One that is not among `taken`: `text`, `text-2`, …
export function freeId(base, taken) {
  const clean = base.replace(/[^A-Za-z0-9._:-]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 56) || "item";
  let id = clean;
  for (let n = 2; taken.has(id); n += 1) id = `${clean}-${n}`;
  return id;
}
