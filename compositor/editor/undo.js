// What can be taken back, and made again: pairs of batches.

const MAX_STEPS = 200;
// Changes of the same thing within this time are one step.
const TOGETHER_MS = 1_000;

export class History {
  #done = [];
  #undone = [];
  changed = () => {};

  // `about` names what was changed, where several such changes make one step.
  add({ back, again, about = null }, now = Date.now()) {
    const last = this.#done.at(-1);
    this.#undone = [];
    if (about !== null && last?.about === about && now - last.at < TOGETHER_MS) {
      Object.assign(last, { again, at: now });
    } else {
      this.#done = [...this.#done, { back, again, about, at: now }].slice(-MAX_STEPS);
    }
    this.changed();
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  // The batch that takes the last step back.
  undo() {
    const step = this.#done.pop();
    if (step) this.#undone.push(step);
    this.changed();
    return step?.back ?? null;
  }

  redo() {
    const step = this.#undone.pop();
    if (step) this.#done.push({ ...step, about: null });
    this.changed();
    return step?.again ?? null;
  }

  clear() {
    this.#done = [];
    this.#undone = [];
    this.changed();
  }
}
