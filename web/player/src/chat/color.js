// Colours of names: what somebody chose, made as light or dark as it takes to be read on the page.

// More than the 4.5 that it takes: messages that are marked stand on something between.
const ENOUGH = 6;
const STEPS = 20;
const MAX_KNOWN = 500;

function channels(hex) {
  const number = Number.parseInt(hex.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(one, other) {
  const [a, b] = [luminance(channels(one)), luminance(channels(other))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

const hex = (rgb) => `#${rgb.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;

// Towards white on a dark background, towards black on a light one, no further than needed.
export function readable(color, background) {
  const goal = luminance(channels(background)) < 0.2 ? 255 : 0;
  const rgb = channels(color);
  for (let step = 0; step <= STEPS; step += 1) {
    const mixed = hex(rgb.map((value) => value + ((goal - value) * step) / STEPS));
    if (contrast(mixed, background) >= ENOUGH) return mixed;
  }
  return hex([goal, goal, goal]);
}

const OWN = ["#e0503a", "#e08a1e", "#b59a00", "#4fa82e", "#17a286", "#2a93d5", "#5a78e8", "#9a62e0", "#d14fb0", "#c75b6f"];

// Of whoever chose none: always the same for the same id.
export function ofId(id) {
  let sum = 7;
  for (const letter of id) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return OWN[sum % OWN.length];
}

export class Colors {
  #background;
  #known = new Map();

  constructor(background) {
    this.#background = background;
  }

  of({ color, id }) {
    const wanted = /^#[0-9a-f]{6}$/i.test(color ?? "") ? color : ofId(id ?? "");
    const known = this.#known.get(wanted);
    if (known) return known;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    const shown = readable(wanted, this.#background);
    this.#known.set(wanted, shown);
    return shown;
  }
}
