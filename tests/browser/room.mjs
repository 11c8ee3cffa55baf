// A room that the test itself plays, in place of the server's WebSocket: whatever it wants to say
// arrives, also what no server would let through.

const HEARTBEAT_MS = 30_000;

export const person = (login, more = {}) => ({ id: `u-${login}`, login, display_name: login, ...more });

export class Room {
  // What the client sent, after its hello.
  heard = [];
  hellos = [];
  #sockets = new Set();
  #n = 0;
  #messages = 0;
  #welcome;
  #waiting = [];

  // `welcome` is what differs from a guest's; `answer` gets each frame of the client and the room.
  static async play(page, welcome = {}, answer = () => {}) {
    const room = new Room();
    room.#welcome = welcome;
    await page.routeWebSocket(/\/chat\/[a-z0-9_]+$/, (socket) => {
      room.#sockets.add(socket);
      socket.onMessage((text) => {
        const frame = JSON.parse(text);
        if (frame.op === "hello") {
          room.hellos.push(frame);
          socket.send(JSON.stringify(room.#hello()));
        } else if (frame.op === "ping") socket.send('{"op":"pong"}');
        else {
          room.heard.push(frame);
          answer(frame, room);
        }
        room.#waiting = room.#waiting.filter((check) => !check());
      });
      socket.onClose(() => room.#sockets.delete(socket));
    });
    return room;
  }

  #hello() {
    const position = { epoch: 1, n: this.#n };
    const { history = [], settings = {}, ...more } = this.#welcome;
    return { op: "welcome", v: 1, channel_id: "c", position, recovered: false, history, settings, heartbeat_ms: HEARTBEAT_MS, ...more };
  }

  // What the next welcome says.
  set welcome(welcome) {
    this.#welcome = welcome;
  }

  send(frame) {
    for (const socket of this.#sockets) socket.send(JSON.stringify(frame));
  }

  event(kind, more = {}) {
    this.#n += 1;
    const now = Date.now();
    this.send({ op: "event", epoch: 1, n: this.#n, sent_ms: now, kind, ...(kind === "message" && { at_ms: now }), ...more });
  }

  message(author, text, more = {}) {
    this.#messages += 1;
    const id = `m${this.#messages}`;
    this.event("message", { id, author, text, ...more });
    return id;
  }

  async close(code) {
    for (const socket of this.#sockets) await socket.close({ code, reason: "" });
    this.#sockets.clear();
  }

  // Resolves when the client has said hello so often.
  greeted(times = 1) {
    if (this.hellos.length >= times) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        if (this.hellos.length < times) return false;
        resolve();
        return true;
      });
    });
  }
}
