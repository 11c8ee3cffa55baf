// Assembly of the editor: who needs whom, which event makes whom read anew, and the keys.

import { Api, Problem } from "./api.js";
import { Connection } from "./connection.js";
import { el, words } from "./dom.js";
import { Files } from "./files.js";
import { Inspector } from "./inspector.js";
import { Layers } from "./layers.js";
import { Notices } from "./notices.js";
import { Outputs } from "./outputs.js";
import { Picture } from "./picture.js";
import { Places } from "./places.js";
import { Recording } from "./recording.js";
import { Saved } from "./saved.js";
import { Scene } from "./scene.js";
import { Kinds, Schemas } from "./schema.js";
import { Selection } from "./selection.js";
import { Sound } from "./sound.js";
import { Stage } from "./stage.js";
import { starter } from "./starters.js";
import { Tabs } from "./tabs.js";
import { Timeline } from "./timeline.js";

const STATES_MS = 1_000;
const LEVELS_MS = 200;

const by = (id) => document.getElementById(id);
const notices = new Notices(by("notices"));
const api = new Api();

function askForToken(problem) {
  by("desk").hidden = true;
  by("door").hidden = false;
  by("token-error").textContent = api.hasToken ? `This token was refused. ${problem.message}` : "";
  api.forget();
  by("token").focus();
}

by("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  api.token = by("token").value.trim();
  by("token").value = "";
  open();
});

async function open() {
  let schemas;
  try {
    schemas = new Schemas(await api.get("v1/openapi.json"));
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return askForToken(error);
    by("link").textContent = "No answer; trying again";
    setTimeout(open, STATES_MS);
    return;
  }
  by("door").hidden = true;
  by("desk").hidden = false;
  new Editor(schemas);
}

class Editor {
  constructor(schemas) {
    const kinds = new Kinds(schemas);
    const scene = new Scene(api);
    const picture = new Picture(api);
    const selection = new Selection();
    const places = new Places(scene, picture);
    const files = new Files(api);
    const failed = (error) => notices.fail(error);
    const say = (text) => notices.say(text);
    Object.assign(this, { schemas, kinds, scene, picture, selection, files });
    const edit = {
      change: (changes, options) => this.#change(changes, options),
      gesture: (lost) => scene.gesture(lost),
      failed,
      dropped: (dropped, point) => this.#dropped(dropped, point),
    };
    const parts = { scene, picture, places, selection, schemas, kinds, files, edit, api, failed, say };

    this.stage = new Stage(by("stage"), parts);
    this.layers = new Layers(by("list"), by("order"), parts);
    const tabs = new Tabs(by("tabs"), by("panels"));
    new Inspector(tabs.add("Properties"), parts);
    this.saved = new Saved(tabs.add("Scenes", () => this.saved?.read().catch(failed)), parts);
    this.outputs = new Outputs(tabs.add("Outputs"), by("air"), parts);
    this.sound = new Sound(tabs.add("Sound"), parts);
    files.mount(tabs.add("Files"), {
      failed,
      place: (id) => this.#add("image", { asset: id }),
      play: (id) => {
        tabs.show("Sound");
        this.sound.play(id);
      },
    });
    this.recording = new Recording(by("record"), parts);
    this.tabs = tabs;
    new Timeline(by("timeline"), by("animation"), by("animate"), parts);
    this.#adding();
    this.#undoing();
    this.#listening();
    document.addEventListener("keydown", (event) => this.#key(event));
    scene.addEventListener("change", () => selection.keep(new Set(scene.document.layers.map(({ id }) => id))));
    picture.start();
    setInterval(() => !document.hidden && this.#states(), STATES_MS);
    setInterval(() => !document.hidden && this.tabs.open === "Sound" && this.sound.read().catch(() => {}), LEVELS_MS);
  }

  // True when it was done. `failed` may show the error beside a field, and answers whether it did.
  async #change(changes, { about = null, failed = () => false } = {}) {
    try {
      await this.scene.change(changes, { about });
      return true;
    } catch (error) {
      const shown = error instanceof Problem && failed(error);
      if (!shown) notices.fail(error);
      return false;
    }
  }

  async #add(kind, more = {}, point) {
    const { schemas, kinds, files, scene } = this;
    const layer = { ...starter(kind, { schemas, kinds, document: scene.document, files: files.pictures, point }), ...more };
    if (!(await this.#change([{ op: "add", layer }]))) return;
    this.selection.set([layer.id]);
    this.tabs.show("Properties");
  }

  #adding() {
    const select = by("add");
    const options = this.kinds.names.map((kind) => el("option", { value: kind }, words(kind)));
    select.replaceChildren(el("option", { value: "" }, "+ Add"), ...options);
    select.addEventListener("change", () => {
      const kind = select.value;
      select.value = "";
      this.#add(kind);
    });
  }

  async #dropped(files, point) {
    for (const file of files) {
      const kept = await this.files.upload(file);
      if (kept?.kind === "picture") await this.#add("image", { asset: kept.id }, point);
      else if (kept) await this.sound.play(kept.id);
    }
  }

  #undoing() {
    const { history } = this.scene;
    const [undo, redo] = [by("undo"), by("redo")];
    history.changed = () => {
      undo.disabled = !history.canUndo;
      redo.disabled = !history.canRedo;
    };
    this.undo = () => this.scene.undo().catch((error) => notices.fail(error));
    this.redo = () => this.scene.redo().catch((error) => notices.fail(error));
    undo.addEventListener("click", this.undo);
    redo.addEventListener("click", this.redo);
  }

  #listening() {
    const link = by("link");
    const texts = { open: "Connected", connecting: "Connecting", lost: "Connection lost; trying again" };
    const heard = (event) => this.#heard(event);
    const connection = new Connection(api, heard, (state) => {
      link.textContent = texts[state];
      link.className = `pill ${state}`;
      // What happened before is not told.
      if (state === "open") this.#readAll();
    });
    api.refused = (problem) => {
      connection.close();
      this.picture.stop();
      askForToken(problem);
      // What is on the page belongs to a connection that is over: a new one begins with a new page.
      by("token-form").addEventListener("submit", () => location.reload(), { once: true });
    };
    connection.open();
    // Whatever becomes of the socket, there is something to see.
    this.#readAll();
  }

  #heard({ event, revision, id }) {
    const quietly = (work) => work.catch((error) => notices.fail(error));
    switch (event) {
      case "changed":
        if (revision > this.scene.document.revision) quietly(this.scene.read());
        break;
      case "recalled":
        // What could be taken back was done to another scene.
        this.scene.history.clear();
        quietly(this.scene.read());
        break;
      case "refused":
        notices.say(`A scheduled batch was refused: ${id ?? ""}`, "bad");
        quietly(this.scene.read());
        break;
      case "missed":
        this.#readAll();
        break;
      case "files":
        quietly(this.files.read());
        break;
      case "scenes":
        quietly(this.saved.read());
        break;
      case "outputs":
        quietly(this.outputs.read());
        break;
      case "sound":
        quietly(this.sound.read());
        break;
      case "recording":
        quietly(this.recording.read());
        break;
      default:
        quietly(this.scene.read());
    }
  }

  #readAll() {
    const all = [this.scene, this.files, this.saved, this.outputs, this.sound, this.recording];
    Promise.all(all.map((part) => part.read())).catch((error) => notices.fail(error));
  }

  // States of connections and sizes change without an event.
  #states() {
    Promise.all([this.outputs.read(), this.recording.read()]).catch(() => {});
  }

  #key(event) {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key.toLowerCase() === "z" && !(typing && typing.dataset.typed === "true" && typing.type === "text")) {
      event.preventDefault();
      return void (event.shiftKey ? this.redo() : this.undo());
    }
    if (typing || event.target.closest("[role=tablist]")) return;
    const step = event.shiftKey ? 10 : 1;
    const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (way && this.selection.ids.length > 0) {
      event.preventDefault();
      this.stage.nudge(way);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      if (this.selection.ids.length === 0) return;
      event.preventDefault();
      this.layers.remove();
    } else if (event.key === "Escape") {
      this.selection.set([]);
    }
  }
}

open();
