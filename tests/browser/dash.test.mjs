// The same broadcast as DASH: dash.js plays the manifest, close to live, and changes the quality.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Server, launch, open, plays, push } from "./harness.mjs";

const dashjs = fileURLToPath(new URL("node_modules/dashjs/dist/modern/umd/dash.all.min.js", import.meta.url));

let server;
let browser;
let encoder;

before(async () => {
  server = await Server.start();
  await server.user("ada");
  encoder = push(server, await server.channel("demo", "ada"));
  browser = await launch();
});

after(async () => {
  await encoder?.stop();
  await browser?.close();
  await server?.stop();
});

async function manifest() {
  for (;;) {
    const answer = await fetch(`${server.http}/live/demo/manifest.mpd`);
    if (answer.ok) return answer;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

test("dash.js plays close to live and changes the quality", async () => {
  const answer = await manifest();
  assert.equal(answer.headers.get("content-type"), "application/dash+xml");
  const { context, page } = await open(browser);
  await page.goto(`${server.http}/healthz`);
  await page.setContent("<video muted style='width: 640px'></video>");
  await page.addScriptTag({ path: dashjs });
  await page.evaluate((url) => {
    window.errors = [];
    window.player = window.dashjs.MediaPlayer().create();
    // The quality is the test's to choose.
    player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false } } } });
    player.on("error", ({ error }) => errors.push(`${error.code} ${error.message}`));
    player.initialize(document.querySelector("video"), url, true);
  }, `${server.http}/live/demo/manifest.mpd`);
  await plays(page, 6);
  const latency = await page.evaluate(() => player.getCurrentLiveLatency());
  assert.ok(latency > 0 && latency < 6, `${latency} s behind live`);
  const heights = await page.evaluate(() => player.getRepresentationsByType("video").map(({ height }) => height));
  assert.deepEqual(heights.toSorted((a, b) => a - b), [360, 480, 720]);

  const from = await page.evaluate(() => document.querySelector("video").videoHeight);
  const to = from === 360 ? 480 : 360;
  await page.evaluate((to) => {
    const wanted = player.getRepresentationsByType("video").find(({ height }) => height === to);
    player.setRepresentationForTypeById("video", wanted.id, true);
  }, to);
  await page.waitForFunction((to) => document.querySelector("video").videoHeight === to, to);
  await plays(page, 4);
  assert.deepEqual(await page.evaluate(() => errors), []);
  await context.close();
});
