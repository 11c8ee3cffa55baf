// The chat without a browser: what frames do to the model, what a message is made of, what is offered
// while somebody writes, and which colours can be read.

import assert from "node:assert/strict";
import { test } from "node:test";
import { contrast, ofId, readable } from "../../web/player/src/chat/color.js";
import { put, suggestions } from "../../web/player/src/chat/complete.js";
import { MAX_LINES, Model } from "../../web/player/src/chat/model.js";
import { mentions, partsOf, sendable, webAddress } from "../../web/player/src/chat/text.js";

const ada = { id: "u1", login: "ada", display_name: "Ada" };
const bob = { id: "u2", login: "bob", display_name: "Bob" };
const message = (n, author = bob, more = {}) => ({ id: `m${n}`, at_ms: n, author, text: `text ${n}`, ...more });
const event = (n, kind, more = {}) => ({ op: "event", epoch: 1, n, at_ms: n, kind, ...more });

function welcome(more = {}) {
  const position = { epoch: 1, n: 0 };
  const you = { ...ada, may_say: true, moderator: false };
  return { op: "welcome", v: 1, channel_id: "c", you, position, recovered: false, history: [], settings: {}, heartbeat_ms: 30_000, ...more };
}

function open(more) {
  const model = new Model();
  model.receive(welcome(more), 0);
  return model;
}

const texts = (model) => model.lines.map((line) => line.message?.text ?? line.note);

test("history, then what is said, never more than so many lines", () => {
  const model = open({ history: [message(1), message(2)] });
  for (let n = 3; n < 1000; n += 1) model.receive(event(n, "message", message(n)), n);
  assert.equal(model.lines.length, MAX_LINES);
  assert.equal(model.lines.at(-1).message.id, "m999");
  assert.equal(model.lines[0].message.id, `m${1000 - MAX_LINES}`);
});

test("one's own message is there at once, and once, whichever comes first", () => {
  for (const order of [["ack", "event"], ["event", "ack"]]) {
    const model = open();
    const { frame, changes } = model.say("c1", "hello", undefined, 5);
    assert.deepEqual([frame.op, frame.id, frame.text], ["say", "c1", "hello"]);
    assert.equal(changes[0].do, "add");
    assert.equal(model.lines[0].state, "pending");
    const frames = {
      ack: { op: "ack", id: "c1", message_id: "m7" },
      event: event(1, "message", message(7, ada, { text: "hello", emotes: [{ id: "e", at: 0, len: 5 }] })),
    };
    for (const which of order) {
      model.receive(frames[which], 6);
      assert.deepEqual(texts(model), ["hello"], order.join());
    }
    assert.equal(model.lines[0].state, undefined);
    assert.equal(model.lines[0].message.emotes.length, 1);
    assert.deepEqual(model.unanswered(), []);
  }
});

test("a refusal says why and until when, and is taken away to be edited", () => {
  const model = open({ settings: { slow_seconds: 12 } });
  model.say("c1", "too soon", undefined, 1000);
  model.receive({ op: "refused", id: "c1", code: "slow_mode", detail: "Wait.", retry_ms: 12_000 }, 1000);
  assert.equal(model.lines[0].state, "refused");
  assert.equal(model.lines[0].until, 13_000);
  assert.equal(model.waits(3000), 10_000);
  assert.equal(model.waits(14_000), 0);
  model.discard("c1");
  assert.deepEqual(model.lines, []);
});

test("slow mode waits after one's own message, but not for moderators", () => {
  for (const [moderator, waits] of [[false, 5000], [true, 0]]) {
    const model = open({ settings: { slow_seconds: 5 }, you: { ...ada, may_say: true, moderator } });
    model.say("c1", "hi", undefined, 0);
    model.receive({ op: "ack", id: "c1", message_id: "m1" }, 100);
    assert.equal(model.waits(100), waits);
  }
});

test("what was not answered is sent again after coming back, and history does not double it", () => {
  const model = open();
  model.say("c1", "one", undefined, 0);
  model.say("c2", "two", undefined, 0);
  model.receive({ op: "ack", id: "c1", message_id: "m1" }, 1);
  model.receive(welcome({ history: [message(1, ada, { text: "one" })] }), 2);
  assert.deepEqual(texts(model), ["one", "away", "two"]);
  assert.deepEqual(model.unanswered().map(({ id }) => id), ["c2"]);
});

test("a recovered connection keeps what is there", () => {
  const model = open({ history: [message(1)] });
  const changes = model.receive(welcome({ recovered: true }), 2);
  assert.deepEqual(texts(model), ["text 1"]);
  assert.ok(!changes.some((change) => change.do === "reset"));
});

test("what is taken back is gone for readers and marked for moderators", () => {
  for (const moderator of [false, true]) {
    const history = [message(1, bob), message(2, ada), message(3, bob)];
    const model = open({ history, you: { ...ada, may_say: true, moderator } });
    model.receive(event(1, "deleted", { message_id: "m2" }), 1);
    model.receive(event(2, "user_cleared", { user_id: "u2", login: "bob", banned: true, seconds: 60 }), 1);
    assert.ok(model.lines.every((line) => line.deleted));
    assert.deepEqual(texts(model), moderator ? ["text 1", "text 2", "text 3"] : ["", "", ""]);
    model.receive(event(3, "cleared"), 1);
    assert.deepEqual(texts(model), moderator ? ["text 1", "text 2", "text 3", "cleared"] : ["cleared"]);
  }
});

test("a timeout of one's own ends by itself, a ban does not", () => {
  const model = open();
  model.receive(event(1, "user_cleared", { user_id: "u1", login: "ada", banned: true, seconds: 60 }), 1000);
  assert.equal(model.waits(1000), 60_000);
  model.receive(event(2, "user_cleared", { user_id: "u1", login: "ada", banned: true }), 1000);
  assert.equal(model.waits(1000), Number.POSITIVE_INFINITY);
});

test("a command says nothing, and answers whoever gave it", () => {
  const model = open();
  model.say("c1", "/slow 10", undefined, 0);
  model.receive({ op: "ack", id: "c1", detail: "Slow mode is on." }, 1);
  assert.deepEqual(texts(model), ["answer"]);
  model.say("c2", "/me waves", undefined, 0);
  assert.equal(model.lines.at(-1).message.text, "waves");
  assert.equal(model.lines.at(-1).message.action, true);
});

test("notes for what was missed, and for raids", () => {
  const model = open();
  model.receive({ op: "gap", from: { epoch: 1, n: 1 }, to: { epoch: 1, n: 9 } }, 1);
  model.receive(event(10, "interrupted", { up_to_ms: 1 }), 1);
  model.receive(event(11, "raid_in", { channel: "boats", display_name: "Boats", viewers: 12 }), 1);
  assert.deepEqual(texts(model), ["gap", "interrupted", "raid_in"]);
});

test("only what is for this person warns them", () => {
  const model = open();
  model.receive(event(1, "warned", { user_id: "u2", login: "bob", reason: "no" }), 1);
  assert.equal(model.warning, undefined);
  model.receive(event(2, "warned", { user_id: "u1", login: "ada", reason: "please stop" }), 1);
  assert.equal(model.warning, "please stop");
});

// A generator that a seed replays.
function random(seed) {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return state % below;
  };
}

test("no order of frames breaks the list", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const next = random(seed);
    const model = open();
    for (let n = 1; n < 300; n += 1) {
      const id = next(20);
      const frames = [
        () => event(n, "message", message(id, next(2) ? ada : bob)),
        () => event(n, "deleted", { message_id: `m${id}` }),
        () => event(n, "user_cleared", { user_id: `u${next(3)}`, login: "x", banned: next(2) === 1 }),
        () => event(n, "cleared"),
        () => ({ op: "ack", id: `c${id}`, message_id: `m${next(20)}` }),
        () => ({ op: "refused", id: `c${id}`, code: "rate_limit", detail: "", retry_ms: 5 }),
        () => ({ op: "gap", from: { epoch: 1, n: 1 }, to: { epoch: 1, n } }),
        () => welcome({ history: [message(id)], recovered: next(2) === 1 }),
        () => ({ op: "unheard_of" }),
        () => event(n, "unheard_of"),
      ];
      if (next(4) === 0 && !model.line(`c${id}`)) model.say(`c${id}`, "hi", undefined, n);
      else model.receive(frames[next(frames.length)](), n);
      const keys = model.lines.map(({ key }) => key);
      assert.equal(new Set(keys).size, keys.length, `seed ${seed}: a line is there twice`);
      const ids = model.lines.filter((line) => line.message && !line.state).map((line) => line.message.id);
      assert.equal(new Set(ids).size, ids.length, `seed ${seed}: a message is there twice`);
      assert.ok(keys.length <= MAX_LINES);
    }
  }
});

test("emotes are counted in characters, and what does not fit is text", () => {
  const kinds = (text, emotes) => partsOf({ text, emotes }).map(({ kind, text: part }) => `${kind}:${part}`);
  assert.deepEqual(kinds("🦀🦀 wave!", [{ id: "e", at: 3, len: 4 }]), ["text:🦀🦀 ", "emote:wave", "text:!"]);
  assert.deepEqual(kinds("wave", [{ id: "e", at: 2, len: 9 }]), ["text:wave"]);
  assert.deepEqual(kinds("a b", [{ id: "e", at: 2, len: 1 }, { id: "e", at: 0, len: 1 }]), ["text:a ", "emote:b"]);
});

test("links go to the web only", () => {
  const links = (text) => partsOf({ text }).filter(({ kind }) => kind === "link").map(({ href }) => href);
  assert.deepEqual(links("see https://example.org/a?b=1, or (http://example.com)."), ["https://example.org/a?b=1", "http://example.com/"]);
  assert.deepEqual(links("javascript:alert(1) data:text/html,x ftp://x //example.org https://"), []);
  assert.deepEqual(links("https://user:pass@example.org"), []);
  assert.equal(webAddress("HTTPS://EXAMPLE.org"), "https://example.org/");
  const whole = "a https://example.org/x) b@c.de @ada";
  assert.equal(partsOf({ text: whole }).map(({ text }) => text).join(""), whole, "nothing is lost");
});

test("a mention is of a name, not of a part of an address", () => {
  assert.equal(mentions({ text: "hi @Ada!" }, "ada"), true);
  assert.equal(mentions({ text: "mail x@ada" }, "ada"), false);
  assert.equal(mentions({ text: "hi @adam" }, "ada"), false);
  assert.equal(mentions({ text: "yes", reply_to: { login: "ada" } }, "ada"), true);
  assert.equal(mentions({ text: "hi @ada" }, undefined), false);
});

test("a message is one line", () => assert.equal(sendable("  a\n b\n"), "a b"));

test("what a half-written word may become", () => {
  const emotes = [{ id: "1", code: "riverHi" }, { id: "2", code: "riverBye" }, { id: "3", code: "lol" }];
  const names = [{ login: "ada", name: "Ada" }];
  const offered = (text, cursor = text.length) => suggestions(text, cursor, emotes, names).found.map(({ text: word }) => word);
  assert.deepEqual(offered(":riv"), ["riverHi", "riverBye"]);
  assert.deepEqual(offered(":bye"), ["riverBye"]);
  assert.deepEqual(offered("hi @a"), ["@ada"]);
  assert.deepEqual(offered("rive"), ["riverHi", "riverBye"]);
  assert.deepEqual(offered("ri"), []);
  assert.deepEqual(offered(": "), []);
  assert.deepEqual(put("hi @a there", 3, 5, "@ada"), { text: "hi @ada there", cursor: 8 });
});

test("every colour can be read on every background", () => {
  for (const background of ["#121d21", "#ffffff", "#000000", "#f3f8f8"]) {
    for (const color of ["#000000", "#ffffff", "#0000ff", "#ffff00", "#808080", ofId("u1")]) {
      assert.ok(contrast(readable(color, background), background) >= 4.5, `${color} on ${background}`);
    }
  }
  assert.equal(readable("#5fe0cb", "#121d21"), "#5fe0cb", "what can be read stays");
});
