// What is heard: how loud each source and all of it is, with gains and mutes.

import { attempt } from "./attempt.js";
import { el, freeId, sign } from "./dom.js";

// Of meters and sliders, in decibels.
const FLOOR = -60;
const CEILING = 12;
const FADE_MS = 120;
const SENDING_MS = 80;

const decibels = (amplitude) => (amplitude > 0 ? 20 * Math.log10(amplitude) : -Infinity);
const part = (amplitude) => Math.max(0, Math.min(1, (decibels(amplitude) - FLOOR) / -FLOOR));

export class Sound {
  #strips = new Map();

  constructor(root, { api, failed, files }) {
    Object.assign(this, { api, failed, files });
    this.list = el("ul", { class: "strips" });
    this.empty = el("p", { class: "empty" }, "Nothing plays. Upload a file of sound under Files, and press Play there.");
    this.master = this.#strip("All", { gain: (gain_db) => this.api.patch("v1/sound/master", { gain_db, fade_ms: FADE_MS }) });
    root.append(el("ul", { class: "strips" }, this.master.row), this.list, this.empty);
  }

  async read() {
    const { sources, master_db: gain, level } = await this.api.get("v1/sound");
    this.#set(this.master, { gain, level, muted: false });
    this.empty.hidden = Object.keys(sources).length > 0;
    for (const [id, source] of Object.entries(sources)) {
      let strip = this.#strips.get(id);
      if (!strip) {
        strip = this.#source(id);
        this.#strips.set(id, strip);
        this.list.append(strip.row);
      }
      strip.settings = source.settings;
      this.#set(strip, { gain: source.settings.gain_db, level: source.level, muted: source.settings.muted });
    }
    for (const [id, strip] of this.#strips) {
      if (id in sources) continue;
      strip.row.remove();
      this.#strips.delete(id);
    }
  }

  async play(file) {
    const id = freeId(file, new Set(this.#strips.keys()));
    await attempt(this, () => this.api.put(`v1/sound/sources/${id}`, { file, looped: true }));
  }

  #source(id) {
    const change = (more) => this.api.patch(`v1/sound/sources/${id}`, { settings: { ...strip.settings, ...more }, fade_ms: FADE_MS });
    const strip = this.#strip(id, {
      gain: (gain_db) => change({ gain_db }),
      mute: () => change({ muted: !strip.settings.muted }),
      remove: () => this.api.delete(`v1/sound/sources/${id}`),
    });
    return strip;
  }

  #strip(name, { gain, mute, remove }) {
    const meter = el("span", { class: "meter", "aria-hidden": "true" }, el("span", { class: "rms" }), el("span", { class: "peak" }));
    const slider = el("input", { type: "range", min: FLOOR, max: CEILING, step: 0.5, "aria-label": `Gain of ${name}` });
    const value = el("span", { class: "value" });
    slider.addEventListener("input", () => {
      value.textContent = this.#words(Number(slider.value));
      clearTimeout(strip.sending);
      strip.held = true;
      strip.sending = setTimeout(async () => {
        await attempt(this, () => gain(Number(slider.value) <= FLOOR ? -96 : Number(slider.value)));
        strip.held = false;
      }, SENDING_MS);
    });
    const muting = mute && sign("M", `Mute ${name}`, () => attempt(this, mute), { "aria-pressed": "false", class: "mute" });
    const removing = remove && sign("✕", `Remove ${name}`, () => {
      // A gain that was not sent yet is of nothing any more.
      clearTimeout(strip.sending);
      return attempt(this, remove);
    });
    const row = el("li", { class: "strip", data: { id: name } }, el("strong", {}, name), meter, el("span", { class: "fader" }, slider, value, muting, removing));
    const strip = { row, meter, slider, value, muting };
    return strip;
  }

  #set(strip, { gain, level, muted }) {
    strip.meter.style.setProperty("--rms", part(level?.rms ?? 0));
    strip.meter.style.setProperty("--peak", part(level?.peak ?? 0));
    strip.muting?.setAttribute("aria-pressed", String(muted));
    if (strip.held) return;
    strip.slider.value = Math.max(FLOOR, gain);
    strip.value.textContent = this.#words(gain);
  }

  #words(gain) {
    return gain <= FLOOR ? "silent" : `${gain > 0 ? "+" : ""}${gain.toFixed(1)} dB`;
  }
}
