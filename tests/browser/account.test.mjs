// A broadcaster: sets the server up, goes live, logs out and in again.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PASSWORD, Server, accessible, launch, login, logout, open, plays, push } from "./harness.mjs";

let server;
let browser;

before(async () => {
  server = await Server.start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test("the setup link makes the first account and its channel", async () => {
  const path = await server.logged(/(\/setup\?token=[^\s"]+)/);
  const { context, page, problems } = await open(browser);
  await page.goto(server.http + path);
  await accessible(page);
  await page.getByLabel("User name").fill("ada");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.waitForURL("**/dashboard/ada");
  await page.getByRole("heading", { name: "Go live" }).waitFor();
  await accessible(page);

  await page.goto(server.http + path);
  await page.getByRole("heading", { name: "This server is set up" }).waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("a new key is hidden, can be copied, and turns the status green", async () => {
  const { context, page, problems } = await open(browser, { permissions: ["clipboard-read", "clipboard-write"] });
  await login(page, server, "ada");
  await page.goto(`${server.http}/dashboard`);
  await page.locator(".ingest").getByText("Waiting for your encoder").waitFor();
  // The buttons answer only once the islands are awake; before that the form posts.
  await page.locator("html[data-islands=awake]").waitFor();
  const replace = page.locator("summary", { hasText: "Make a new key" });
  if (await replace.isVisible()) {
    await replace.click();
    await page.getByRole("button", { name: "Replace the key" }).click();
  } else {
    await page.getByRole("button", { name: "Create stream key" }).click();
  }
  const field = page.locator("#stream-key");
  await field.waitFor();
  assert.equal(await field.getAttribute("type"), "password");
  const key = await field.inputValue();
  await page.getByRole("button", { name: "Copy stream key" }).click();
  await page.getByText("Copied").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
  assert.equal(await page.locator("pre").getByText(key).count(), 0, "the command hides the key too");
  await page.getByRole("button", { name: "Reveal" }).click();
  assert.equal(await field.getAttribute("type"), "text");
  await page.locator("pre").getByText(key).waitFor();

  const encoder = push(server, key);
  try {
    await page.locator(".ingest.connected").waitFor();
    await page.locator('.check[data-level="good"]').first().waitFor();
    await accessible(page);
    await page.getByRole("link", { name: /Open ada/ }).click();
    await plays(page);
  } finally {
    await encoder.stop();
  }
  assert.deepEqual(problems, []);
  await context.close();
});

test("a title is saved and shown", async () => {
  const { context, page, problems } = await open(browser);
  await login(page, server, "ada");
  await page.goto(`${server.http}/dashboard`);
  await page.getByLabel("Title").fill("Boats & <ships>");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("The title is saved.").waitFor();
  await page.waitForURL("**/dashboard/ada?saved=title");
  await page.goto(`${server.http}/ada`);
  await page.getByRole("heading", { name: "Boats & <ships>" }).waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("broadcast settings are saved, and given back to the server", async () => {
  // On a phone, and without WebAssembly: they are a plain form.
  const { context, page } = await open(browser, { viewport: { width: 390, height: 844 } });
  await page.route("**/*.wasm", (route) => route.abort());
  await login(page, server, "ada");
  await page.goto(`${server.http}/dashboard`);
  const grace = page.getByLabel("Wait for a lost encoder");
  const latency = page.getByLabel("Latency");
  const qualities = page.getByLabel("Qualities");
  assert.equal(await grace.locator("option:checked").textContent(), "Server’s default: 2 minutes");
  await grace.selectOption("5 minutes");
  await latency.selectOption("Normal");
  await qualities.selectOption("Always");
  await page.getByRole("button", { name: "Save settings" }).click();
  await page.getByText("The settings are saved.").waitFor();
  await accessible(page);
  const chosen = () => Promise.all([grace, latency, qualities].map((list) => list.inputValue()));
  assert.deepEqual(await chosen(), ["300", "normal", "always"]);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.equal(width, 390, "nothing is wider than the phone");

  for (const list of [grace, latency, qualities]) await list.selectOption("");
  await page.getByRole("button", { name: "Save settings" }).click();
  await page.getByText("The settings are saved.").waitFor();
  assert.deepEqual(await chosen(), ["", "", ""]);
  await context.close();
});

test("logging in and out, with a wrong password between", async () => {
  const { context, page, problems } = await open(browser);
  await page.goto(`${server.http}/dashboard`);
  await page.waitForURL("**/login?next=/dashboard");
  await accessible(page);
  await page.getByLabel("User name").fill("ada");
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  const submit = page.getByRole("button", { name: "Log in", exact: true });
  await submit.click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("User name").inputValue(), "ada");
  await accessible(page);
  // The browser itself reports the refusal's status; nothing else may be wrong.
  assert.ok(problems.every((problem) => problem.includes("401")), problems.join("\n"));

  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await submit.click();
  await page.waitForURL("**/dashboard/ada");
  await logout(page);
  await page.goto(`${server.http}/dashboard`);
  await page.waitForURL("**/login?next=/dashboard");
  await context.close();
});

test("forms and links work with WebAssembly blocked", async () => {
  const { context, page } = await open(browser);
  await page.route("**/*.wasm", (route) => route.abort());
  await login(page, server, "ada");
  await page.getByRole("banner").getByRole("link", { name: "Go live" }).click();
  await page.locator("summary", { hasText: "Make a new key" }).click();
  await page.getByRole("button", { name: "Replace the key" }).click();
  const field = page.locator("#stream-key");
  await field.waitFor();
  assert.equal(await field.getAttribute("type"), "text");
  assert.ok((await field.inputValue()).length >= 20);
  await context.close();
});

test("an unknown channel is a page with status 404", async () => {
  const { context, page } = await open(browser);
  const response = await page.goto(`${server.http}/nobody_here`);
  assert.equal(response.status(), 404);
  await page.getByRole("heading", { name: "Page not found" }).waitFor();
  await accessible(page);
  await context.close();
});
