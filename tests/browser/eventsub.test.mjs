// Events for bots with a library that was made for Twitch: twurple.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { Server, push } from "./harness.mjs";

const WAIT_MS = 15_000;

let server;
let front;
const upgraded = new Set();
let key;
const listeners = [];
const ids = {};
const tokens = {};

// The library asks its mock server where Twitch has its hosts; ours has paths for them.
function translated(url) {
  return url.replace(/^\/mock\//, "/helix/").replace(/^\/eventsub\//, "/helix/eventsub/").replace(/^\/ws/, "/eventsub/ws");
}

async function open() {
  const there = new URL(server.http);
  const front = createServer((asked, answer) => {
    const { method, headers } = asked;
    const passed = request(new URL(translated(asked.url), there), { method, headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    asked.pipe(passed);
  });
  front.on("upgrade", (asked, socket) => {
    const passed = connect(Number(there.port), there.hostname, () => {
      const headers = Object.entries(asked.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      passed.write(`GET ${translated(asked.url)} HTTP/1.1\r\n${headers.join("")}\r\n`);
      passed.pipe(socket).pipe(passed);
    });
    for (const end of [socket, passed]) {
      const both = () => (socket.destroy(), passed.destroy());
      end.on("error", both).on("close", both);
      upgraded.add(end);
    }
  });
  // "localhost" may be either.
  front.listen(0, "localhost");
  await once(front, "listening");
  return front;
}

// The library remembers what it has seen by timers of ten minutes, which it never ends.
const { setTimeout } = globalThis;
globalThis.setTimeout = (...args) => setTimeout(...args).unref();

before(async () => {
  server = await Server.start();
  front = await open();
  process.env.TWURPLE_MOCK_API_PORT = front.address().port;
  for (const name of ["ada", "bob", "mia"]) await server.user(name, "viewer");
  key = await server.channel("boats", "ada");
  tokens.ada = await server.admin(["token", "create", "ada", "--scopes", "chat:read,chat:write,moderate,channel:write"]);
  tokens.mia = await server.admin(["token", "create", "mia", "--scopes", "chat:read,chat:write,moderate"]);
  tokens.bob = await server.admin(["token", "create", "bob", "--scopes", "chat:read,chat:write"]);
  for (const name of Object.keys(tokens)) {
    const [me] = (await call(name, "GET", "/helix/users")).data;
    ids[name] = me.id;
  }
  ids.boats = (await call("ada", "GET", "/helix/users?login=boats")).data[0].id;
  await call("ada", "PUT", "/api/v1/channels/boats/staff/mia", { role: "moderator" });
});

after(async () => {
  for (const listener of listeners) listener.stop();
  for (const end of upgraded) end.destroy();
  front?.closeAllConnections();
  front?.close();
  await server?.stop();
});

async function call(name, method, path, body) {
  const headers = { authorization: `Bearer ${tokens[name]}`, "content-type": "application/json" };
  const response = await fetch(`${server.http}${path}`, { method, headers, body: JSON.stringify(body) });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

const say = (name, text, more) => call(name, "POST", "/api/v1/channels/boats/chat/messages", { text, ...more });

// What comes of `subscribe`, one after the other, once the server has made the subscription.
async function follow(listener, subscribe) {
  const heard = [];
  const waiting = [];
  const made = new Promise((resolve, reject) => {
    listener.onSubscriptionCreateSuccess((subscription) => subscription === ours && resolve());
    listener.onSubscriptionCreateFailure((subscription, error) => subscription === ours && reject(error));
  });
  const ours = subscribe((event) => {
    const next = waiting.shift();
    if (next) next(event);
    else heard.push(event);
  });
  const late = (what) => new Promise((_, reject) => setTimeout(() => reject(new Error(`in vain: ${what}`)), WAIT_MS).unref());
  await Promise.race([made, late("a subscription")]);
  const next = () => (heard.length > 0 ? heard.shift() : new Promise((resolve) => waiting.push(resolve)));
  return { ours, next: () => Promise.race([next(), late("an event")]) };
}

async function bot(name) {
  const [{ ApiClient }, { EventSubWsListener }] = await Promise.all([import("@twurple/api"), import("@twurple/eventsub-ws")]);
  const token = async () => ({ accessToken: tokens[name], userId: ids[name], scope: [], expiresIn: null, obtainmentTimestamp: 0, refreshToken: null });
  const authProvider = {
    clientId: "tests",
    getCurrentScopesForUser: () => [],
    getAccessTokenForUser: token,
    getAccessTokenForIntent: token,
    getAnyAccessToken: token,
  };
  const listener = new EventSubWsListener({ apiClient: new ApiClient({ authProvider }), logger: { minLevel: "critical" } });
  listener.start();
  listeners.push(listener);
  return listener;
}

test("a bot hears what is said and what moderators do", async () => {
  const listener = await bot("mia");
  const messages = await follow(listener, (take) => listener.onChannelChatMessage(ids.boats, ids.mia, take));
  const bans = await follow(listener, (take) => listener.onChannelBan(ids.boats, take));
  const deeds = await follow(listener, (take) => listener.onChannelModerate(ids.boats, ids.mia, take));
  const cleared = await follow(listener, (take) => listener.onChannelChatClearUserMessages(ids.boats, ids.mia, take));
  const deleted = await follow(listener, (take) => listener.onChannelChatMessageDelete(ids.boats, ids.mia, take));
  const notices = await follow(listener, (take) => listener.onChannelChatNotification(ids.boats, ids.mia, take));
  const settings = await follow(listener, (take) => listener.onChannelChatSettingsUpdate(ids.boats, ids.mia, take));
  const shields = await follow(listener, (take) => listener.onChannelShieldModeBegin(ids.boats, ids.mia, take));

  const { message_id } = await say("bob", "ahoy");
  const heard = await messages.next();
  assert.deepEqual([heard.messageText, heard.chatterName, heard.broadcasterName, heard.messageId], ["ahoy", "bob", "boats", message_id]);
  await say("mia", "aye", { reply_to: message_id });
  const reply = await messages.next();
  assert.deepEqual([reply.parentMessageId, reply.parentMessageUserName], [message_id, "bob"]);
  assert.ok(Object.keys(reply.badges).includes("moderator"));

  const at = `broadcaster_id=${ids.boats}&moderator_id=${ids.mia}`;
  await call("mia", "DELETE", `/helix/moderation/chat?${at}&message_id=${message_id}`);
  assert.equal((await deleted.next()).messageId, message_id);
  const gone = await deeds.next();
  assert.deepEqual([gone.moderationAction, gone.messageText, gone.userName], ["delete", "ahoy", "bob"]);
  await call("mia", "POST", `/helix/moderation/bans?${at}`, { data: { user_id: ids.bob, duration: 60, reason: "spam" } });
  const timeout = await deeds.next();
  assert.deepEqual([timeout.moderationAction, timeout.userName, timeout.reason, timeout.moderatorName], ["timeout", "bob", "spam", "mia"]);
  assert.ok(timeout.expiryDate > new Date());
  assert.equal((await cleared.next()).userName, "bob");
  const ban = await bans.next();
  assert.deepEqual([ban.userName, ban.isPermanent, ban.reason], ["bob", false, "spam"]);
  await call("mia", "POST", `/helix/chat/announcements?${at}`, { message: "Hear, hear", color: "blue" });
  const announced = await notices.next();
  assert.deepEqual([announced.type, announced.messageText, announced.announcementColor], ["announcement", "Hear, hear", "BLUE"]);
  await call("mia", "PATCH", `/helix/chat/settings?${at}`, { slow_mode: true, slow_mode_wait_time: 7 });
  assert.equal((await settings.next()).slowModeDelay, 7);
  await call("mia", "PUT", `/helix/moderation/shield_mode?${at}`, { is_active: true });
  assert.equal((await shields.next()).moderatorName, "mia");
});

test("going live and ending is told; who moderates no more is told that, too", async () => {
  const [owner, moderator] = [await bot("ada"), await bot("mia")];
  const online = await follow(owner, (take) => owner.onStreamOnline(ids.ada, take));
  const offline = await follow(owner, (take) => owner.onStreamOffline(ids.ada, take));
  const deeds = await follow(moderator, (take) => moderator.onChannelModerate(ids.boats, ids.mia, take));
  const encoder = push(server, key);
  const live = await online.next();
  assert.deepEqual([live.broadcasterName, live.type], ["boats", "live"]);
  await encoder.stop();
  assert.equal((await offline.next()).broadcasterName, "boats");

  const revoked = new Promise((resolve) => moderator.onRevoke((subscription, status) => resolve([subscription, status])));
  await call("ada", "DELETE", "/api/v1/channels/boats/staff/mia");
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("in vain: a revocation")), WAIT_MS).unref());
  assert.deepEqual(await Promise.race([revoked, late]), [deeds.ours, "authorization_revoked"]);
});
