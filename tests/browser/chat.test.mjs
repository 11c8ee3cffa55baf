// The chat: two people talk, somebody reads without script, moderators moderate by keyboard, and a
// broadcaster sets it up.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, accessible, fits, launch, login, open } from "./harness.mjs";

const PHONE = { width: 390, height: 844 };

let server;
let browser;
// Everybody's page, logged in once.
const people = {};

before(async () => {
  server = await Server.start();
  for (const name of ["ada", "bob", "mia", "eve"]) await server.user(name, "viewer");
  await server.user("root", "admin");
  await server.channel("boats", "ada");
  browser = await launch();
  for (const name of ["ada", "bob", "mia", "eve", "root"]) {
    people[name] = await open(browser);
    await login(people[name].page, server, name);
  }
  await call("ada", "PUT", "channels/boats/staff/mia", { role: "moderator" });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

// A call of the API by somebody who is logged in.
async function call(name, method, path, body) {
  const answer = await people[name].page.evaluate(
    async ([method, path, body]) => {
      const headers = body === undefined ? {} : { "content-type": "application/json" };
      const response = await fetch(`/api/v1/${path}`, { method, headers, body: JSON.stringify(body) });
      const text = await response.text();
      return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
    },
    [method, path, body],
  );
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function enter(name, path = "/boats") {
  const { page } = people[name];
  await page.goto(server.http + path);
  await connected(page);
  // Nothing is paused by a pointer that lies on the list.
  await page.mouse.move(5, 5);
  return page;
}

const connected = (page) => page.locator("#chat[data-connection=open]").waitFor();
const line = (page, text) => page.locator(".chat-line", { hasText: text });
const settled = (page, text) => page.locator(".chat-line:not(.chat-pending, .chat-refused)", { hasText: text });

async function say(page, text) {
  await page.locator("#chat-text").fill(text);
  await page.keyboard.press("Enter");
}

// Goes from the field to the newest message, and up to the one with the text.
async function focusLine(page, text) {
  await page.locator("#chat-text").focus();
  await page.keyboard.press("ArrowUp");
  for (let steps = 0; steps < 20; steps += 1) {
    if (await page.evaluate((text) => document.activeElement.textContent.includes(text), text)) return;
    await page.keyboard.press("ArrowUp");
  }
  assert.fail(`no way to ${text}`);
}

test("two people talk: one's own message is there at once, and the other sees it", async () => {
  const ada = await enter("ada");
  const bob = await enter("bob");
  await ada.locator("#chat-text").fill("good evening");
  // In the very frame after the key it is on the page, whatever the network does.
  const soon = await ada.evaluate(async () => {
    document.querySelector(".chat-composer").requestSubmit();
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return document.querySelector(".chat-log").textContent;
  });
  assert.match(soon, /good evening/);
  await settled(ada, "good evening").waitFor();
  await settled(bob, "good evening").waitFor();
  assert.equal(await line(ada, "good evening").count(), 1);
  assert.equal(await bob.locator(".chat-line .chat-badge[data-kind=broadcaster]").count(), 1);
  await accessible(ada);
});

test("an answer is highlighted for whom it answers", async () => {
  const { page: bob } = people.bob;
  const { page: ada } = people.ada;
  await focusLine(bob, "good evening");
  await bob.keyboard.press("r");
  await bob.getByText("You answer").waitFor();
  await bob.keyboard.type("hello @ada, see https://example.org/x and <b>this</b>");
  await bob.keyboard.press("Enter");
  const mention = ada.locator(".chat-mention", { hasText: "hello @ada" });
  await mention.waitFor();
  await mention.locator(".chat-quote", { hasText: "good evening" }).waitFor();
  const link = mention.getByRole("link");
  assert.deepEqual(
    [await link.getAttribute("href"), await link.getAttribute("rel"), await link.getAttribute("target")],
    ["https://example.org/x", "noopener nofollow ugc", "_blank"],
  );
  assert.equal(await mention.locator("b").count(), 0);
  await accessible(ada);
});

test("without script a guest reads what was said, and whoever is logged in can write", async () => {
  const guest = await open(browser, { javaScriptEnabled: false, viewport: PHONE });
  await guest.page.goto(`${server.http}/boats`);
  await guest.page.locator(".chat-line", { hasText: "good evening" }).first().waitFor();
  await guest.page.locator(".chat-noscript").waitFor();
  await guest.page.getByRole("link", { name: "Log in to chat" }).waitFor();
  await guest.context.close();

  const state = await people.mia.context.storageState();
  const plain = await open(browser, { javaScriptEnabled: false, storageState: state });
  await plain.page.goto(`${server.http}/boats`);
  await plain.page.locator("#chat-text").fill("by a form");
  await plain.page.getByRole("button", { name: "Send" }).click();
  await settled(people.ada.page, "by a form").waitFor();
  // What was said is written down in batches.
  for (let tries = 0; (await plain.page.locator(".chat-line", { hasText: "by a form" }).count()) === 0; tries += 1) {
    assert.ok(tries < 20, "it is on the page after loading again");
    await plain.page.goto(`${server.http}/boats`);
  }
  await plain.context.close();
});

test("slow mode says how long, before and after a message is tried", async () => {
  await call("mia", "PUT", "channels/boats/chat/settings", { slow_seconds: 30 });
  const eve = await enter("eve");
  await eve.locator(".chat-modes", { hasText: "Slow mode 30 s" }).waitFor();
  // Another window of the same person, which does not know what this one says.
  const other = await people.eve.context.newPage();
  await other.goto(`${server.http}/popout/boats/chat`);
  await connected(other);
  await say(eve, "the first");
  await settled(eve, "the first").waitFor();
  const send = eve.locator(".chat-send");
  await eve.waitForFunction(() => /^\d+ s$/.test(document.querySelector(".chat-send").textContent));
  assert.equal(await send.isDisabled(), true);
  await say(other, "too soon");
  const refused = other.locator(".chat-refused", { hasText: "too soon" });
  await refused.waitFor();
  assert.match(await refused.textContent(), /slow mode/);
  const left = () => refused.locator(".chat-countdown").textContent().then((text) => Number(/^(\d+) s$/.exec(text)[1]));
  const from = await left();
  assert.ok(from > 20 && from <= 30, `${from} s`);
  await other.waitForFunction((from) => Number.parseInt(document.querySelector(".chat-countdown").textContent) < from, from);
  await accessible(other);
  await refused.getByRole("button", { name: "Edit" }).click();
  assert.equal(await other.locator("#chat-text").inputValue(), "too soon");
  assert.equal(await line(other, "too soon").count(), 0);
  await other.close();
  await call("mia", "PUT", "channels/boats/chat/settings", { slow_seconds: 0 });
});

test("a moderator deletes by keyboard, and what was said is gone for everybody", async () => {
  const eve = await enter("eve");
  const bob = await enter("bob");
  await say(eve, "something bad");
  await settled(bob, "something bad").waitFor();
  const mia = await enter("mia");
  await line(mia, "something bad").waitFor();
  await focusLine(mia, "something bad");
  await accessible(mia);
  await mia.keyboard.press("d");
  await mia.locator(".chat-deleted", { hasText: "something bad" }).waitFor();
  await bob.locator(".chat-deleted", { hasText: "Message taken back" }).waitFor();
  assert.equal(await line(bob, "something bad").count(), 0);
});

test("a timeout by keyboard counts down where it was given", async () => {
  const [{ page: eve }, { page: mia }] = [people.eve, people.mia];
  // Who reads by keyboard is not disturbed; who writes sees the newest.
  await mia.locator("#chat-text").focus();
  await say(eve, "buy followers");
  await settled(mia, "buy followers").waitFor();
  await focusLine(mia, "buy followers");
  await mia.keyboard.press("t");
  await mia.getByRole("dialog").waitFor();
  await mia.getByLabel("For how long").selectOption("60");
  await mia.getByRole("dialog").getByLabel("Reason").fill("spam");
  await accessible(mia);
  await mia.keyboard.press("Enter");
  await eve.locator(".chat-blocked", { hasText: "You cannot write for" }).waitFor();
  assert.equal(await eve.locator("#chat-text").isDisabled(), true);
  await line(mia, "buy followers").and(mia.locator(".chat-deleted")).waitFor();
});

test("a ban, the request to be let back in, and its answer", async () => {
  const [{ page: eve }, { page: mia }] = [people.eve, people.mia];
  // What is taken back still leads to who said it.
  await focusLine(mia, "buy followers");
  await mia.keyboard.press("u");
  await mia.getByRole("dialog").getByText("timed out").waitFor();
  await accessible(mia);
  await mia.getByRole("dialog").getByRole("button", { name: "Ban", exact: true }).focus();
  await mia.keyboard.press("Enter");
  await mia.getByRole("heading", { name: "Ban eve" }).waitFor();
  await mia.getByRole("dialog").getByLabel("Reason").fill("again");
  await mia.keyboard.press("Enter");
  const card = eve.locator(".chat-card", { hasText: "You are banned" });
  await card.waitFor();
  await accessible(eve);
  await card.getByLabel("Why should you be let back in?").fill("It was my brother.");
  await card.getByRole("button", { name: "Ask to be let back in" }).click();
  await card.getByText("The moderators have your request.").waitFor();
  const desk = await enter("mia", "/dashboard/boats/moderation");
  const request = desk.locator("#requests .desk-item", { hasText: "It was my brother." });
  await request.waitFor();
  await accessible(desk);
  await request.getByRole("button", { name: "Let back in" }).click();
  await request.waitFor({ state: "detached" });
  await desk.locator("#actions-list", { hasText: "let eve back in" }).waitFor();
  await enter("eve");
  await say(eve, "thank you");
  await settled(eve, "thank you").waitFor();
});

test("a warning has to be acknowledged", async () => {
  const { page: eve } = people.eve;
  await call("mia", "POST", "channels/boats/chat/warnings/eve", { reason: "Be kind." });
  const card = eve.locator(".chat-card", { hasText: "Be kind." });
  await card.waitFor();
  assert.equal(await eve.locator("#chat-text").isDisabled(), true);
  await accessible(eve);
  await card.getByRole("button", { name: "I understand" }).click();
  await card.waitFor({ state: "detached" });
  await eve.waitForFunction(() => !document.querySelector("#chat-text").disabled);
});

test("the hold queue by keyboard: A allows, D denies", async () => {
  await call("mia", "POST", "channels/boats/chat/terms", { text: "maybe*", deed: "hold" });
  const desk = await enter("mia", "/dashboard/boats/moderation");
  const bob = await enter("bob");
  for (const text of ["maybe yes", "maybe not"]) {
    await say(bob, text);
    await bob.locator(".chat-line", { hasText: text }).getByText("A moderator looks at it first.").waitFor();
    await desk.locator("#held-list .desk-item", { hasText: text }).waitFor();
  }
  await accessible(desk);
  await desk.locator("#held-list .desk-item", { hasText: "maybe yes" }).focus();
  await desk.keyboard.press("a");
  await settled(people.ada.page, "maybe yes").waitFor();
  await desk.locator("#held-list .desk-item", { hasText: "maybe yes" }).waitFor({ state: "detached" });
  // The keyboard is on the next one already.
  await desk.waitForFunction(() => document.activeElement.textContent.includes("maybe not"));
  await desk.keyboard.press("d");
  await desk.locator("#held-list .desk-item", { hasText: "maybe not" }).waitFor({ state: "detached" });
  await desk.locator("#actions-list", { hasText: "denied" }).waitFor();
  assert.equal(await settled(people.ada.page, "maybe not").count(), 0);
});

test("shield mode and modes from the moderation view, without leaving it", async () => {
  const { page: desk } = people.mia;
  const bob = await enter("bob");
  await desk.getByRole("button", { name: "Turn shield mode on" }).click();
  await desk.getByRole("button", { name: "Turn shield mode off" }).waitFor();
  await bob.locator(".chat-modes", { hasText: "Slow mode" }).waitFor();
  await desk.getByRole("button", { name: "Turn shield mode off" }).click();
  await bob.locator(".chat-modes").waitFor({ state: "hidden" });
  await desk.getByLabel("Only emotes").check();
  await desk.locator("#modes").getByRole("button", { name: "Save" }).click();
  await bob.locator(".chat-modes", { hasText: "Emotes only" }).waitFor();
  await say(bob, "just words");
  await bob.locator(".chat-refused", { hasText: "Only emotes at the moment." }).waitFor();
  await desk.getByLabel("Only emotes").uncheck();
  await desk.locator("#modes").getByRole("button", { name: "Save" }).click();
  await bob.locator(".chat-modes").waitFor({ state: "hidden" });
});

test("an announcement, a pinned message and a poll", async () => {
  const [desk, bob] = [people.mia.page, await enter("bob")];
  const box = desk.locator("#announcement");
  await box.getByLabel("Announcement").fill("Next on Sunday");
  await box.getByLabel("Colour").selectOption("green");
  await box.getByRole("button", { name: "Announce" }).click();
  await bob.locator(".chat-announcement[data-color=green]", { hasText: "Next on Sunday" }).waitFor();
  await say(bob, "a good plan");
  await settled(desk, "a good plan").waitFor();
  await focusLine(desk, "a good plan");
  await desk.keyboard.press("p");
  await bob.locator(".chat-card", { hasText: "Pinned" }).getByText("a good plan").waitFor();

  const ada = people.ada.page;
  await ada.goto(`${server.http}/dashboard/boats/chat/extras`);
  await ada.getByLabel("Question").fill("Which wood?");
  await ada.locator("#new-poll").getByLabel("Answers").fill("Spruce\nFir");
  await ada.getByRole("button", { name: "Start a poll" }).click();
  const poll = bob.locator(".chat-poll");
  await poll.getByRole("button", { name: "Spruce" }).click();
  await poll.locator("[aria-pressed=true]", { hasText: "Spruce" }).waitFor();
  await poll.getByText("1 vote", { exact: false }).waitFor();
  await accessible(bob);
  await ada.goto(`${server.http}/dashboard/boats/chat/extras`);
  await ada.locator("#polls").getByRole("button", { name: "End" }).click();
  await poll.getByText("The poll is over").waitFor();
});

test("an emote is uploaded, offered while writing, and shown as a picture", async () => {
  const ada = people.ada.page;
  await ada.goto(`${server.http}/dashboard/boats/chat/emotes`);
  const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==";
  await ada.locator("#new-emote").getByLabel("Code").fill("boatHi");
  const file = { name: "hi.png", mimeType: "image/png", buffer: Buffer.from(png, "base64") };
  await ada.locator("#new-emote").getByLabel("Choose a picture").setInputFiles(file);
  await ada.getByRole("button", { name: "Add an emote" }).click();
  await ada.locator("#emotes").getByText("boatHi").waitFor();
  // The list of emotes comes when something was typed already.
  const bob = people.bob.page;
  let typed;
  const whenTyped = new Promise((done) => {
    typed = done;
  });
  await bob.route("**/chat/emotes", async (route) => {
    await whenTyped;
    await route.continue();
  });
  await enter("bob");
  await bob.locator("#chat-text").click();
  await bob.keyboard.type("hi :boat");
  typed();
  await bob.getByRole("option", { name: "boatHi" }).first().waitFor();
  await bob.unroute("**/chat/emotes");
  await accessible(bob);
  await bob.keyboard.press("Tab");
  assert.equal(await bob.locator("#chat-text").inputValue(), "hi boatHi ");
  await bob.keyboard.press("Enter");
  const emote = settled(bob, "hi").locator("img.emote[alt=boatHi]");
  await emote.waitFor();
  await bob.waitForFunction(() => document.querySelector("img.emote[alt=boatHi]").naturalWidth > 0);
  // Whoever wants nothing to move gets its first picture.
  const still = await open(browser, { reducedMotion: "reduce" });
  await still.page.goto(`${server.http}/popout/boats/chat`);
  await still.page.locator("canvas.emote[aria-label=boatHi]").waitFor();
  await still.context.close();
  await bob.getByRole("button", { name: "Emotes" }).click();
  await bob.locator(".chat-picker img[alt=boatHi]").waitFor();
  await accessible(bob);
  await bob.keyboard.press("Escape");
});

test("the overlay is transparent, shows what is said, and needs nobody logged in", async () => {
  const { context, page, problems } = await open(browser);
  await page.goto(`${server.http}/overlay/chat?channel=boats&size=30`);
  await connected(page);
  await say(people.bob.page, "over the picture");
  await line(page, "over the picture").waitFor();
  const look = await page.evaluate(() => {
    const clear = (element) => getComputedStyle(element).backgroundColor === "rgba(0, 0, 0, 0)";
    const size = getComputedStyle(document.querySelector("#chat")).fontSize;
    return { clear: [document.documentElement, document.body, document.querySelector("#chat")].every(clear), size };
  });
  assert.deepEqual(look, { clear: true, size: "30px" });
  // The corner of a picture without a background is nothing at all.
  const png = await page.screenshot({ omitBackground: true, clip: { x: 0, y: 0, width: 1, height: 1 } });
  const alpha = await page.evaluate(async (bytes) => {
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: "image/png" }));
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.drawImage(bitmap, 0, 0);
    return canvas.getImageData(0, 0, 1, 1).data[3];
  }, [...png]);
  assert.equal(alpha, 0);
  assert.deepEqual(problems, []);
  const framed = await fetch(`${server.http}/overlay/chat?channel=boats`);
  assert.match(framed.headers.get("content-security-policy"), /frame-ancestors \*/);
  const popout = await fetch(`${server.http}/popout/boats/chat`);
  assert.match(popout.headers.get("content-security-policy"), /frame-ancestors 'none'/);
  await page.goto(`${server.http}/overlay/chat?channel=boats&fade=1`);
  await page.locator(".chat-faded").first().waitFor();
  await context.close();
});

test("a dock moderates with a token that is typed in once and never in an address", async () => {
  const { token } = await call("mia", "POST", "me/tokens", {
    name: "dock",
    scopes: ["chat:read", "chat:write", "moderate"],
  });
  const { context, page, problems } = await open(browser, { viewport: { width: 360, height: 640 } });
  const addresses = [];
  page.on("request", (request) => addresses.push(request.url()));
  page.on("websocket", (socket) => addresses.push(socket.url()));
  await page.goto(`${server.http}/dock/chat?channel=boats`);
  await accessible(page);
  await fits(page);
  await page.getByLabel("Access token").fill(token);
  await page.getByRole("button", { name: "Connect" }).click();
  await page.waitForFunction(() => document.querySelector(".dock-token").hidden);
  await connected(page);
  await say(people.bob.page, "seen in the dock");
  await line(page, "seen in the dock").waitFor();
  await focusLine(page, "seen in the dock");
  await page.keyboard.press("d");
  await page.locator(".chat-deleted", { hasText: "seen in the dock" }).waitFor();
  await say(page, "from the dock");
  await settled(people.bob.page, "from the dock").waitFor();
  assert.ok(addresses.every((address) => !address.includes(token)));
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  assert.deepEqual(problems, []);
  await context.close();
});

test("every page of the chat can be used by everybody, on a phone too", async () => {
  const pages = [
    ["ada", "/boats"],
    ["ada", "/popout/boats/chat"],
    ["ada", "/dock/chat?channel=boats"],
    ["ada", "/dashboard/boats/moderation"],
    ["ada", "/dashboard/boats/moderation/eve"],
    ["ada", "/dashboard/boats/chat"],
    ["ada", "/dashboard/boats/chat/rules"],
    ["ada", "/dashboard/boats/chat/emotes"],
    ["ada", "/dashboard/boats/chat/extras"],
    ["root", "/admin/emotes"],
  ];
  for (const [name, path] of pages) {
    const { page } = people[name];
    for (const viewport of [PHONE, { width: 1280, height: 800 }]) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ["dark", "light"]) {
        await page.emulateMedia({ colorScheme });
        await page.goto(server.http + path);
        if (await page.locator("#chat").count()) await connected(page);
        await accessible(page);
        await fits(page);
      }
    }
  }
  for (const [name, { problems }] of Object.entries(people)) assert.deepEqual(problems, [], name);
});

test("the settings are kept", async () => {
  const { page } = people.ada;
  await page.goto(`${server.http}/dashboard/boats/chat`);
  await page.locator("#settings").getByLabel("Slow mode").fill("7");
  await page.locator("#settings").getByLabel("Hosts that may be linked to").fill("example.org\nexample.com");
  await page.locator("#settings").getByLabel("Only followers").selectOption("10");
  await page.locator("#settings").getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  assert.equal(await page.locator("#settings").getByLabel("Slow mode").inputValue(), "7");
  const settings = await call("ada", "GET", "channels/boats/chat/settings");
  assert.deepEqual([settings.slow_seconds, settings.followers_only_minutes, settings.link_hosts], [7, 10, ["example.org", "example.com"]]);
  await page.locator("#settings").getByLabel("Only followers").selectOption("");
  await page.locator("#settings").getByLabel("Slow mode").fill("0");
  await page.locator("#settings").getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  const opened = await call("ada", "GET", "channels/boats/chat/settings");
  assert.equal(opened.followers_only_minutes ?? null, null);
  await page.goto(`${server.http}/settings`);
  await page.getByLabel("Colour of your name").fill("#123456");
  await page.locator("#name").getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  assert.equal((await call("ada", "GET", "me")).color, "#123456");
});
