// A viewer: finds the channel, watches, changes the quality, stays through an interruption.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, accessible, launch, open, plays, push } from "./harness.mjs";

let server;
let browser;
let key;
let encoder;

before(async () => {
  server = await Server.start();
  await server.user("ada");
  key = await server.channel("demo", "ada");
  browser = await launch();
  encoder = push(server, key);
});

after(async () => {
  await encoder?.stop();
  await browser?.close();
  await server?.stop();
});

const state = (page, expected) =>
  page.waitForFunction((want) => document.getElementById("player").dataset.state === want, expected, { timeout: 45_000 });

test("the directory lists the live channel, without a reload", async () => {
  const { context, page, problems } = await open(browser);
  await page.goto(server.http);
  await page.locator(".cards").getByRole("link", { name: /demo/ }).waitFor({ timeout: 45_000 });
  await accessible(page);
  assert.deepEqual(problems, []);
  await context.close();
});

test("the channel page plays, and the quality menu switches", async () => {
  const { context, page, problems } = await open(browser);
  await page.goto(`${server.http}/demo`);
  await plays(page);
  assert.match(await page.title(), /demo/);
  await page.locator(".now-playing .badge-live").waitFor();
  await page.locator(".viewers").getByText("1 viewer").waitFor();
  await accessible(page);

  await page.locator("#player").hover();
  await page.locator("media-rendition-menu-button").click();
  const menu = page.locator("media-rendition-menu");
  for (const label of ["720p (source)", "480p", "360p", "Auto"]) await menu.getByText(label, { exact: label !== "Auto" }).waitFor();
  await menu.getByText("360p", { exact: true }).click();
  await page.waitForFunction(() => document.querySelector("video").videoHeight === 360);
  await plays(page);
  assert.deepEqual(problems, []);
  await context.close();
});

const behind = (page) => page.evaluate(() => Number.parseFloat(document.querySelector(".behind").textContent));

test("close to live, as far as the viewer wants it", async () => {
  const { context, page, problems } = await open(browser);
  await page.goto(`${server.http}/demo`);
  await plays(page, 6);
  assert.ok((await behind(page)) < 4, `${await behind(page)} s behind live`);
  const low = page.getByRole("button", { name: "Low latency" });
  await page.locator("#player").hover();
  assert.equal(await low.getAttribute("aria-pressed"), "true");
  await low.click();
  assert.equal(await low.getAttribute("aria-pressed"), "false");
  await page.waitForFunction(() => Number.parseFloat(document.querySelector(".behind").textContent) > 4.5);
  await plays(page);
  await accessible(page);

  // The wish is kept.
  await page.reload();
  await plays(page);
  assert.equal(await low.getAttribute("aria-pressed"), "false");
  await page.locator("#player").hover();
  await low.click();
  await page.waitForFunction(() => Number.parseFloat(document.querySelector(".behind").textContent) < 4);
  await plays(page);
  assert.deepEqual(problems, []);
  await context.close();
});

test("a lost encoder comes back into the same picture", async () => {
  const { context, page } = await open(browser);
  await page.goto(`${server.http}/demo`);
  await plays(page);
  await page.evaluate(() => (window.neverReloaded = true));
  const source = await page.evaluate(() => document.querySelector("video").src);

  await encoder.lose();
  await state(page, "reconnecting");
  // The slate plays in the place of the picture, and needs no words over it.
  await plays(page, 6);
  assert.equal(await page.locator(".overlay[data-for=reconnecting]").isVisible(), false);
  await accessible(page);

  encoder = push(server, key);
  await state(page, "live");
  await plays(page, 4);
  // The same player goes on: nothing was loaded anew.
  assert.equal(await page.evaluate(() => document.querySelector("video").src), source);
  assert.equal(await page.evaluate(() => window.neverReloaded), true);
  await context.close();
});

test("an end and a new beginning show without a reload", async () => {
  const { context, page, problems } = await open(browser);
  await page.goto(`${server.http}/demo`);
  await plays(page);
  await page.evaluate(() => (window.neverReloaded = true));

  await encoder.stop();
  await state(page, "offline");
  await page.locator(".overlay[data-for=offline]").waitFor();
  await page.locator(".now-playing .badge").getByText("Offline").waitFor();
  await accessible(page);

  encoder = push(server, key);
  await state(page, "live");
  await plays(page);
  assert.equal(await page.evaluate(() => window.neverReloaded), true);
  assert.deepEqual(problems, []);
  await context.close();
});

test("with WebAssembly blocked the video still plays", async () => {
  const { context, page } = await open(browser);
  let blocked = 0;
  await page.route("**/*.wasm", (route) => {
    blocked += 1;
    return route.abort();
  });
  await page.goto(`${server.http}/demo`);
  await plays(page);
  assert.ok(blocked > 0, "the page asked for its WebAssembly");
  await context.close();
});
