// A viewer in Chromium for as long as standard input is open: node ordeal.mjs URL. Prints how long
// the picture moved and stood still; fails when the page had an error or the player gave up.

import { chromium } from "playwright-core";

const GAVE_UP_MS = 60_000;
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [...flags, "--autoplay-policy=no-user-gesture-required"],
});
const page = await browser.newPage();
const errors = [];
let loads = 0;
page.on("pageerror", (error) => errors.push(String(error)));
page.on("load", () => (loads += 1));
await page.goto(`${process.argv[2]}/ada`);

let over = false;
process.stdin.on("end", () => (over = true)).resume();
const looks = { moved: 0, stood: 0 };
let [last, longest, since] = [0, 0, Date.now()];
while (!over) {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const now = await page.evaluate(() => document.querySelector("video").currentTime);
  if (now !== last) since = Date.now();
  longest = Math.max(longest, Date.now() - since);
  looks[now === last ? "stood" : "moved"] += 1;
  last = now;
}
await browser.close();
console.log(JSON.stringify({ ...looks, longest_ms: longest, loads, errors }));
process.exitCode = errors.length || longest > GAVE_UP_MS || loads !== 1 ? 1 : 0;
