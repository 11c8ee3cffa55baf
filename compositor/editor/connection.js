// The WebSocket of events. It is mended by itself; what was missed meanwhile is for those to read anew who
// hear that it is open.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5_000;
// A line that is cut says nothing, so it is asked now and then.
const ASK_MS = 10_000;
const ANSWER_MS = 5_000;

export class Connection {
  #api;
  #socket = null;
  #wait = FIRST_WAIT_MS;
  #again = null;
  #asking = null;
  #late = null;

  // `heard` gets every event; `changed` gets "open", "connecting" and "lost".
  constructor(api, heard, changed) {
    this.#api = api;
    this.heard = heard;
    this.changed = changed;
    addEventListener("online", () => this.#now());
    document.addEventListener("visibilitychange", () => this.#now());
  }

  open() {
    clearTimeout(this.#again);
    this.#again = null;
    this.changed("connecting");
    const url = new URL("v1/socket", document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url, this.#api.subprotocols);
    this.#socket = socket;
    socket.onopen = () => {
      this.#wait = FIRST_WAIT_MS;
      this.#asking = setInterval(() => this.#ask(), ASK_MS);
      this.changed("open");
    };
    socket.onmessage = ({ data }) => {
      clearTimeout(this.#late);
      const message = JSON.parse(data);
      if (message.event) this.heard(message);
    };
    socket.onclose = () => this.#lost(socket);
  }

  close() {
    clearTimeout(this.#again);
    this.#again = null;
    const socket = this.#socket;
    this.#drop();
    socket?.close();
  }

  #ask() {
    this.#socket?.send(JSON.stringify({ id: "alive", method: "GET", path: "/v1/recording" }));
    clearTimeout(this.#late);
    this.#late = setTimeout(() => {
      const socket = this.#socket;
      this.#lost(socket);
      socket?.close();
    }, ANSWER_MS);
  }

  #drop() {
    clearInterval(this.#asking);
    clearTimeout(this.#late);
    this.#socket = null;
  }

  #lost(socket) {
    if (socket !== this.#socket) return;
    this.#drop();
    this.changed("lost");
    this.#again = setTimeout(() => this.open(), this.#wait);
    this.#wait = Math.min(this.#wait * 1.5, LONGEST_WAIT_MS);
  }

  // Somebody looks again, or the network is back: no need to wait longer.
  #now() {
    if (this.#again !== null && !document.hidden) this.open();
  }
}
