// What a new layer begins with, beyond what its schema asks for: something that can be seen. A kind that is not
// here begins with what its schema asks for.

import { freeId } from "./dom.js";

const INK = "#f4f6fa";
const ACCENT = "#5fe0cb";

const STARTERS = {
  text: () => ({ text: "New text", font: { size: 72, weight: 700 } }),
  shape: () => ({ geometry: { type: "rect", width: 480, height: 270, radius: 24 }, fill: "#1e3a44" }),
  clock: () => ({ format: "%H:%M:%S", font: { size: 56, weight: 600 }, offset_minutes: -new Date().getTimezoneOffset() }),
  countdown: () => ({ font: { size: 96, weight: 700 } }),
  ticker: ({ width, height }) => ({
    items: ["Breaking: your words here", "And some more"], width,
    transform: { x: width / 2, y: height - 32, anchor: { x: 0.5, y: 0.5 } },
  }),
  chart: () => ({ title: "Chart", values: [3, 5, 4, 6, 8, 7, 9, 12], form: "area", accent: ACCENT }),
  feed: () => ({ title: "Title", subtitle: "Subtitle", bid: "0", fill: INK }),
  qr: () => ({ data: "https://example.org/" }),
  chat: () => ({ lines: [{ author: "ada", text: "Hello!", color: ACCENT }] }),
};

// The document of a new layer of `kind`, in the middle of the picture or at `point`. `files` are the names of
// pictures that were uploaded.
export function starter(kind, { schemas, kinds, document, files, point }) {
  const { width, height } = document;
  const [x, y] = point ?? [width / 2, height / 2];
  const id = freeId(kind, new Set(document.layers.map((layer) => layer.id)));
  // One that is not there yet leaves the layer empty.
  const asset = files[0] ?? "picture";
  const hints = { id, asset, width: 480, height: 270, states: [{ asset }], input: "input" };
  const needed = schemas.sample(kinds.byName.get(kind), "", hints);
  return { ...needed, transform: { x, y, anchor: { x: 0.5, y: 0.5 } }, ...STARTERS[kind]?.(document), id, kind };
}
