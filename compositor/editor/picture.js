// What the compositor shows now: its newest thumbnail, and where layers are in it. Asked for, one after the
// other, while somebody looks at the page.

const AFTER_AN_ERROR_MS = 1_000;

export class Picture extends EventTarget {
  #api;
  #running = false;
  bitmap = null;
  // By id: `{ size, transform }`.
  outlines = new Map();
  // Scene time in microseconds, and when that was heard.
  #at = null;
  // Counts requests, so that one that was made after something can be told from one before.
  asked = 0;
  answered = 0;

  constructor(api) {
    super();
    this.#api = api;
    document.addEventListener("visibilitychange", () => this.#run());
  }

  start() {
    this.wanted = true;
    this.#run();
  }

  stop() {
    this.wanted = false;
  }

  // Scene time in microseconds; nothing before the first answer.
  get now() {
    return this.#at && this.#at.scene + (performance.now() - this.#at.heard) * 1000;
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    while (this.wanted && !document.hidden) {
      try {
        await this.#next();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, AFTER_AN_ERROR_MS));
      }
    }
    this.#running = false;
  }

  async #next() {
    const number = (this.asked += 1);
    const [thumbnail, outlines] = await Promise.all([
      this.#api.fetch("GET", "v1/thumbnail.jpg").then((answer) => answer.blob()),
      this.#api.get("v1/outlines"),
    ]);
    this.bitmap?.close();
    this.bitmap = await createImageBitmap(thumbnail);
    this.outlines = new Map(outlines.layers.map((outline) => [outline.id, outline]));
    this.#at = { scene: outlines.at, heard: performance.now() };
    this.answered = number;
    this.dispatchEvent(new Event("change"));
  }
}
