// What has to be said and belongs to no field.

import { el } from "./dom.js";

const SHOWN_MS = 8_000;
const MAX = 4;

export class Notices {
  constructor(root) {
    this.root = root;
  }

  say(text, kind = "info") {
    const same = [...this.root.children].find((notice) => notice.dataset.text === text);
    same?.remove();
    const notice = el("p", { class: `notice ${kind}`, data: { text } }, text);
    this.root.append(notice);
    while (this.root.children.length > MAX) this.root.firstElementChild.remove();
    setTimeout(() => notice.remove(), SHOWN_MS);
  }

  fail(error) {
    this.say(error.message, "bad");
  }
}
