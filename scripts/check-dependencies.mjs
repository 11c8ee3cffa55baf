#!/usr/bin/env node
// The direction of dependencies, as ARCHITECTURE.md states it, read from `cargo metadata`.
import { execFileSync } from "node:child_process";

const pure = ["protocol", "media"];
const seams = ["store", "hub", "bus"];
// What more than one of the others goes out by, or is shut in by.
const ways = ["outside", "cage"];
const parts = ["ingest", "transcoder", "origin", "chat", "api", "web"];
const may = {
  protocol: [],
  media: [],
  scene: [],
  picture: ["scene"],
  store: pure,
  hub: pure,
  bus: [],
  outside: [],
  cage: [],
  ...Object.fromEntries(parts.map((part) => [part, [...pure, ...seams, ...ways]])),
  web: ["protocol"],
  compositor: [...pure, ...seams, ...ways, "scene", "picture"],
  server: [...pure, ...seams, ...ways, ...parts, "scene", "picture", "compositor"],
  "hls-rules": [],
  simulation: ["hls-rules", ...pure, ...seams, ...parts],
  hostile: [...pure, ...seams, ...ways, ...parts],
  tests: ["hls-rules", ...pure, ...seams, ...parts, "scene", "picture", "compositor", "server"],
};

const args = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
const { packages } = JSON.parse(execFileSync("cargo", args, { maxBuffer: 1 << 28 }));
const short = (name) => name.replace(/^rivulet-/, "");
let wrong = 0;
for (const { name, dependencies } of packages) {
  const crate = short(name);
  if (!may[crate]) {
    console.error(`${crate}: not in the list of ${import.meta.filename}`);
    wrong += 1;
    continue;
  }
  for (const dependency of dependencies) {
    const used = short(dependency.name);
    if (dependency.kind === null && may[used] && !may[crate].includes(used)) {
      console.error(`${crate} must not depend on ${used}`);
      wrong += 1;
    }
  }
}
process.exit(wrong ? 1 : 0);
