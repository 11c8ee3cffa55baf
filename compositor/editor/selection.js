// Which layers are selected, and which are locked: both for this tab only.

const KEPT = "rivulet-compositor-locked";

export class Selection extends EventTarget {
  #ids = new Set();
  #locked = new Set(JSON.parse(sessionStorage.getItem(KEPT) ?? "[]"));

  get ids() {
    return [...this.#ids];
  }

  // The one that is selected, if it is the only one.
  get only() {
    return this.#ids.size === 1 ? this.ids[0] : null;
  }

  has = (id) => this.#ids.has(id);
  isLocked = (id) => this.#locked.has(id);

  set(ids) {
    this.#ids = new Set(ids);
    this.dispatchEvent(new Event("change"));
  }

  toggle(id) {
    if (!this.#ids.delete(id)) this.#ids.add(id);
    this.dispatchEvent(new Event("change"));
  }

  toggleLock(id) {
    if (!this.#locked.delete(id)) this.#locked.add(id);
    sessionStorage.setItem(KEPT, JSON.stringify([...this.#locked]));
    this.dispatchEvent(new Event("change"));
  }

  // Forgets what is gone.
  keep(there) {
    if (this.ids.some((id) => !there.has(id))) this.set(this.ids.filter((id) => there.has(id)));
  }
}
