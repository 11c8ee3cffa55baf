// What was on air, an interruption and its slate among it, is played from its recording by hls.js.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Server, launch, open, push } from "./harness.mjs";

const hlsjs = fileURLToPath(new URL("../../web/player/node_modules/hls.js/dist/hls.min.js", import.meta.url));

let server;
let browser;
let key;

before(async () => {
  server = await Server.start();
  await server.user("ada");
  key = await server.channel("demo", "ada");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const channel = async () => (await fetch(`${server.http}/api/v1/channels/demo`)).json();

async function until(what) {
  const from = Date.now();
  for (;;) {
    const found = await what();
    if (found) return found;
    assert.ok(Date.now() - from < 45_000, `in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

test("a recording plays from beginning to end, slate included", async () => {
  const first = push(server, key);
  const is = (wanted) => async () => {
    const now = await channel();
    return now.state === wanted && now;
  };
  const { playback } = await until(is("live"));
  await first.lose();
  await until(is("reconnecting"));
  const master = new URL(playback, server.http);
  const offered = (await (await fetch(master)).text()).split("\n");
  const media = new URL(offered.find((line) => !line.startsWith("#") && line.endsWith("/index.m3u8")), master);
  const periods = (count) => async () => (await (await fetch(media)).text()).split("#EXT-X-DISCONTINUITY\n").length === count;
  // The slate, and what comes after it.
  await until(periods(2));
  const second = push(server, key);
  await until(periods(3));
  await second.stop();
  await until(is("offline"));

  const recording = new URL("../recording.m3u8", media).href;
  await until(async () => (await fetch(recording)).ok);
  const list = await (await fetch(new URL("recording.m3u8", media))).text();
  const seconds = [...list.matchAll(/#EXTINF:([0-9.]+)/g)].reduce((sum, [, length]) => sum + Number(length), 0);
  const { context, page } = await open(browser);
  await page.goto(`${server.http}/healthz`);
  await page.setContent("<video muted style='width: 640px'></video>");
  await page.addScriptTag({ path: hlsjs });
  await page.evaluate((url) => {
    window.fatal = [];
    window.hls = new window.Hls();
    hls.on(window.Hls.Events.ERROR, (_, { fatal, details }) => fatal && window.fatal.push(details));
    hls.loadSource(url);
    const video = document.querySelector("video");
    hls.attachMedia(video);
    video.playbackRate = 2;
    hls.on(window.Hls.Events.MANIFEST_PARSED, () => video.play());
  }, recording);
  await page.waitForFunction(() => document.querySelector("video").ended || fatal.length > 0, undefined, { timeout: 90_000 });
  const seen = await page.evaluate(() => {
    const video = document.querySelector("video");
    return { fatal, duration: video.duration, at: video.currentTime, from: video.buffered.start(0), ranges: video.buffered.length };
  });
  assert.deepEqual([seen.fatal, seen.ranges], [[], 1], JSON.stringify(seen));
  assert.ok(Math.abs(seen.duration - seconds) < 0.2 && seen.duration - seen.at < 0.5, `${JSON.stringify(seen)}, not ${seconds} s`);
  await context.close();
});
