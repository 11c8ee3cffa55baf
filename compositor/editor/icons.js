// Signs that no font has in the same form everywhere.

import { svg } from "./dom.js";

const EYE = "M2 8s2.4-4.2 6-4.2S14 8 14 8s-2.4 4.2-6 4.2S2 8 2 8z";
const LOCK = "M4 7.2h8v5.6H4z";
const PATHS = {
  eye: [EYE, "M8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6"],
  hidden: [EYE, "M3 13 13 3"],
  lock: [LOCK, "M5.6 7.2V5.4a2.4 2.4 0 0 1 4.8 0v1.8"],
  open: [LOCK, "M5.6 7.2V4.6a2.4 2.4 0 0 1 4.7-.6"],
};

export const icon = (name) =>
  svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, ...PATHS[name].map((d) => svg("path", { d })));
