// The live scene as the compositor has it: read, changed by batches for the revision that was read, and read
// again. Whatever was changed by somebody else in the meantime is not overwritten.

import { Problem } from "./api.js";
import { inverses, touched } from "./changes.js";
import { History } from "./undo.js";

class Conflict extends Error {
  constructor() {
    super("Somebody else changed this at the same time. This is how it is now.");
  }
}

export class Scene extends EventTarget {
  #api;
  #turn = Promise.resolve();
  #reading = null;
  history = new History();
  document = { revision: 0, width: 1920, height: 1080, layers: [] };

  constructor(api) {
    super();
    this.#api = api;
  }

  layer(id) {
    return this.document.layers.find((layer) => layer.id === id);
  }

  get animations() {
    return this.document.animations ?? [];
  }

  // Whoever asks while it is being read waits for one more reading at most.
  read() {
    this.#reading ??= this.#turn.then(async () => {
      this.#reading = null;
      await this.#read();
    });
    this.#turn = this.#reading.catch(() => {});
    return this.#reading;
  }

  async #read() {
    this.document = await this.#api.get("v1/scene");
    this.dispatchEvent(new Event("change"));
  }

  // Makes changes at once or not at all. A function is asked for them when it is their turn, with all that was
  // asked for before done. `about` joins steps of undoing.
  change(asked, { about = null } = {}) {
    return this.#next(async () => {
      const changes = typeof asked === "function" ? asked() : asked;
      if (changes.length === 0) return;
      const back = inverses(this.document, changes);
      await this.#send(changes);
      this.history.add({ back, again: changes, about });
    });
  }

  undo() {
    return this.#next(() => this.#step(this.history.undo()));
  }

  redo() {
    return this.#next(() => this.#step(this.history.redo()));
  }

  // Changes that follow a hand: the newest is sent as soon as the one before is there, and all of them are one
  // step of undoing. `lost` is called when they were refused.
  gesture(lost) {
    let before = null;
    let newest = null;
    let sent = null;
    let sending = null;
    let over = false;
    const send = async () => {
      while (newest !== sent && !over) {
        sent = newest;
        await this.#next(async () => {
          before ??= this.document;
          await this.#send(sent);
        });
      }
    };
    const update = (changes) => {
      newest = changes;
      sending ??= send()
        .catch((error) => {
          over = true;
          lost(error);
        })
        .finally(() => (sending = null));
      return sending;
    };
    const end = async () => {
      while (sending) await sending;
      if (sent && !over) this.history.add({ back: inverses(before, sent), again: sent });
    };
    return { update, end };
  }

  async #step(changes) {
    if (changes) await this.#send(changes);
  }

  async #send(changes, again = true) {
    const asked = this.document;
    try {
      await this.#api.post("v1/scene/batches", { changes, if_revision: asked.revision });
    } catch (error) {
      if (!(error instanceof Problem && error.code === "revision_conflict")) throw error;
      await this.#read();
      if (!again || this.#differs(asked, changes)) throw new Conflict();
      return this.#send(changes, false);
    }
    await this.#read();
  }

  // Is any layer that `changes` are about another one than in `before`?
  #differs(before, changes) {
    const now = this.document;
    const of = (document, id) => JSON.stringify(document.layers.find((layer) => layer.id === id) ?? null);
    return [...touched(changes)].some((id) => of(before, id) !== of(now, id));
  }

  // One after the other: each is made for the revision that the one before it led to.
  #next(work) {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }
}
