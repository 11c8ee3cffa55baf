// What a client knows of a room. Pure: frames, the person's own messages and the time go in, a list
// of changes comes out for the view. Nothing in it grows with the time that it is open.

export const MAX_LINES = 200;
const MAX_PENDING = 20;

const isOwn = (line) => line.state !== undefined;

export class Model {
  // Messages and notes between them, the oldest first: `{ key, message, state, refusal, until, deleted }`
  // or `{ key, note, values }`. A state (`pending`, `refused`, `held`) is of what the person just said.
  lines = [];
  you;
  settings = {};
  pinned;
  poll;
  raid;
  warning;
  // Why the person cannot write: `{ until }`, without a time for good.
  ban;
  // Before this moment slow mode refuses.
  slowUntil = 0;
  isOpen = false;
  #notes = 0;

  get moderates() {
    return this.you?.moderator === true;
  }

  line(key) {
    return this.lines.findLast((line) => line.key === key);
  }

  message(id) {
    return this.lines.findLast((line) => line.message?.id === id);
  }

  receive(frame, now) {
    switch (frame.op) {
      case "welcome":
        return this.#welcome(frame);
      case "event":
        return this.#event(frame, now);
      case "ack":
        return this.#ack(frame, now);
      case "refused":
        return this.#refused(frame, now);
      case "gap":
        return this.#note("gap");
      default:
        return [];
    }
  }

  // The person says something: the frame to send, and what changes at once.
  say(id, text, replyTo, now) {
    const frame = { op: "say", id, text, reply_to: replyTo?.id };
    // A command says nothing by itself.
    if (text.startsWith("/") && !/^\/me\s/i.test(text)) return { frame, changes: this.#put({ key: id, command: text, state: "pending", frame }) };
    const action = text.startsWith("/");
    const message = { id, at_ms: now, author: this.you, text: action ? text.slice(3).trim() : text, action };
    if (replyTo) {
      const { author, text: quoted } = replyTo;
      message.reply_to = { id: replyTo.id, user_id: author.id, login: author.login, display_name: author.display_name, text: quoted };
    }
    return { frame, changes: this.#put({ key: id, message, state: "pending", frame }) };
  }

  // What was said and not answered: to be sent again, which says it once.
  unanswered() {
    return this.lines.filter((line) => line.state === "pending").slice(-MAX_PENDING).map((line) => line.frame);
  }

  // Takes away what was refused.
  discard(key) {
    const index = this.lines.findIndex((line) => line.key === key && isOwn(line));
    if (index < 0) return [];
    this.lines.splice(index, 1);
    return [{ do: "drop", key }];
  }

  // Milliseconds until the person may write again; infinite for a ban.
  waits(now) {
    const banned = this.ban ? (this.ban.until ?? Number.POSITIVE_INFINITY) - now : 0;
    return Math.max(0, banned, this.moderates ? 0 : this.slowUntil - now);
  }

  #welcome(frame) {
    this.you = frame.you;
    this.settings = frame.settings;
    this.pinned = frame.pinned;
    this.poll = frame.poll;
    this.warning = frame.warning;
    const changes = [];
    if (!frame.recovered) {
      const said = new Set(frame.history.map((message) => message.id));
      const own = this.lines.filter((line) => isOwn(line) && !said.has(line.key));
      const came = this.isOpen ? [{ key: `note-${(this.#notes += 1)}`, note: "away" }] : [];
      const history = frame.history.map((message) => ({ key: message.id, message, deleted: message.deleted }));
      this.lines = [...history, ...came, ...own].slice(-MAX_LINES);
      changes.push({ do: "reset" });
    }
    this.isOpen = true;
    return [...changes, { do: "room" }];
  }

  #event(event, now) {
    switch (event.kind) {
      case "message":
        return this.#message(event);
      case "deleted":
        return this.#takeBack((line) => line.message.id === event.message_id);
      case "user_cleared": {
        const changes = this.#takeBack((line) => line.message.author?.id === event.user_id);
        if (event.banned && event.user_id === this.you?.id) {
          this.ban = { until: event.seconds === undefined ? undefined : now + event.seconds * 1000 };
          changes.push({ do: "room" });
        }
        return changes;
      }
      case "cleared":
        if (this.moderates) return [...this.#takeBack(() => true), ...this.#note("cleared")];
        this.lines = this.lines.filter(isOwn);
        return [{ do: "reset" }, ...this.#note("cleared")];
      case "settings":
        this.settings = event.settings;
        return [{ do: "room" }];
      case "pinned":
        this.pinned = event.message;
        return [{ do: "room" }];
      case "unpinned":
        this.pinned = undefined;
        return [{ do: "room" }];
      case "poll":
        this.poll = event.poll;
        return [{ do: "room" }];
      case "raid_out":
        this.raid = event;
        return [{ do: "room" }];
      case "raid_cancelled":
        this.raid = undefined;
        return [{ do: "room" }];
      case "raid_in":
        return this.#note("raid_in", { channel: event.display_name || event.channel, count: event.viewers });
      case "emotes":
        return [{ do: "emotes" }];
      case "warned":
        if (event.user_id !== this.you?.id) return [];
        this.warning = event.reason;
        return [{ do: "room" }];
      case "held":
        return [{ do: "held", held: event.message }];
      case "hold_resolved":
        return [{ do: "resolved", id: event.id, allowed: event.allowed }];
      case "action":
        return [{ do: "action", action: event.action }];
      case "burst":
        return this.#note(event.shield ? "burst_shield" : "burst", { count: event.chatters, seconds: event.seconds });
      case "interrupted":
        return this.#note("interrupted");
      default:
        return [];
    }
  }

  #message(message) {
    const { id, text, author } = message;
    // One's own may come before the answer to it.
    const isAnswer = (line) => line.state === "pending" && line.message?.text === text && line.message.author?.id === author?.id;
    const known = this.lines.find((line) => line.message?.id === id || line.confirmed === id) ?? this.lines.find(isAnswer);
    if (known) {
      known.message = message;
      known.confirmed = id;
      known.state = undefined;
      return [{ do: "change", line: known }];
    }
    return this.#put({ key: message.id, message });
  }

  // What the person said stands where it was said, with the message as everybody sees it.
  #ack({ id, message_id, detail }, now) {
    const line = this.line(id);
    if (!line) return [];
    if (line.command !== undefined) {
      const changes = this.discard(id);
      return detail ? [...changes, ...this.#note("answer", { text: detail })] : changes;
    }
    if (this.settings.slow_seconds > 0) this.slowUntil = now + this.settings.slow_seconds * 1000;
    const came = this.lines.find((other) => other !== line && other.message?.id === message_id);
    if (came) return [...this.discard(id), { do: "room" }];
    line.state = undefined;
    line.confirmed = message_id;
    line.message = { ...line.message, id: message_id };
    return [{ do: "change", line }, { do: "room" }];
  }

  #refused({ id, code, detail, retry_ms }, now) {
    const line = this.line(id);
    const changes = [];
    const until = retry_ms === undefined ? undefined : now + retry_ms;
    if (line) {
      line.state = code === "held" ? "held" : "refused";
      line.refusal = { code, detail };
      line.until = until;
      changes.push({ do: "change", line });
    }
    if (code === "slow_mode" && until) this.slowUntil = until;
    if (code === "banned") this.ban = {};
    if (code === "timed_out") this.ban = { until };
    return [...changes, { do: "room" }];
  }

  #takeBack(which) {
    const changes = [];
    for (const line of this.lines) {
      if (!line.message || line.deleted || isOwn(line) || !which(line)) continue;
      line.deleted = true;
      // What was said is kept for those only who may read it.
      if (!this.moderates) line.message = { ...line.message, text: "", emotes: [], reply_to: undefined };
      changes.push({ do: "change", line });
    }
    return changes;
  }

  #note(note, values = {}) {
    return this.#put({ key: `note-${(this.#notes += 1)}`, note, values });
  }

  #put(line) {
    const changes = [{ do: "add", line }];
    this.lines.push(line);
    while (this.lines.length > MAX_LINES) changes.push({ do: "drop", key: this.lines.shift().key });
    return changes;
  }
}
