// Somebody who watches: finds channels, follows, reads what a channel says of itself. Without script
// too, and in German.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, accessible, fits, launch, login, open, push } from "./harness.mjs";

let server;
let browser;
let encoder;
let pianoKey;

before(async () => {
  server = await Server.start();
  for (const name of ["ada", "grace"]) await server.user(name, "viewer");
  const key = await server.channel("boats", "ada");
  pianoKey = await server.channel("piano", "ada");
  browser = await launch();
  const { context, page } = await open(browser);
  await login(page, server, "ada");
  await page.goto(`${server.http}/dashboard/boats/profile`);
  await page.getByLabel("Display name").fill("Ada’s Boats");
  await page.getByLabel("Title").fill("Laying the keel");
  await page.getByLabel("Category").selectOption("Art");
  await page.getByLabel("Tags").fill("wood, Boats");
  await page.getByLabel("Language of the broadcasts").selectOption("de");
  await page.getByLabel("Description").fill("Small boats, built slowly.");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  await context.close();
  encoder = push(server, key);
});

after(async () => {
  await encoder?.stop();
  await browser?.close();
  await server?.stop();
});

test("channels are found by category, tag, language and word", async () => {
  const { context, page, problems } = await open(browser);
  await page.goto(server.http);
  await page.locator(".card", { hasText: "Laying the keel" }).waitFor();
  await accessible(page);
  await page.getByRole("navigation", { name: "Categories" }).getByRole("link", { name: /Art/ }).click();
  await page.getByRole("heading", { name: "Art", level: 1 }).waitFor();
  await page.locator(".card", { hasText: "Ada’s Boats" }).waitFor();
  await accessible(page);

  await page.goto(`${server.http}/boats`);
  await page.getByRole("link", { name: "wood", exact: true }).click();
  await page.getByRole("heading", { name: "#wood" }).waitFor();
  await page.locator(".card", { hasText: "Ada’s Boats" }).waitFor();
  await page.goto(`${server.http}/?language=fr`);
  await page.getByText("Nobody is live at the moment").waitFor();

  await page.getByRole("searchbox", { name: "Search", exact: true }).fill("kee");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Results for “kee”" }).waitFor();
  await page.locator(".card", { hasText: "Ada’s Boats" }).waitFor();
  await accessible(page);
  await page.goto(`${server.http}/search?q=nothinglikethis`);
  await page.getByText("Nothing was found").waitFor();
  await accessible(page);
  assert.deepEqual(problems, []);
  await context.close();
});

test("following works without any script", async () => {
  const { context, page } = await open(browser, { javaScriptEnabled: false });
  await page.goto(`${server.http}/boats/about`);
  await page.getByRole("main").getByRole("link", { name: "Follow" }).click();
  await page.waitForURL("**/login?next=/boats/about");
  await page.getByLabel("User name").fill("grace");
  await page.getByLabel("Password", { exact: true }).fill("correct horse battery staple");
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.waitForURL("**/boats/about");
  await page.getByText("Small boats, built slowly.").waitFor();
  await page.getByRole("button", { name: "Follow", exact: true }).click();
  await page.getByText("1 follower").waitFor();
  const bell = page.getByRole("button", { name: /when this channel goes live/ });
  assert.equal(await bell.getAttribute("aria-pressed"), "true");
  await bell.click();
  assert.equal(await bell.getAttribute("aria-pressed"), "false");

  await page.getByRole("banner").getByRole("link", { name: "Following" }).click();
  await page.locator(".card", { hasText: "Ada’s Boats" }).waitFor();
  await page.goto(`${server.http}/boats`);
  await page.getByRole("button", { name: "Unfollow" }).click();
  await page.getByText("0 followers").waitFor();
  await page.goto(`${server.http}/followed`);
  await page.getByText("You do not follow anybody yet").waitFor();
  await context.close();
});

test("a follower reads that a channel went live", async () => {
  const { context, page, problems } = await open(browser);
  await login(page, server, "grace");
  await page.goto(`${server.http}/notifications`);
  await page.getByText("No notifications").waitFor();
  await accessible(page);
  await page.goto(`${server.http}/piano`);
  await page.getByRole("button", { name: "Follow", exact: true }).click();
  await page.getByRole("button", { name: "Unfollow" }).waitFor();
  const piano = push(server, pianoKey);
  try {
    await page.waitForFunction(() => document.getElementById("player").dataset.state === "live", null, { timeout: 45_000 });
    // Away from the player first: a rung that it asks for while the broadcast ends was never made.
    await page.goto(server.http);
  } finally {
    await piano.stop();
  }
  await page.getByRole("link", { name: "Notifications, 1 new" }).click();
  await page.getByText("piano went live").waitFor();
  await accessible(page);
  await page.getByRole("button", { name: "Mark all as read" }).click();
  await page.getByRole("link", { name: "Notifications", exact: true }).waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("a report reaches the server, and an unknown reason does not", async () => {
  const { context, page } = await open(browser);
  await login(page, server, "grace");
  await page.goto(`${server.http}/boats`);
  await page.getByText("Report this channel").click();
  await page.getByLabel("Reason").selectOption("Copyright");
  await page.getByLabel("What is wrong").fill("A whole film.");
  await page.getByRole("button", { name: "Send the report" }).click();
  await page.getByText("Thank you.").waitFor();
  await accessible(page);
  await context.close();
});

test("the pages are in German where the browser is, or where that was chosen", async () => {
  const { context, page, problems } = await open(browser, { locale: "de-DE", viewport: { width: 390, height: 844 } });
  await page.goto(server.http);
  await page.getByRole("heading", { name: "Jetzt live" }).waitFor();
  await fits(page);
  await page.goto(`${server.http}/boats`);
  await page.getByRole("link", { name: "Folgen" }).waitFor();
  await accessible(page);
  await fits(page);
  await page.getByRole("link", { name: "English" }).click();
  await page.getByRole("main").getByRole("link", { name: "Follow" }).waitFor();
  await page.goto(server.http);
  await page.getByRole("heading", { name: "Live now" }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  assert.deepEqual(problems, []);
  await context.close();
});

test("the API is described, each type with a link to what it is", async () => {
  const { context, page, problems } = await open(browser);
  await page.goto(server.http);
  await page.getByRole("link", { name: "For developers" }).click();
  await page.getByRole("heading", { name: "The API" }).waitFor();
  await accessible(page);
  await page.locator("summary", { hasText: "/api/v1/search" }).click();
  await page.locator(".operation[open]").getByRole("link", { name: "Found" }).click();
  await page.locator("#type-Found").getByText("categories").first().waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("a link to a channel previews well, and another site can show its player", async () => {
  const { context, page } = await open(browser);
  await page.goto(`${server.http}/boats`);
  const meta = (property) => page.locator(`meta[property="og:${property}"]`).getAttribute("content");
  assert.match(await meta("title"), /Laying the keel/);
  assert.match(await meta("description"), /Ada’s Boats is live/);
  const picture = await page.request.get(await meta("image"));
  assert.match(picture.headers()["content-type"], /^image\//);
  const feed = await page.locator('link[type="application/rss+xml"]').getAttribute("href");
  const answer = await page.request.get(server.http + feed);
  assert.equal(answer.headers()["content-type"], "application/rss+xml; charset=utf-8");
  assert.match(await answer.text(), /Laying the keel/);

  const embed = await page.goto(`${server.http}/embed/boats`);
  assert.match(embed.headers()["content-security-policy"], /frame-ancestors \*/);
  assert.equal(await page.getByRole("banner").count(), 0);
  await page.waitForFunction(() => document.querySelector("video")?.readyState >= 3, null, { timeout: 45_000 });
  await context.close();
});
