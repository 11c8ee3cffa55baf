// The IRC gateway with clients that were made for Twitch: tmi.js, and lines on a plain socket.

import assert from "node:assert/strict";
import { on, once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import tmi from "tmi.js";
import WebSocket from "ws";
import { PASSWORD, Server, push } from "./harness.mjs";

const WAIT_MS = 10_000;
const ALL_CAPS = "CAP REQ :twitch.tv/tags twitch.tv/commands twitch.tv/membership";

let server;
let port;
// The stream key of the channel.
let key;
// Everybody's access token.
const tokens = {};
const opened = [];

before(async () => {
  server = await Server.start();
  port = Number(await server.logged(/listening.*\bname="?irc"?\b.*\baddr="?[0-9.]+:(\d+)/));
  for (const name of ["ada", "bob", "mia", "eve", "zoe", "cat"]) await server.user(name, "viewer");
  key = await server.channel("boats", "ada");
  await server.channel("trains", "eve");
  for (const name of ["ada", "bob", "eve", "zoe", "cat"]) tokens[name] = await token(name, "chat:read,chat:write");
  tokens.mia = await token("mia", "chat:read,chat:write,moderate");
  tokens.owner = await token("ada", "chat:read,chat:write,moderate,channel:write");
  await call("owner", "PUT", "channels/boats/staff/mia", { role: "moderator" });
});

after(async () => {
  await Promise.all(opened.map((close) => close()));
  await server?.stop();
});

const token = (name, scopes) => server.admin(["token", "create", name, "--scopes", scopes]);

async function call(name, method, path, body) {
  const headers = { authorization: `Bearer ${tokens[name]}`, "content-type": "application/json" };
  const response = await fetch(`${server.http}/api/v1/${path}`, { method, headers, body: JSON.stringify(body) });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

const say = (name, text, more = {}) => call(name, "POST", "channels/boats/chat/messages", { text, ...more });
const set = (settings) => call("owner", "PUT", "channels/boats/chat/settings", settings);

function within(promise, what, ms = WAIT_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`in vain: ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// A client of tmi.js that has logged in and joined. Without a name it is anonymous.
async function twitch(name, channels = ["boats"], secret = tokens[name]) {
  const identity = name === undefined ? {} : { username: name, password: `oauth:${secret}` };
  const client = new tmi.Client({
    options: { skipUpdatingEmotesets: true, joinInterval: 300 },
    connection: { server: "127.0.0.1", port, secure: false, reconnect: false },
    identity,
    logger: { setLevel() {}, info() {}, warn() {}, error() {}, debug() {}, trace() {}, fatal() {} },
  });
  opened.push(() => client.disconnect().catch(() => {}));
  await within(client.connect(), `${name} connects`);
  for (const channel of channels) await client.join(channel);
  return client;
}

// The arguments of the next such event.
function next(client, event, is = () => true, ms = WAIT_MS) {
  const found = new Promise((resolve) => {
    const look = (...heard) => {
      if (!is(...heard)) return;
      client.removeListener(event, look);
      resolve(heard);
    };
    client.on(event, look);
  });
  const heard = within(found, event, ms);
  // It is awaited later, or the test has failed by then.
  heard.catch(() => {});
  return heard;
}

const saying = (text) => (_channel, _tags, heard) => heard === text;

// A plain socket: what it has heard, line by line.
class Lines {
  heard = [];
  closed = false;
  #socket;
  #rest = "";
  #taken = 0;
  #changed = () => {};

  static async open() {
    const lines = new Lines();
    lines.#socket = connect(port, "127.0.0.1");
    opened.push(async () => lines.#socket.destroy());
    lines.#socket.setEncoding("utf8");
    lines.#socket.on("data", (chunk) => {
      const parts = (lines.#rest + chunk).split("\r\n");
      lines.#rest = parts.pop();
      lines.heard.push(...parts);
      lines.#changed();
    });
    // A connection that is closed on what we still send is reset.
    lines.#socket.on("error", () => {});
    lines.#socket.on("close", () => {
      lines.closed = true;
      lines.#changed();
    });
    await once(lines.#socket, "connect");
    return lines;
  }

  static async logIn(name, caps = true) {
    const lines = await Lines.open();
    if (caps) lines.send(ALL_CAPS);
    if (name !== undefined) lines.send(`PASS oauth:${tokens[name]}`);
    lines.send(`NICK ${name ?? "justinfan77"}`);
    await lines.line(/ 376 /);
    return lines;
  }

  send(...lines) {
    this.#socket.write(lines.map((line) => `${line}\r\n`).join(""));
  }

  write(text) {
    this.#socket.write(text);
  }

  // The next line that matches, after those that were taken already.
  async line(pattern) {
    return this.#until(pattern, () => {
      const index = this.heard.findIndex((line, index) => index >= this.#taken && pattern.test(line));
      if (index < 0) return undefined;
      this.#taken = index + 1;
      return this.heard[index];
    });
  }

  async end() {
    return this.#until("the end", () => this.closed || undefined);
  }

  async #until(what, look) {
    const found = (async () => {
      for (;;) {
        const answer = look();
        if (answer !== undefined) return answer;
        assert.ok(!this.closed, `closed before ${what}:\n${this.heard.join("\n")}`);
        await new Promise((resolve) => (this.#changed = resolve));
      }
    })();
    // Twice as long: some clients are thrown out after ten seconds.
    let timer;
    const late = new Promise((_, reject) => {
      const error = () => new Error(`in vain: ${what}\n${this.heard.slice(-30).join("\n")}`);
      timer = setTimeout(() => reject(error()), 2 * WAIT_MS);
    });
    return Promise.race([found, late]).finally(() => clearTimeout(timer));
  }
}

// The tags of a line.
function tags(line) {
  const pairs = line.slice(1, line.indexOf(" ")).split(";");
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

test("anybody reads without a name, and cannot write", async () => {
  const guest = await twitch();
  assert.match(guest.getUsername(), /^justinfan\d+$/);
  assert.deepEqual(guest.getChannels(), ["#boats"]);
  const heard = next(guest, "message", saying("to all"));
  await say("bob", "to all");
  const [channel, from, , self] = await heard;
  assert.deepEqual([channel, from.username, self], ["#boats", "bob", false]);

  const plain = await Lines.logIn(undefined, false);
  plain.send("JOIN #boats");
  await plain.line(/^:justinfan77!justinfan77@justinfan77\.tmi\.twitch\.tv JOIN #boats$/);
  await plain.line(/ 353 justinfan77 = #boats :justinfan77$/);
  await plain.line(/ 366 justinfan77 #boats :/);
  await say("bob", "without tags");
  await plain.line(/^:bob!bob@bob\.tmi\.twitch\.tv PRIVMSG #boats :without tags$/);
  plain.send("PRIVMSG #boats :from nobody");
  await plain.line(/ NOTICE #boats :/);
  assert.ok(plain.heard.every((line) => !line.startsWith("@")));
});

test("a wrong token, a token without the scope and somebody else's are refused", async () => {
  const without = await token("bob", "channel:read");
  for (const [name, secret] of [
    ["bob", "nonsense"],
    ["bob", `${tokens.bob}x`],
    ["bob", without],
    ["bob", tokens.cat],
    ["nobody", tokens.bob],
  ]) {
    await assert.rejects(twitch(name, [], secret), (error) => {
      assert.equal(error, "Login authentication failed");
      return true;
    });
  }
  const silent = await Lines.open();
  silent.send("NICK bob");
  await silent.line(/^:tmi\.twitch\.tv NOTICE \* :Login authentication failed$/);
  await silent.end();
});

test("what is said goes both ways, and nobody hears themselves", async () => {
  const bob = await twitch("bob");
  const cat = await twitch("cat");
  const own = [];
  bob.on("message", (_channel, _tags, text, self) => own.push([text, self]));
  const socket = new WebSocket(`${server.http.replace("http", "ws")}/chat/boats`);
  opened.push(async () => socket.terminate());
  await once(socket, "open");
  socket.send(JSON.stringify({ op: "hello", v: 1, token: tokens.cat }));
  const frames = on(socket, "message");
  const frame = (is) =>
    within(
      (async () => {
        for (;;) {
          const [data] = (await frames.next()).value;
          const heard = JSON.parse(data);
          if (is(heard)) return heard;
        }
      })(),
      "a frame",
    );
  await frame(({ op }) => op === "welcome");

  const heard = next(cat, "message", saying("hello from tmi.js"));
  await bob.say("#boats", "hello from tmi.js");
  const [, from] = await heard;
  const event = await frame(({ kind }) => kind === "message");
  assert.deepEqual([event.id, event.author.login, event.text], [from.id, "bob", "hello from tmi.js"]);
  assert.equal(from.username, "bob");

  const replied = next(bob, "message", saying("hello from a WebSocket"));
  socket.send(JSON.stringify({ op: "say", id: "1", text: "hello from a WebSocket" }));
  await replied;
  const posted = next(bob, "message", saying("hello from the API"));
  await say("mia", "hello from the API");
  await posted;
  // Only what tmi.js shows by itself.
  assert.deepEqual(own, [
    ["hello from tmi.js", true],
    ["hello from a WebSocket", false],
    ["hello from the API", false],
  ]);
});

test("the tags say who it was, where, and what was answered", async () => {
  const cat = await Lines.logIn("cat");
  const state = tags(await cat.line(/ GLOBALUSERSTATE$/));
  assert.equal(state["display-name"], "cat");
  cat.send("JOIN #boats");
  const room = tags(await cat.line(/ ROOMSTATE #boats$/))["room-id"];
  const { message_id } = await say("mia", "from a moderator");
  const line = await cat.line(/ PRIVMSG #boats :from a moderator$/);
  const said = tags(line);
  assert.equal(said.id, message_id);
  assert.equal(said["room-id"], room);
  assert.equal(said["user-id"].length, state["user-id"].length);
  assert.deepEqual(
    [said.badges, said.mod, said["user-type"], said["display-name"], said.emotes],
    ["moderator/1", "1", "mod", "mia", ""],
  );
  assert.match(said.color, /^(#[0-9a-fA-F]{6})?$/);
  assert.ok(Math.abs(Date.now() - Number(said["tmi-sent-ts"])) < 60_000);

  const guest = await twitch();
  const answered = next(guest, "message", saying("an answer"));
  cat.send(`@reply-parent-msg-id=${message_id} PRIVMSG #boats :an answer`);
  const [, answer] = await answered;
  assert.equal(answer["reply-parent-msg-id"], message_id);
  assert.equal(answer["reply-parent-user-login"], "mia");
  assert.equal(answer["reply-parent-msg-body"], "from a moderator");
  // Of the one who writes, nothing but what they are.
  await cat.line(/ USERSTATE #boats$/);
  assert.ok(cat.heard.every((line) => !line.includes(":an answer")));

  const owner = next(guest, "message", saying("from the broadcaster"));
  await say("ada", "from the broadcaster");
  const [, broadcaster] = await owner;
  assert.ok("broadcaster" in broadcaster.badges, JSON.stringify(broadcaster.badges));
});

test("/me is an action", async () => {
  const bob = await twitch("bob");
  const guest = await twitch();
  const heard = next(guest, "action", saying("waves"));
  await bob.action("#boats", "waves");
  const [, from] = await heard;
  assert.equal(from["message-type"], "action");
  const again = next(guest, "action", saying("waves again"));
  await say("bob", "/me waves again");
  await again;
});

test("modes: all on joining, then what changes; slow mode refuses with its id", async () => {
  const guest = await twitch(undefined, []);
  const states = [];
  guest.on("roomstate", (_channel, state) => states.push(state));
  const entered = next(guest, "roomstate");
  await guest.join("boats");
  const [channel, all] = await entered;
  assert.equal(channel, "#boats");
  assert.deepEqual(
    [all["emote-only"], all["followers-only"], all.r9k, all.slow, all["subs-only"]],
    [false, "-1", false, false, false],
  );
  const zoe = await twitch("zoe");
  const slow = next(guest, "slowmode");
  await set({ slow_seconds: 30 });
  assert.deepEqual(await slow, ["#boats", true, 30]);
  assert.deepEqual(Object.keys(states.at(-1)).sort(), ["channel", "room-id", "slow"]);
  const first = next(guest, "message", saying("the first"));
  await zoe.say("#boats", "the first");
  await first;
  const refused = next(zoe, "notice");
  await zoe.say("#boats", "too soon");
  const [, id, text] = await refused;
  assert.equal(id, "msg_slowmode");
  assert.match(text, /slow mode/i);
  const fast = next(guest, "slowmode");
  await set({ slow_seconds: 0 });
  assert.deepEqual(await fast, ["#boats", false, 0]);

  const followers = next(guest, "followersonly");
  await set({ followers_only_minutes: 10 });
  assert.deepEqual(await followers, ["#boats", true, 10]);
  const kept = next(zoe, "notice", (_channel, id) => id !== "msg_slowmode");
  await zoe.say("#boats", "no follower");
  assert.equal((await kept)[1], "msg_followersonly");
  const open = next(guest, "followersonly");
  await call("mia", "POST", "channels/boats/chat/messages", { text: "/followersoff" });
  assert.deepEqual(await open, ["#boats", false, 0]);
});

test("moderators do with tmi.js what they do on Twitch", async () => {
  const mia = await twitch("mia");
  const guest = await twitch();
  const zoe = await twitch("zoe");
  assert.equal(mia.isMod("#boats", "mia"), true);

  const slow = next(guest, "slowmode", (_channel, on) => on);
  assert.deepEqual(await mia.slow("boats", 12), ["#boats", 12]);
  assert.deepEqual(await slow, ["#boats", true, 12]);
  await mia.slowoff("boats");
  await mia.r9kbeta("boats");
  await mia.r9kbetaoff("boats");
  await mia.emoteonly("boats");
  await mia.emoteonlyoff("boats");

  const deleted = next(guest, "messagedeleted");
  const said = next(guest, "message", saying("delete me"));
  await zoe.say("#boats", "delete me");
  const [, { id }] = await said;
  await mia.deletemessage("boats", id);
  const [, who, , about] = await deleted;
  assert.deepEqual([who, about["target-msg-id"]], ["zoe", id]);

  const timeout = next(guest, "timeout");
  await mia.timeout("boats", "zoe", 600, "enough");
  const [, name, , seconds] = await timeout;
  assert.equal(name, "zoe");
  assert.ok(seconds > 590 && seconds <= 600, `${seconds} s`);
  const refused = next(zoe, "notice");
  await zoe.say("#boats", "let me");
  assert.equal((await refused)[1], "msg_timedout");
  await mia.unban("boats", "zoe");

  const ban = next(guest, "ban");
  await mia.ban("boats", "zoe", "that is it");
  assert.equal((await ban)[1], "zoe");
  const banned = next(zoe, "notice", (_channel, id) => id !== "msg_timedout");
  await zoe.say("#boats", "let me").catch(() => {});
  assert.equal((await banned)[1], "msg_banned");
  await mia.unban("boats", "zoe");

  // Who is only cleared is not banned.
  const bans = [];
  guest.on("ban", (_channel, who) => bans.push(who));
  const purged = next(guest, "timeout");
  await say("mia", "/purge zoe");
  assert.deepEqual((await purged).slice(1, 4), ["zoe", null, 1]);
  assert.deepEqual(bans, []);

  const cleared = next(guest, "clearchat");
  await mia.clear("boats");
  assert.deepEqual(await cleared, ["#boats"]);
});

test("who is no moderator, or has a token that is not for it, moderates nothing", async () => {
  const bob = await twitch("bob");
  await assert.rejects(bob.ban("boats", "eve"), (error) => error === "no_permission");
  // The broadcaster, with a token that only chats.
  const ada = await twitch("ada");
  await assert.rejects(ada.ban("boats", "eve"), (error) => error === "no_permission");
  const guest = await twitch();
  const heard = next(guest, "message", saying("still here"));
  await say("eve", "still here");
  await heard;
});

test("what only moderators get goes to the moderators of that channel", async () => {
  tokens.bobmod = await token("bob", "chat:read,chat:write,moderate");
  await set({ delay_seconds: 6 });
  // Moderates nothing here, whatever the token is good for.
  const bob = await twitch("bob", ["boats"], tokens.bobmod);
  const mia = await twitch("mia");
  const times = {};
  const early = next(mia, "message", saying("delayed")).then(() => (times.mia = Date.now()));
  const late = next(bob, "message", saying("delayed")).then(() => (times.bob = Date.now()));
  await say("cat", "delayed");
  await Promise.all([early, late]);
  assert.ok(times.bob - times.mia > 4000, `${times.bob - times.mia} ms`);
  await set({ delay_seconds: 0 });
});

test("an announcement is a notice to everybody", async () => {
  const guest = await Lines.logIn();
  const mia = await Lines.logIn("mia");
  for (const lines of [guest, mia]) {
    lines.send("JOIN #boats");
    await lines.line(/ ROOMSTATE #boats$/);
  }
  mia.send("PRIVMSG #boats :/announceblue hear, hear");
  for (const lines of [guest, mia]) {
    const told = tags(await lines.line(/ USERNOTICE #boats :hear, hear$/));
    assert.deepEqual([told["msg-id"], told["msg-param-color"], told.login], ["announcement", "BLUE", "mia"]);
  }
});

test("whatever is written is one line", async () => {
  const guest = await Lines.logIn();
  guest.send("JOIN #boats");
  await guest.line(/ ROOMSTATE #boats$/);
  const harm = "\r\n:tmi.twitch.tv RECONNECT\nPING\u0000";
  await say("mia", `/announce commanded${harm}`);
  await guest.line(/ USERNOTICE #boats :commanded +:tmi/);
  await say("mia", `said${harm}`);
  await guest.line(/ PRIVMSG #boats :said +:tmi/);
  assert.ok(guest.heard.every((line) => !/^(:tmi\.twitch\.tv RECONNECT|PING$)/.test(line)));
});

test("a raid is told where it comes in", async () => {
  tokens.raider = await token("eve", "channel:write");
  const encoder = push(server, key);
  try {
    const guest = await twitch();
    // Viewers are told half a minute before they go.
    const raided = next(guest, "raided", () => true, 60_000);
    const go = () => call("raider", "POST", "channels/trains/raid", { channel: "boats" });
    const began = Date.now();
    for (;;) {
      const error = await go().then(() => undefined, String);
      if (error === undefined) break;
      // Nothing is on air yet.
      assert.ok(error.includes("offline") && Date.now() - began < 45_000, error);
      await sleep(250);
    }
    const [channel, from, viewers, told] = await raided;
    assert.deepEqual([channel, from, viewers], ["#boats", "trains", 0]);
    assert.match(told["system-msg"], /raiders from trains/);
  } finally {
    await encoder.stop();
  }
});

test("both ends ask whether the other is there", async () => {
  const guest = await twitch();
  const [latency] = await guest.ping();
  assert.ok(latency < 5);
  const lines = await Lines.logIn();
  lines.send("PING :are you there");
  await lines.line(/^:tmi\.twitch\.tv PONG tmi\.twitch\.tv :are you there$/);
});

test("capabilities are negotiated as clients of other networks do it", async () => {
  const lines = await Lines.open();
  lines.send("CAP LS 302", "NICK justinfan1", "USER a 0 * :a");
  await lines.line(/ CAP \* LS :twitch\.tv\/tags twitch\.tv\/commands twitch\.tv\/membership$/);
  lines.send("CAP REQ :sasl");
  await lines.line(/ CAP \* NAK :sasl$/);
  lines.send("CAP REQ :twitch.tv/tags");
  await lines.line(/ CAP \* ACK :twitch\.tv\/tags$/);
  assert.ok(lines.heard.every((line) => !line.includes(" 001 ")));
  lines.send("CAP END");
  await lines.line(/ 001 justinfan1 :/);
  await lines.line(/ 376 justinfan1 /);
});

test("a channel that is not there says so; the others go on; leaving leaves", async () => {
  const guest = await twitch(undefined, []);
  await assert.rejects(guest.join("nosuchchannel"), (error) => error === "msg_channel_suspended");
  await guest.join("boats");
  await guest.join("trains");
  await guest.part("boats");
  assert.deepEqual(guest.getChannels(), ["#trains"]);
  const heard = [];
  guest.on("message", (channel) => heard.push(channel));
  await say("bob", "nobody hears this");
  const there = next(guest, "message");
  await call("eve", "POST", "channels/trains/chat/messages", { text: "all aboard" });
  await there;
  assert.deepEqual(heard, ["#trains"]);
});

test("twenty channels in ten seconds, and no more", async () => {
  for (let n = 0; n < 21; n += 1) await server.channel(`many${n}`, "eve");
  const lines = await Lines.logIn();
  lines.send(`JOIN ${Array.from({ length: 21 }, (_, n) => `#many${n}`).join(",")}`);
  const refused = await lines.line(/ NOTICE /);
  assert.match(refused, /msg-id=msg_ratelimit .* NOTICE #many20 :/);
  assert.equal(lines.heard.filter((line) => / ROOMSTATE /.test(line)).length, 20);
  // What was joined is not joined again, and costs nothing.
  lines.send("JOIN #many0", "PING :still");
  await lines.line(/ PONG .*:still$/);
});

test("nonsense is answered or passed over", async () => {
  const lines = await Lines.logIn();
  lines.write("\r\n\n   \r\n@\r\n@a=b\r\n:x\r\n:\r\n \u0000 \r\n");
  lines.send("FLY away", "PRIVMSG", "PRIVMSG #boats", "PRIVMSG #boats :", "PRIVMSG nobody :hi", "JOIN", "JOIN boats", "JOIN #");
  lines.send("JOIN #../x", "JOIN ,,,,", "PART", "PART #boats", "CAP", "CAP REQ", "CAP FLY", "NICK", "NICK ada", "PASS x", "MODE", "WHO");
  lines.send(`FLY${"Y".repeat(400)}`, "PRIVMSG #boats :\u0001ACTION", "💥 💥 :💥", "@".repeat(100), ";=;=;= X");
  lines.write(Buffer.from([0xff, 0xfe, 0x20, 0xc3, 0x28, 0x0d, 0x0a]));
  lines.send("PING :still");
  await lines.line(/ 421 justinfan77 FLY :Unknown command$/);
  await lines.line(/ PONG .*:still$/);
  // Who it is has not changed.
  lines.send("JOIN #boats");
  await lines.line(/^:justinfan77!.* JOIN #boats$/);
});

test("a line in pieces is a line, and two in one piece are two", async () => {
  const lines = await Lines.logIn();
  lines.write("PI");
  lines.write("NG :in pi");
  lines.write("eces\r");
  lines.write("\nPING :second\r\nPING :third\n");
  for (const word of ["in pieces", "second", "third"]) await lines.line(new RegExp(` PONG .*:${word}$`));
});

test("a line that does not end is the end", async () => {
  const lines = await Lines.logIn();
  lines.write("x".repeat(10 * 1024));
  await lines.end();
  const web = await twitch(undefined, []);
  const gone = next(web, "disconnected");
  web.ws.send("x".repeat(10 * 1024));
  await gone;
  // The others do not notice.
  const other = await Lines.logIn();
  other.send("PING :here");
  await other.line(/ PONG .*:here$/);
});

test("a flood of lines is the end", async () => {
  const lines = await Lines.logIn();
  lines.write("PING :x\r\n".repeat(600));
  await lines.end();
  assert.ok(lines.heard.length < 560);
});

test("who says nothing, or no name, within ten seconds is thrown out", async () => {
  const began = Date.now();
  const silent = await Lines.open();
  const nameless = await Lines.open();
  nameless.send(ALL_CAPS);
  const letter = await Lines.open();
  letter.write("G");
  await Promise.all([silent.end(), nameless.end(), letter.end()]);
  const took = Date.now() - began;
  assert.ok(took > 8000 && took < 15_000, `${took} ms`);
});

test("a web server's visitor is told that this is none", async () => {
  const response = await fetch(`http://127.0.0.1:${port}/`);
  assert.equal(response.status, 426);
});

test("a token that is revoked ends what came with it, and opens nothing more", async () => {
  const secret = await token("cat", "chat:read,chat:write");
  const inside = await twitch("cat", ["boats"], secret);
  const outside = await twitch("cat", [], secret);
  const json = { "content-type": "application/json" };
  const login = await fetch(`${server.http}/api/v1/login`, {
    method: "POST",
    headers: json,
    body: JSON.stringify({ username: "cat", password: PASSWORD }),
  });
  const cookie = login.headers.getSetCookie()[0].split(";")[0];
  const list = await fetch(`${server.http}/api/v1/me/tokens`, { headers: { cookie } });
  const gone = next(inside, "disconnected");
  for (const { id } of (await list.json()).items) {
    const revoked = await fetch(`${server.http}/api/v1/me/tokens/${id}`, { method: "DELETE", headers: { cookie } });
    assert.ok(revoked.ok, `${revoked.status}`);
  }
  await gone;
  const shut = next(outside, "disconnected");
  outside.join("boats").catch(() => {});
  await shut;
});

// The last one: the server is gone after it.
test("a server that stops asks to come back", async () => {
  const client = await twitch();
  const asked = next(client, "raw_message", ({ command }) => command === "RECONNECT");
  const lines = await Lines.logIn();
  lines.send("JOIN #boats");
  await lines.line(/ ROOMSTATE #boats$/);
  const stopped = server.stop();
  server = undefined;
  await lines.line(/^:tmi\.twitch\.tv RECONNECT$/);
  await lines.end();
  await asked;
  // tmi.js comes back by itself; here there is nothing to come back to.
  client.connect = async () => {};
  await stopped;
});
