// Panels of which one is open.

import { el } from "./dom.js";

export class Tabs {
  #tabs = new Map();

  constructor(list, panels) {
    Object.assign(this, { list, panels });
    list.addEventListener("keydown", (event) => {
      const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!way) return;
      const names = [...this.#tabs.keys()];
      const next = names.at((names.indexOf(this.open) + way) % names.length);
      this.show(next);
      this.#tabs.get(next).tab.focus();
    });
  }

  // The panel's element. `shown` is called whenever it is opened.
  add(name, shown = () => {}) {
    const id = name.toLowerCase();
    const tab = el("button", { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `panel-${id}`, on: { click: () => this.show(name) } }, name);
    const panel = el("div", { role: "tabpanel", id: `panel-${id}`, "aria-labelledby": tab.id, class: "tab-panel", tabIndex: 0 });
    this.#tabs.set(name, { tab, panel, shown });
    this.list.append(tab);
    this.panels.append(panel);
    if (!this.open) this.show(name);
    else this.#mark();
    return panel;
  }

  show(name) {
    this.open = name;
    this.#mark();
    this.#tabs.get(name).shown();
  }

  #mark() {
    for (const [name, { tab, panel }] of this.#tabs) {
      const open = name === this.open;
      tab.setAttribute("aria-selected", String(open));
      tab.tabIndex = open ? 0 : -1;
      panel.hidden = !open;
    }
  }
}
