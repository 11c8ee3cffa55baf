// Wakes the islands of the page: loads the WebAssembly build of the `web` crate and gives it each
// element that the server rendered as an island. When anything here fails, the page stays as the
// server made it.

import init, * as app from "rivulet-web";

const script = document.querySelector("script[data-wasm]");

// Leptos appends a hash of the island's source to its name, which differs between compilers. The
// page and this bundle come out of one binary, so the name alone is enough.
const plain = (name) => name.replace(/_\d+$/, "");

const islands = new Map(
  Object.entries(app)
    .filter(([name]) => /_\d+$/.test(name))
    .map(([name, hydrate]) => [plain(name), hydrate]),
);

async function wake() {
  await init({ module_or_path: script.dataset.wasm });
  app.hydrate();
  for (const element of document.querySelectorAll("leptos-island")) {
    islands.get(plain(element.dataset.component))?.(element);
  }
  // For tests, and for whoever wonders why a page does not update.
  document.documentElement.dataset.islands = "awake";
}

wake().catch((error) => console.info("Rivulet: this page does not update by itself.", error));
