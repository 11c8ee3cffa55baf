// Glass to glass: how old a picture is when Chromium shows it. An encoder burns its clock into the
// picture, the page reads it back; both clocks are this machine's. The encoder's own delay counts.
//
//   RIVULET_BIN=target/release/rivulet node bench/glass.mjs --seconds 600
//   … --parts 0.5,0.2    lengths of a part, each in a run; "default" leaves the server's setting

import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { Server, end, launch, open, plays } from "../harness.mjs";
import { COLUMNS, ROWS, draw, read, since } from "./clock.mjs";

const FPS = 30;
const WIDTH = 1280;
const HEIGHT = 720;
// The clock's place in the picture, in the top left corner.
const BLOCK = 32;
// Most viewers come to a broadcast that has been on air for a while: the playlist is full then.
const ON_AIR_MS = 30_000;
// Until a player that has just changed its quality is where it wants to be.
const SETTLE_MS = 15_000;
// p95 of the source for each length of a part, and what an encoded quality may add.
const GOALS_MS = { 0.5: 1800, 0.2: 1000 };
const ENCODED_MS = 250;
const QUALITIES = ["720p (source)", "480p"];

const { values: options } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, parts: { type: "string", default: "0.5,0.2" } },
});

// ffmpeg with the present time in each of its pictures.
function publish(server, key) {
  const size = `${COLUMNS * BLOCK}:${ROWS * BLOCK}`;
  const args = ["-hide_banner", "-loglevel", "error"];
  args.push("-f", "rawvideo", "-pixel_format", "gray", "-video_size", `${COLUMNS}x${ROWS}`, "-framerate", `${FPS}`, "-i", "-");
  args.push("-f", "lavfi", "-i", `testsrc2=size=${WIDTH}x${HEIGHT}:rate=${FPS}`);
  // No -re: the clock alone sets the pace. Sound on a pace of its own would start later, and hold
  // every picture back in the muxer by as much.
  args.push("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000");
  args.push("-filter_complex", `[0:v]scale=${size}:flags=neighbor[clock];[1:v][clock]overlay=shortest=1[v]`);
  args.push("-map", "[v]", "-map", "2:a", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency");
  args.push("-pix_fmt", "yuv420p", "-b:v", "2500k", "-maxrate", "2500k", "-bufsize", "2500k", "-g", `${2 * FPS}`, "-bf", "0");
  args.push("-c:a", "aac", "-b:a", "128k", "-f", "flv", "-flvflags", "no_duration_filesize", `${server.rtmp}/${key}`);
  const child = spawn("ffmpeg", args, { stdio: ["pipe", "ignore", "inherit"] });
  child.stdin.on("error", () => {});
  const start = performance.now();
  let frame = 0;
  let timer;
  const tick = () => {
    child.stdin.write(draw(Date.now()));
    frame += 1;
    timer = setTimeout(tick, start + (frame * 1000) / FPS - performance.now());
  };
  tick();
  return {
    stop: () => {
      clearTimeout(timer);
      return end(child, "SIGINT");
    },
  };
}

async function choose(page, quality) {
  await page.locator("#player").hover();
  await page.locator("media-rendition-menu-button").click();
  await page.locator("media-rendition-menu").getByText(quality, { exact: true }).click();
  const lines = parseInt(quality);
  await page.waitForFunction((height) => document.querySelector("video").videoHeight === height, lines);
  await plays(page);
}

// Every picture that is shown in this time: the brightness of its blocks, and when it was shown.
function watch(page, ms) {
  return page.evaluate(
    ([duration, columns, rows, width, height]) =>
      new Promise((resolve) => {
        const video = document.querySelector("video");
        const canvas = document.createElement("canvas");
        // Several pixels for each block, of which the middle one counts.
        const [fine, middle] = [8, 4];
        [canvas.width, canvas.height] = [columns * fine, rows * fine];
        const context = canvas.getContext("2d", { willReadFrequently: true });
        const shown = [];
        let stalls = 0;
        let jumps = 0;
        video.addEventListener("waiting", () => (stalls += 1));
        video.addEventListener("seeking", () => (jumps += 1));
        const until = performance.now() + duration;
        const look = (now, { expectedDisplayTime }) => {
          const [w, h] = [video.videoWidth * width, video.videoHeight * height];
          context.drawImage(video, 0, 0, w, h, 0, 0, canvas.width, canvas.height);
          const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
          const blocks = [];
          for (let row = 0; row < rows; row += 1) {
            for (let column = 0; column < columns; column += 1) {
              blocks.push(data[((row * fine + middle) * canvas.width + column * fine + middle) * 4]);
            }
          }
          shown.push({ blocks, at: performance.timeOrigin + expectedDisplayTime });
          if (now < until) video.requestVideoFrameCallback(look);
        };
        video.requestVideoFrameCallback(look);
        // A player that stands still shows no picture that could end this.
        setTimeout(() => resolve({ shown, stalls, jumps }), duration);
      }),
    [ms, COLUMNS, ROWS, (COLUMNS * BLOCK) / WIDTH, (ROWS * BLOCK) / HEIGHT],
  );
}

async function measure(page, part, quality, goal) {
  await choose(page, quality);
  await page.waitForTimeout(SETTLE_MS);
  const { shown, stalls, jumps } = await watch(page, Number(options.seconds) * 1000);
  const times = shown.map(({ blocks, at }) => ({ clock: read(blocks), at }));
  const ages = times.filter(({ clock }) => clock !== undefined).map(({ clock, at }) => since(clock, at));
  if (ages.length < shown.length / 2 || ages.length === 0) throw new Error(`only ${ages.length} of ${shown.length} clocks could be read`);
  ages.sort((a, b) => a - b);
  const quantile = (share) => ages[Math.min(ages.length - 1, Math.floor(share * ages.length))];
  const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
  const [half, most] = [quantile(0.5), quantile(0.95)];
  console.log(`  ${quality.padEnd(13)}  p50 ${seconds(half)}  p95 ${seconds(most)}  max ${seconds(ages.at(-1))}` +
    `  ${ages.length} pictures, ${shown.length - ages.length} unreadable, ${stalls} stalls, ${jumps} jumps`);
  if (!goal) return;
  console.log(`  ${quality} at ${part} s: p95 ${seconds(most)}, goal at most ${seconds(goal)}: ${most <= goal ? "met" : "MISSED"}; no stall: ${stalls ? "MISSED" : "met"}`);
}

for (const part of options.parts.split(",")) {
  const server = await Server.start(part === "default" ? [] : ["--part", part]);
  await server.user("ada");
  const encoder = publish(server, await server.channel("glass", "ada"));
  const browser = await launch();
  try {
    await new Promise((resolve) => setTimeout(resolve, ON_AIR_MS));
    const { page } = await open(browser);
    await page.goto(`${server.http}/glass`);
    await plays(page);
    console.log(`glass to glass, parts of ${part} s, ${options.seconds} s each`);
    const goal = GOALS_MS[part];
    for (const [rank, quality] of QUALITIES.entries()) await measure(page, part, quality, goal && goal + rank * ENCODED_MS);
  } finally {
    await browser.close();
    await encoder.stop();
    await server.stop();
  }
}
