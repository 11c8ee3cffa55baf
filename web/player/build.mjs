// Makes web/dist from its sources: bundles, names by content, compresses, lists in manifest.json.
// Called by scripts/build-web, which builds the WebAssembly first: node build.mjs [GLUE_DIR], with the
// two bundles `viewer` and `studio` in it.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "..", "dist");
const glue = process.argv[2];

// What a viewer loads for the islands of a page.
const MAX_VIEWER_BYTES = 350 * 1024;

async function bundle(entry, options = {}) {
  const result = await build({
    entryPoints: [join(here, entry)],
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    target: ["es2022"],
    legalComments: "none",
    logLevel: "warning",
    ...options,
  });
  return Buffer.from(result.outputFiles[0].contents);
}

const files = {
  "style.css": await bundle("../static/style.css"),
  "logo.svg": readFileSync(join(here, "../static/logo.svg")),
  "page.js": await bundle("src/page.js"),
  "account.js": await bundle("src/account.js"),
  "chat.js": await bundle("src/chat.js"),
  "service-worker.js": await bundle("src/service-worker.js"),
  "player.js": await bundle("src/player.js"),
};
for (const islands of glue ? ["viewer", "studio"] : []) {
  const of = join(glue, islands);
  files[`${islands}.js`] = await bundle("src/app.js", { alias: { "rivulet-web": join(of, "rivulet_web.js") } });
  files[`${islands}.wasm`] = readFileSync(join(of, "rivulet_web_bg.wasm"));
}

// Content that has not changed keeps its name, and its file is left alone.
mkdirSync(dist, { recursive: true });
const kept = new Set([".gitkeep", "manifest.json"]);
const present = new Set(readdirSync(dist));
const manifest = {};
const sizes = {};
for (const [name, content] of Object.entries(files)) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const [stem, ending] = name.split(".");
  const hashed = `${stem}.${hash}.${ending}`;
  manifest[name] = hashed;
  for (const file of [hashed, `${hashed}.br`, `${hashed}.gz`]) kept.add(file);
  if (![hashed, `${hashed}.br`, `${hashed}.gz`].every((file) => present.has(file))) {
    const brotli = brotliCompressSync(content, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
      },
    });
    writeFileSync(join(dist, hashed), content);
    writeFileSync(join(dist, `${hashed}.br`), brotli);
    writeFileSync(join(dist, `${hashed}.gz`), gzipSync(content, { level: 9 }));
  }
  const size = readFileSync(join(dist, `${hashed}.br`)).length;
  sizes[name] = size;
  console.log(`  ${hashed}: ${kilobytes(content.length)}, brotli ${kilobytes(size)}`);
}
for (const file of present) {
  if (!kept.has(file)) rmSync(join(dist, file), { recursive: true });
}
writeFileSync(join(dist, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);

if (glue) {
  const viewer = sizes["viewer.js"] + sizes["viewer.wasm"];
  console.log(`  for a viewer: brotli ${kilobytes(viewer)} of at most ${kilobytes(MAX_VIEWER_BYTES)}`);
  if (viewer > MAX_VIEWER_BYTES) throw new Error("the islands of a viewer are too large");
}

function kilobytes(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
