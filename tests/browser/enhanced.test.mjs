// Sources in newer codecs: passed on to players that can decode them, H.264 for the others.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Server, end, launch, open, plays } from "./harness.mjs";

// One that speaks enhanced RTMP; `scripts/setup test` installs it.
const ffmpeg = join(homedir(), ".cache/rivulet/tools/imageio-ffmpeg/bin/imageio-ffmpeg");

let server;
let browser;
const encoders = [];

function push(key, codec) {
  const args = ["-hide_banner", "-loglevel", "error", "-nostdin", "-re"];
  args.push("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25,noise=alls=4:allf=t");
  args.push("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-pix_fmt", "yuv420p", "-b:v", "800k", "-g", "50");
  args.push(...codec, "-c:a", "libopus", "-f", "flv", `${server.rtmp}/${key}`);
  encoders.push(spawn(ffmpeg, args, { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, SVT_LOG: "1" } }));
}

before(async () => {
  server = await Server.start();
  await server.user("ada");
  const keys = [await server.channel("av1", "ada"), await server.channel("hevc", "ada")];
  browser = await launch();
  push(keys[0], ["-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "scd=0"]);
  push(keys[1], ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=50:scenecut=0:log-level=error"]);
});

after(async () => {
  await Promise.all(encoders.map((encoder) => end(encoder, "SIGINT")));
  await browser?.close();
  await server?.stop();
});

async function qualities(page) {
  await page.locator("#player").hover();
  await page.locator("media-rendition-menu-button").click();
  const menu = page.locator("media-rendition-menu");
  await menu.getByText("Auto").waitFor();
  return menu;
}

test("AV1 plays as it was sent, and as H.264 beside it", async () => {
  const { context, page, problems } = await open(browser);
  await page.goto(`${server.http}/av1`);
  await plays(page);
  const menu = await qualities(page);
  await menu.getByText("360p", { exact: true }).waitFor();
  const source = page.waitForRequest(/\/source\/.*\.m4s/);
  await menu.getByText("360p (source)", { exact: true }).click();
  await source;
  await plays(page, 4);
  const encoded = page.waitForRequest(/\/360p\/.*\.m4s/);
  const again = await qualities(page);
  await again.getByText("360p", { exact: true }).click();
  await encoded;
  await plays(page, 4);
  assert.deepEqual(problems, []);
  await context.close();
});

test("what the browser cannot decode is not offered, and H.264 plays", async () => {
  const { context, page, problems } = await open(browser);
  const fetched = [];
  page.on("request", (request) => fetched.push(new URL(request.url()).pathname));
  await page.goto(`${server.http}/hevc`);
  await plays(page, 4);
  const decodes = await page.evaluate(() => MediaSource.isTypeSupported('video/mp4; codecs="hvc1.1.6.L63.90"'));
  assert.equal(decodes, false, "this Chromium decodes HEVC; the test needs one that does not");
  assert.ok(fetched.some((path) => /\/360p\/.*\.m4s/.test(path)), fetched.join("\n"));
  assert.ok(!fetched.some((path) => /\/source\/.*\.m4s/.test(path)), fetched.join("\n"));
  assert.deepEqual(problems, []);
  await context.close();
});
