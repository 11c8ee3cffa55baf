// Those who look after the instance: who comes in, who goes, what everybody is told, and what of it
// is kept.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PASSWORD, Server, accessible, fits, launch, login, open, push } from "./harness.mjs";

let server;
let browser;
let key;

before(async () => {
  server = await Server.start();
  await server.user("hedy", "admin");
  for (const name of ["ada", "grace"]) await server.user(name, "viewer");
  key = await server.channel("boats", "ada");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function as(name, options) {
  const opened = await open(browser, options);
  await login(opened.page, server, name);
  return opened;
}

test("sign-up by approval: somebody waits, and is let in", async () => {
  const { context, page } = await as("hedy");
  await page.goto(`${server.http}/admin/settings`);
  await accessible(page);
  await page.getByLabel("Name", { exact: true }).fill("Brook TV");
  await page.getByLabel("Who may make an account").selectOption("approval");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  await page.getByRole("banner").getByText("Brook TV").waitFor();

  const guest = await open(browser);
  await guest.page.goto(`${server.http}/signup`);
  await accessible(guest.page);
  await guest.page.getByLabel("User name").fill("linus");
  await guest.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await guest.page.getByLabel("Why would you like to join?").fill("A friend is here.");
  await guest.page.getByRole("button", { name: "Create account" }).click();
  await guest.page.getByRole("heading", { name: "Almost there" }).waitFor();

  await page.goto(`${server.http}/admin/sign-ups`);
  await page.locator("tr", { hasText: "A friend is here." }).getByRole("button", { name: "Let in" }).click();
  await page.getByText("Nobody waits.").waitFor();
  await accessible(page);
  await login(guest.page, server, "linus");
  await guest.context.close();
  await context.close();
});

test("an invite is a link that is shown once and good as often as was said", async () => {
  const { context, page } = await as("hedy");
  await page.goto(`${server.http}/admin/settings`);
  await page.getByLabel("Who may make an account").selectOption("invite");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  await page.goto(`${server.http}/admin/sign-ups`);
  await page.getByLabel("Note").fill("For Margaret");
  await page.getByRole("button", { name: "Create an invite" }).click();
  const link = (await page.locator(".shown-once code").textContent()).trim();
  await page.locator("tr", { hasText: "For Margaret" }).waitFor();
  await accessible(page);

  const guest = await open(browser);
  await guest.page.goto(`${server.http}/signup`);
  await guest.page.getByRole("heading", { name: "New accounts need an invite" }).waitFor();
  await guest.page.goto(link);
  await guest.page.getByLabel("User name").fill("margaret");
  await guest.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await guest.page.getByRole("button", { name: "Create account" }).click();
  await guest.page.locator("summary[aria-label=Account]").waitFor();
  await guest.context.close();
  await context.close();
});

test("what is live is seen with its cost, and ended", async () => {
  const encoder = push(server, key);
  const { context, page } = await as("hedy");
  try {
    const row = page.locator("#live tr", { hasText: "boats" });
    await page.goto(`${server.http}/admin`);
    while ((await row.count()) === 0) await page.reload();
    await accessible(page);
    await row.locator("summary", { hasText: "Stop" }).click();
    await row.getByRole("button", { name: "End the broadcast" }).click();
    await page.getByText("Nobody is live at the moment").waitFor();
  } finally {
    await encoder.stop();
  }
  await context.close();
});

test("a report is acted on: the channel is suspended, and restored", async () => {
  const reporter = await as("grace");
  await reporter.page.goto(`${server.http}/boats`);
  await reporter.page.getByText("Report this channel").click();
  await reporter.page.getByLabel("What is wrong").fill("A whole film.");
  await reporter.page.getByRole("button", { name: "Send the report" }).click();
  await reporter.page.getByText("Thank you.").waitFor();
  await reporter.context.close();

  const { context, page } = await as("hedy", { viewport: { width: 390, height: 844 } });
  await page.goto(`${server.http}/admin/reports`);
  await page.getByText("A whole film.").waitFor();
  await accessible(page);
  await fits(page);
  await page.getByRole("link", { name: "Do something about the channel" }).click();
  const channel = page.locator(".row", { hasText: "boats" });
  await channel.locator("summary").first().click();
  await channel.locator("summary", { hasText: "Suspend" }).click();
  await channel.locator(".confirm").getByLabel("Reason").fill("Copyright");
  await channel.getByRole("button", { name: "Suspend" }).click();
  await page.getByText("Saved.").waitFor();
  await accessible(page);
  await channel.locator("summary").first().click();
  await page.getByText("Suspended: Copyright").waitFor();
  await page.getByRole("button", { name: "Restore" }).click();
  await page.getByText("Saved.").waitFor();

  await page.goto(`${server.http}/admin/reports`);
  await page.getByRole("button", { name: "Close the report" }).click();
  await page.getByText("Nothing to look at").waitFor();
  await context.close();
});

test("somebody is suspended, is told why, and comes back", async () => {
  const { context, page } = await as("hedy");
  await page.goto(`${server.http}/admin/users?q=grac`);
  await page.getByRole("link", { name: "grace" }).first().click();
  await page.locator("summary", { hasText: "Suspend" }).click();
  await page.locator(".confirm").getByLabel("Reason").first().fill("Spam");
  await page.getByRole("button", { name: "Suspend" }).click();
  await page.getByText("Suspended: Spam").waitFor();
  await accessible(page);

  const grace = await as("grace");
  await grace.page.getByText("Your account is suspended: Spam").waitFor();
  await accessible(grace.page);
  await grace.page.goto(`${server.http}/boats`);
  await grace.page.getByRole("button", { name: "Follow", exact: true }).click();
  await grace.page.waitForLoadState();
  assert.equal(await grace.page.getByText("1 follower").count(), 0);
  await grace.context.close();

  await page.getByRole("button", { name: "Restore" }).click();
  await page.locator("summary", { hasText: "Suspend" }).waitFor();
  await context.close();
});

test("a moderator looks after people, and does not change the instance", async () => {
  const { context, page } = await as("hedy");
  await page.goto(`${server.http}/admin/users/ada`);
  await page.locator("#rights").getByLabel("Role").selectOption("moderator");
  await page.locator("#rights").getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  await context.close();

  const moderator = await as("ada");
  await moderator.page.goto(`${server.http}/admin/reports`);
  await accessible(moderator.page);
  const navigation = moderator.page.getByRole("navigation", { name: "Administration" });
  assert.equal(await navigation.getByRole("link", { name: "Settings" }).count(), 0);
  assert.equal((await moderator.page.goto(`${server.http}/admin/settings`)).status(), 404);
  assert.equal((await moderator.page.goto(`${server.http}/admin/users`)).status(), 200);
  await moderator.context.close();
});

test("a reset link lets somebody back in", async () => {
  const { context, page } = await as("hedy");
  await page.goto(`${server.http}/admin/users/grace`);
  await page.getByRole("button", { name: "Make a reset link" }).click();
  const link = (await page.locator(".shown-once code").textContent()).trim();
  await context.close();
  const guest = await open(browser);
  await guest.page.goto(link);
  await accessible(guest.page);
  await guest.page.getByLabel("New password").fill(PASSWORD);
  await guest.page.getByRole("button", { name: "Set password" }).click();
  await guest.page.waitForURL("**/login");
  await login(guest.page, server, "grace");
  await guest.context.close();
});

test("everybody is told something, until it is taken back; the log knows who did it", async () => {
  const { context, page } = await as("hedy");
  await page.goto(`${server.http}/admin/announcements`);
  await page.getByLabel("Text").fill("Maintenance on Sunday.");
  await page.getByRole("button", { name: "Announce something" }).click();
  await page.getByRole("complementary").getByText("Maintenance on Sunday.").waitFor();
  await accessible(page);
  const guest = await open(browser);
  await guest.page.goto(server.http);
  await guest.page.getByRole("complementary").getByText("Maintenance on Sunday.").waitFor();
  await guest.context.close();
  await page.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("complementary").waitFor({ state: "detached" });

  await page.goto(`${server.http}/admin/categories`);
  await page.getByLabel("Name").fill("Boat Building");
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByText("Boat Building").waitFor();
  await accessible(page);

  await page.goto(`${server.http}/admin/audit`);
  await page.getByText("user.suspend").first().waitFor();
  await accessible(page);
  await page.getByLabel("Action").fill("user.suspend");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL("**action=user.suspend**");
  const actions = await page.locator("td[data-head=Action]").allTextContents();
  assert.ok(actions.length > 0 && actions.every((action) => action === "user.suspend"), actions.join());
  await context.close();
});
