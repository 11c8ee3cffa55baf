// Makes web/dist from its sources: bundles, names by content, compresses, lists in manifest.json.
// Called by scripts/build-web, which builds the WebAssembly first: node build.mjs [GLUE_DIR]

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "..", "dist");
const glue = process.argv[2];

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
  "player.js": await bundle("src/player.js"),
};
if (glue) {
  files["app.js"] = await bundle("src/app.js", { alias: { "rivulet-web": join(glue, "rivulet_web.js") } });
  files["app.wasm"] = readFileSync(join(glue, "rivulet_web_bg.wasm"));
}

// Content that has not changed keeps its name, and its file is left alone.
mkdirSync(dist, { recursive: true });
const kept = new Set([".gitkeep", "manifest.json"]);
const present = new Set(readdirSync(dist));
const manifest = {};
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
  console.log(`  ${hashed}: ${kilobytes(content.length)}, brotli ${kilobytes(size)}`);
}
for (const file of present) {
  if (!kept.has(file)) rmSync(join(dist, file), { recursive: true });
}
writeFileSync(join(dist, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);

function kilobytes(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
