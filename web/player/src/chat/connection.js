// The WebSocket of a room: says hello, comes back after it was lost (with the position that it has
// seen, after a random wait that grows), and notices when nothing is heard any more.

import { backoff } from "../channel.js";

const VERSION = 1;
const PROTOCOL = "rivulet.v1";
const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 30_000;
const HEARTBEAT_MS = 30_000;
// Of the server: the ticket or token is not good any more.
const TICKET = 4003;
// Closed with this or above, the room is not for this client.
const FINAL = 4500;

// From the later of the two on.
function later(a, b) {
  if (!a || b.epoch > a.epoch || (b.epoch === a.epoch && b.n > a.n)) return { epoch: b.epoch, n: b.n };
  return a;
}

export class Connection {
  #url;
  #askTicket;
  #token;
  #receive;
  #changed;
  #socket;
  #ticket;
  #position;
  #failures = 0;
  #retry;
  #heartbeat;
  #heard = 0;
  #over = false;

  // `ticket` asks for one, and is absent for guests; `receive` gets each frame; `changed` is told
  // `open`, `lost` or, with the code, `refused`.
  constructor({ url, ticket, token, receive, changed }) {
    this.#url = url;
    this.#askTicket = ticket;
    this.#token = token;
    this.#receive = receive;
    this.#changed = changed;
    globalThis.addEventListener?.("online", () => this.#hurry());
    this.#open();
  }

  // False while there is no connection.
  send(frame) {
    if (this.#socket?.readyState !== 1 || this.#failures !== 0) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  close() {
    this.#over = true;
    clearTimeout(this.#retry);
    clearInterval(this.#heartbeat);
    this.#socket?.close(1000);
  }

  async #open() {
    // Until the welcome it is an attempt like those that failed.
    this.#failures += 1;
    if (this.#askTicket && this.#ticket === undefined && !this.#token) {
      try {
        this.#ticket = await this.#askTicket();
      } catch (error) {
        if (error.status === 403 || error.status === 404) return this.#end(FINAL + 1);
        // Whoever was logged out meanwhile reads on as a guest.
        if (error.status !== 401) return this.#again();
        this.#askTicket = undefined;
      }
    }
    if (this.#over) return;
    const socket = new WebSocket(this.#url, PROTOCOL);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      const hello = { op: "hello", v: VERSION, ticket: this.#ticket, token: this.#token, resume: this.#position };
      socket.send(JSON.stringify(hello));
      this.#listen(HEARTBEAT_MS);
    });
    socket.addEventListener("message", ({ data }) => this.#hear(socket, JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => {
      if (socket === this.#socket && !this.#over) this.#closed(code);
    });
  }

  #hear(socket, frame) {
    if (socket !== this.#socket) return;
    this.#heard = Date.now();
    if (frame.op === "welcome") {
      this.#failures = 0;
      this.#ticket = frame.ticket ?? this.#ticket;
      // What follows begins after the old position where it was taken up again.
      if (!frame.recovered) this.#position = { epoch: frame.position.epoch, n: frame.position.n };
      this.#listen(frame.heartbeat_ms || HEARTBEAT_MS);
      this.#receive(frame);
      this.#changed("open");
      return;
    }
    if (frame.op === "event") this.#position = later(this.#position, frame);
    if (frame.op === "gap") this.#position = later(this.#position, frame.to);
    if (frame.op !== "pong") this.#receive(frame);
  }

  // A browser does not show its scripts the server's pings, so this asks for an answer of its own.
  #listen(every) {
    clearInterval(this.#heartbeat);
    this.#heard = Date.now();
    this.#heartbeat = setInterval(() => {
      const silent = Date.now() - this.#heard;
      if (silent >= 2 * every) {
        const socket = this.#socket;
        this.#closed(1006);
        socket.close();
      } else if (silent >= every / 2 && this.#socket.readyState === 1) {
        this.#socket.send('{"op":"ping"}');
      }
    }, every / 2);
  }

  #closed(code) {
    clearInterval(this.#heartbeat);
    this.#socket = undefined;
    if (code >= FINAL && code < 5000) return this.#end(code);
    if (code === TICKET) {
      this.#ticket = undefined;
      // A token that is not good does not become so.
      if (this.#token) return this.#end(code);
    }
    this.#again();
  }

  #again() {
    this.#changed("lost");
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#open(), backoff(Math.max(0, this.#failures - 1), RETRY_MIN_MS, RETRY_MAX_MS));
  }

  #hurry() {
    if (this.#over || this.#socket !== undefined) return;
    clearTimeout(this.#retry);
    this.#open();
  }

  #end(code) {
    this.#over = true;
    this.#changed("refused", code);
  }
}
