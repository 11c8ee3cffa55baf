// Somebody who broadcasts: what the channel says of itself, its schedule, keys, helpers and guests.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PASSWORD, Server, accessible, fits, launch, login, open, plays, push } from "./harness.mjs";

let server;
let browser;
let key;

before(async () => {
  server = await Server.start();
  for (const name of ["ada", "grace"]) await server.user(name, "viewer");
  key = await server.channel("boats", "ada");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const save = (page, panel) => page.locator(panel).getByRole("button", { name: "Save" }).click();

test("panels and links come and go", async () => {
  const { context, page, problems } = await open(browser);
  await login(page, server, "ada");
  await page.goto(`${server.http}/dashboard/boats/panels`);
  await accessible(page);
  const links = page.locator("#links");
  await links.getByLabel("Text").first().fill("Plans");
  await links.getByLabel("Address").first().fill("https://example.org/plans");
  await save(page, "#links");
  await page.getByText("Saved.").waitFor();
  const panels = page.locator("#panels");
  await panels.getByLabel("Title").first().fill("Rules");
  await panels.getByLabel("Text").first().fill("Be **kind** <script>alert(1)</script>");
  await save(page, "#panels");
  await page.getByText("Saved.").waitFor();
  assert.equal(await panels.getByLabel("Title").count(), 2, "there is room for another");

  await page.goto(`${server.http}/boats/about`);
  await page.getByRole("heading", { name: "Rules" }).waitFor();
  assert.equal(await page.locator(".prose strong").textContent(), "kind");
  assert.equal(await page.getByRole("link", { name: "Plans" }).getAttribute("href"), "https://example.org/plans");
  await accessible(page);

  await page.goto(`${server.http}/dashboard/boats/panels`);
  await panels.getByLabel("Title").first().fill("");
  await panels.getByLabel("Text").first().fill("");
  await save(page, "#panels");
  await page.getByText("Saved.").waitFor();
  assert.equal(await panels.getByLabel("Title").count(), 1);
  assert.deepEqual(problems, []);
  await context.close();
});

test("a wrong link is refused next to its field, and nothing typed is lost", async () => {
  const { context, page } = await open(browser);
  await login(page, server, "ada");
  await page.goto(`${server.http}/dashboard/boats/panels`);
  const links = page.locator("#links");
  await links.getByLabel("Text").nth(1).fill("Elsewhere");
  // What the browser itself would refuse goes past it.
  await page.evaluate(() => document.querySelector("#links form").setAttribute("novalidate", ""));
  await links.getByLabel("Address").nth(1).fill("javascript:alert(1)");
  await save(page, "#links");
  await page.getByRole("alert").waitFor();
  const wrong = page.locator("#links [aria-invalid=true]");
  assert.equal(await wrong.inputValue(), "javascript:alert(1)");
  assert.equal(await links.getByLabel("Text").nth(1).inputValue(), "Elsewhere");
  await accessible(page);
  await context.close();
});

test("a weekly entry is planned, shown, and left out once", async () => {
  const { context, page, problems } = await open(browser, { viewport: { width: 390, height: 844 } });
  await login(page, server, "ada");
  await page.goto(`${server.http}/dashboard/boats/schedule`);
  const entry = page.locator("#new-entry");
  await entry.getByLabel("Title").fill("Boat building");
  await entry.getByLabel("Starts").fill("2026-01-07T20:00");
  await entry.getByLabel("Time zone").fill("Europe/Berlin");
  await entry.getByLabel("Minutes").fill("90");
  await entry.getByLabel("Wednesday").check();
  await save(page, "#new-entry");
  await page.getByText("Saved.").waitFor();
  await page.locator("#coming tbody tr").first().waitFor();
  assert.equal(await page.locator("#coming tbody tr").count(), 4);
  await accessible(page);
  await fits(page);
  await page.getByRole("button", { name: "Cancel it" }).first().click();
  await page.getByRole("button", { name: "Bring it back" }).waitFor();

  await page.goto(`${server.http}/boats/schedule`);
  assert.equal(await page.locator(".occurrence").count(), 4);
  await page.locator(".skipped").getByText("Cancelled").waitFor();
  await accessible(page);
  const calendar = await page.getByRole("link", { name: "Add to a calendar" }).getAttribute("href");
  assert.match(await (await page.request.get(server.http + calendar)).text(), /BEGIN:VCALENDAR[^]*Boat building/);
  assert.deepEqual(problems, []);
  await context.close();
});

test("a key of its own for each encoder, each shown once", async () => {
  const { context, page, problems } = await open(browser);
  await login(page, server, "ada");
  await page.goto(`${server.http}/dashboard/boats/keys`);
  await page.getByLabel("Name").fill("Phone");
  await page.getByRole("button", { name: "Create stream key" }).click();
  const made = await page.locator(".shown-once code").textContent();
  assert.ok(made.length >= 20);
  await accessible(page);
  // The browser sends the form again; that makes no other key.
  await page.reload();
  await page.getByText("This was done already").waitFor();
  assert.equal(await page.getByText(made).count(), 0);
  await page.goto(`${server.http}/dashboard/boats/keys`);
  const row = page.locator("tr", { hasText: "Phone" });
  await row.locator("summary", { hasText: "Revoke" }).click();
  await row.locator("form").getByRole("button", { name: "Revoke" }).click();
  await row.waitFor({ state: "detached" });
  // The browser reports the refusal's status; nothing else may be wrong.
  assert.ok(problems.every((problem) => problem.includes("409")), problems.join("\n"));
  await context.close();
});

test("a webhook goes to the internet only", async () => {
  const { context, page } = await open(browser);
  await login(page, server, "ada");
  await page.goto(`${server.http}/dashboard/boats/webhooks`);
  await page.getByLabel("The channel goes live").check();
  await page.getByRole("textbox", { name: "Address" }).fill("http://[::ffff:127.0.0.1]/hook");
  await page.getByRole("button", { name: "Create a webhook" }).click();
  await page.getByRole("alert").waitFor();
  assert.ok(await page.getByLabel("The channel goes live").isChecked(), "what was ticked stays so");
  await accessible(page);
  await context.close();
});

test("somebody who helps sees what is theirs to do", async () => {
  const { context, page } = await open(browser);
  await login(page, server, "ada");
  await page.goto(`${server.http}/dashboard/boats/people`);
  await page.getByLabel("User name").fill("nobody_of_this_name");
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("User name").inputValue(), "nobody_of_this_name");
  await page.getByLabel("User name").fill("grace");
  await page.getByLabel("Role").selectOption("editor");
  await page.getByRole("button", { name: "Add" }).click();
  await page.locator("tr", { hasText: "Editor" }).waitFor();
  await accessible(page);
  await context.close();

  const helper = await open(browser);
  await login(helper.page, server, "grace");
  await helper.page.goto(`${server.http}/dashboard`);
  await helper.page.waitForURL("**/dashboard/boats");
  assert.equal(await helper.page.getByRole("link", { name: "Stream keys" }).count(), 0);
  await helper.page.getByRole("link", { name: "Channel profile" }).click();
  await helper.page.getByLabel("Title").fill("Sanding");
  await save(helper.page, "#about");
  await helper.page.getByText("Saved.").waitFor();
  const keys = await helper.page.goto(`${server.http}/dashboard/boats/keys`);
  assert.equal(keys.status(), 404);
  await helper.context.close();
});

test("a password stands before a broadcast that is not for everybody", async () => {
  const { context, page } = await open(browser);
  await login(page, server, "ada");
  await page.goto(`${server.http}/dashboard/boats/access`);
  await page.getByRole("combobox", { name: "Who may watch" }).selectOption("password");
  await page.getByLabel("Password", { exact: true }).fill("open sesame");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  await accessible(page);
  const encoder = push(server, key);
  const guest = await open(browser);
  try {
    await guest.page.goto(`${server.http}/boats`);
    await guest.page.waitForFunction(() => document.getElementById("player").dataset.state === "live", null, { timeout: 45_000 });
    await guest.page.getByText("This broadcast needs a password").waitFor();
    await accessible(guest.page);
    assert.equal(await guest.page.locator("#chat").isVisible(), false);
    await guest.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await guest.page.getByRole("button", { name: "Watch" }).click();
    await guest.page.locator("[data-refusal]:not([hidden])").waitFor();
    await guest.page.getByLabel("Password", { exact: true }).fill("open sesame");
    await guest.page.getByRole("button", { name: "Watch" }).click();
    await plays(guest.page);
    // The chat opens with it.
    await guest.page.locator("#chat[data-connection=open]").waitFor();
    // Who runs the channel needs none.
    await page.goto(`${server.http}/boats`);
    await plays(page);
  } finally {
    await encoder.stop();
  }
  await page.goto(`${server.http}/dashboard/boats/broadcasts`);
  await page.locator("tbody").getByRole("link").first().click();
  await page.getByRole("heading", { name: "Viewers over time" }).waitFor();
  await accessible(page);
  await guest.context.close();
  await context.close();
});
