// The compositor's editor page, by a hand and a keyboard, on a real compositor: what is done in the page is
// asked of the API, and seen in the picture.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, afterEach, before, test } from "node:test";
import { accessible, end, fits, launch, open } from "./harness.mjs";

const [WIDTH, HEIGHT] = [640, 360];
const TOKEN = "a-long-secret-token";
const KEY = "live_key_that_nobody_reads";
const START_MS = 20_000;

class Compositor {
  #child;

  static async start(data, { http = "127.0.0.1:0", flags = [] } = {}) {
    const own = new Compositor();
    const ports = ["websocket", "metrics", "health"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);
    const size = ["--stream-resolution", `${WIDTH}x${HEIGHT}`, "--target-fps", "25", "--stream-preset", "superfast"];
    const args = ["compositor", "--data", data, "--http", http, ...ports, ...size, ...flags];
    own.#child = spawn(process.env.RIVULET_BIN, args, { stdio: ["ignore", "ignore", "pipe"] });
    own.http = `http://${await own.#listening()}`;
    return own;
  }

  #listening() {
    return new Promise((resolve, reject) => {
      const log = [];
      const late = setTimeout(() => reject(new Error(`the compositor did not start:\n${log.join("\n")}`)), START_MS);
      createInterface({ input: this.#child.stderr }).on("line", (line) => {
        log.push(line);
        const match = /listening name=compositor-http addr=([0-9.:]+)/.exec(line.replace(/\x1b\[[0-9;]*m/g, ""));
        if (match) resolve(match[1]);
        if (match) clearTimeout(late);
      });
    });
  }

  async call(method, path, body, token) {
    const headers = { ...(body && { "content-type": "application/json" }), ...(token && { authorization: `Bearer ${token}` }) };
    const answer = await fetch(this.http + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text && JSON.parse(text);
  }

  add = (layer) => this.call("POST", "/v1/scene/layers", layer);
  scene = () => this.call("GET", "/v1/scene");
  layer = (id) => this.call("GET", `/v1/scene/layers/${id}`);

  // The scene, once it is such a one.
  async until(such, what) {
    const deadline = Date.now() + START_MS;
    for (;;) {
      const scene = await this.scene();
      if (such(scene)) return scene;
      assert.ok(Date.now() < deadline, `${what}: ${JSON.stringify(scene)}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  async empty() {
    await this.call("PUT", "/v1/scene", { width: WIDTH, height: HEIGHT, layers: [] });
  }

  stop = () => end(this.#child, "SIGTERM");
}

let data;
let compositor;
let browser;

before(async () => {
  data = await mkdtemp(join(tmpdir(), "rivulet-compositor-"));
  compositor = await Compositor.start(data);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await compositor?.stop();
  await rm(data, { recursive: true, force: true });
});

afterEach(() => compositor.empty());

const square = (id, x, y, fill = "#ff0000") => ({
  id, kind: "shape", fill, geometry: { type: "rect", width: 100, height: 100 }, transform: { x, y, anchor: { x: 0.5, y: 0.5 } },
});

async function edit(options) {
  const opened = await open(browser, { viewport: { width: 1440, height: 900 }, ...options });
  await opened.page.goto(compositor.http);
  await opened.page.getByText("Connected", { exact: true }).waitFor();
  // The first picture, without which nothing can be dragged.
  await opened.page.waitForFunction(() => document.querySelector(".frame canvas").width > 300);
  return opened;
}

// Where a point of the canvas is on the page.
async function spot(page, x, y) {
  const box = await page.locator(".frame").boundingBox();
  return [box.x + (x / WIDTH) * box.width, box.y + (y / HEIGHT) * box.height];
}

async function drag(page, from, to, { held } = {}) {
  await page.mouse.move(...(await spot(page, ...from)));
  if (held) await page.keyboard.down(held);
  await page.mouse.down();
  await page.mouse.move(...(await spot(page, (from[0] + to[0]) / 2, (from[1] + to[1]) / 2)), { steps: 3 });
  await page.mouse.move(...(await spot(page, ...to)), { steps: 3 });
  await page.mouse.up();
  if (held) await page.keyboard.up(held);
}

// Resolves once the picture that is sent has this colour at a point.
async function shows(page, x, y, color) {
  await page.waitForFunction(
    async ([x, y, color]) => {
      const picture = await createImageBitmap(await (await fetch("v1/thumbnail.png")).blob());
      const canvas = new OffscreenCanvas(picture.width, picture.height);
      const context = canvas.getContext("2d");
      context.drawImage(picture, 0, 0);
      const pixel = context.getImageData(x, y, 1, 1).data;
      return color.every((channel, n) => Math.abs(channel - pixel[n]) < 12);
    },
    [x, y, color],
  );
}

const RED = [255, 0, 0];
const BLACK = [0, 0, 0];
const BLUE = [0, 0, 255];

const near = (value, wanted, by = 2) => Math.abs(value - wanted) <= by;
const row = (page, id) => page.locator(`#list .row[data-id="${id}"]`);
const order = (page) => page.locator("#list .row").evaluateAll((rows) => rows.map((own) => own.dataset.id));

test("a layer is dragged, snaps, is resized and turned; the picture follows", async () => {
  await compositor.add(square("ball", 150, 120));
  const { context, page, problems } = await edit();
  await row(page, "ball").waitFor();
  await shows(page, 150, 120, RED);
  await drag(page, [150, 120], [500, 250], { held: "Alt" });
  const moved = await compositor.until(({ layers: [ball] }) => near(ball.transform.x, 500) && near(ball.transform.y, 250), "dragged");
  await shows(page, 500, 250, RED);
  await shows(page, 150, 120, BLACK);
  assert.equal(await page.locator(".row.selected").getAttribute("data-id"), "ball");

  // To the middle, but for three pixels.
  const { x, y } = moved.layers[0].transform;
  await drag(page, [x, y], [WIDTH / 2 + 3, HEIGHT / 2 - 3]);
  await compositor.until(({ layers: [ball] }) => ball.transform.x === WIDTH / 2 && ball.transform.y === HEIGHT / 2, "snapped");

  // The lower right corner; the upper left one stays.
  await drag(page, [370, 230], [420, 280]);
  const grown = await compositor.until(({ layers: [ball] }) => near(ball.transform.scale_x, 1.5, 0.05), "resized");
  const { transform } = grown.layers[0];
  assert.ok(near(transform.scale_y, transform.scale_x, 0.001), "in its own form");
  assert.ok(near(transform.x - 50 * transform.scale_x, 270) && near(transform.y - 50 * transform.scale_y, 130));
  await shows(page, 410, 270, RED);

  // By the handle above it, a quarter to the right.
  const handle = await page.locator(".handle.turn").evaluate((own) => [Number(own.getAttribute("cx")), Number(own.getAttribute("cy"))]);
  const arm = transform.y - handle[1];
  await drag(page, handle, [transform.x + arm, transform.y], { held: "Shift" });
  await compositor.until(({ layers: [ball] }) => ball.transform.rotation === 90, "turned");

  for (let n = 0; n < 4; n += 1) await page.getByRole("button", { name: "Undo", exact: true }).click();
  await compositor.until(({ layers: [ball] }) => ball.transform.x === 150 && ball.transform.scale_x === 1 && ball.transform.rotation === 0, "taken back");
  await shows(page, 150, 120, RED);
  assert.deepEqual(problems, []);
  await context.close();
});

test("the keyboard moves, removes, takes back and makes again", async () => {
  await compositor.add(square("ball", 100, 100));
  const { context, page, problems } = await edit();
  await page.mouse.click(...(await spot(page, 100, 100)));
  await page.locator(".row.selected").waitFor();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Shift+ArrowDown");
  await compositor.until(({ layers: [ball] }) => ball.transform.x === 101 && ball.transform.y === 110, "nudged");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".row.selected").count(), 0);
  await page.keyboard.press("Delete");
  await row(page, "ball").locator(".pick").click();
  await page.keyboard.press("Delete");
  await compositor.until(({ layers }) => layers.length === 0, "removed");
  await page.keyboard.press("Control+z");
  const back = await compositor.until(({ layers }) => layers.length === 1, "there again");
  assert.deepEqual([back.layers[0].id, back.layers[0].transform.y, back.layers[0].fill], ["ball", 110, "#ff0000"]);
  await page.keyboard.press("Control+Shift+z");
  await compositor.until(({ layers }) => layers.length === 0, "removed again");
  assert.deepEqual(problems, []);
  await context.close();
});

test("the list orders, hides, locks and groups", async () => {
  await compositor.add(square("red", 200, 180));
  await compositor.add(square("blue", 220, 180, "#0000ff"));
  const { context, page, problems } = await edit();
  await row(page, "blue").waitFor();
  assert.deepEqual(await order(page), ["blue", "red"]);
  await shows(page, 210, 180, BLUE);
  await row(page, "red").locator(".pick").click();
  await page.getByRole("button", { name: "Bring to front" }).click();
  await shows(page, 210, 180, RED);
  assert.deepEqual(await order(page), ["red", "blue"]);

  // By its grip, below the other.
  const [grip, target] = [await row(page, "red").locator(".grip").boundingBox(), await row(page, "blue").boundingBox()];
  await page.mouse.move(grip.x + 5, grip.y + 10);
  await page.mouse.down();
  await page.mouse.move(target.x + 30, target.y + target.height - 4, { steps: 4 });
  await page.mouse.up();
  await shows(page, 210, 180, BLUE);

  await page.getByRole("button", { name: "Hide blue" }).click();
  await shows(page, 210, 180, RED);
  await page.getByRole("button", { name: "Show blue" }).click();
  await shows(page, 210, 180, BLUE);

  // What is locked is not taken by a hand: what is behind it is.
  await page.getByRole("button", { name: "Lock blue" }).click();
  await page.keyboard.press("Escape");
  await page.mouse.click(...(await spot(page, 230, 180)));
  assert.equal(await page.locator(".row.selected").getAttribute("data-id"), "red");
  await page.getByRole("button", { name: "Unlock blue" }).click();

  await row(page, "blue").locator(".pick").click({ modifiers: ["Control"] });
  await page.getByRole("button", { name: "Group", exact: true }).click();
  const grouped = await compositor.until(({ layers }) => layers.length === 3, "grouped");
  assert.deepEqual(grouped.layers.filter(({ parent }) => parent === "group").map(({ id }) => id), ["red", "blue"]);
  await shows(page, 210, 180, BLUE);
  // The group is moved as one, and what is in it stays where it is when it is dissolved.
  await page.locator(".frame").focus();
  await page.keyboard.press("Shift+ArrowRight");
  await compositor.until(({ layers }) => layers.find(({ id }) => id === "group").transform.x === 10, "moved as one");
  await page.getByRole("button", { name: "Ungroup" }).click();
  const free = await compositor.until(({ layers }) => layers.length === 2, "ungrouped");
  assert.deepEqual(free.layers.map(({ id, transform, parent }) => [id, transform.x, parent]), [["red", 210, undefined], ["blue", 230, undefined]]);
  for (let n = 0; n < 3; n += 1) await page.keyboard.press("Control+z");
  await compositor.until(({ layers }) => layers.length === 2 && layers[0].transform.x === 200 && layers.every(({ parent }) => !parent), "taken back");
  assert.deepEqual(problems, []);
  await context.close();
});

test("every kind of layer can be added and changed by a form that its schema makes", async () => {
  const { context, page, problems } = await edit();
  const kinds = await page.locator("#add option:not([value=''])").evaluateAll((options) => options.map((option) => option.value));
  assert.ok(kinds.length >= 13 && kinds.includes("chart"), kinds.join());
  for (const [n, kind] of kinds.entries()) {
    await page.getByLabel("Add a layer").selectOption(kind);
    await compositor.until(({ layers }) => layers.length === n + 1 && layers.some((layer) => layer.kind === kind), kind);
    await page.locator(".subject", { hasText: `(${kind})` }).waitFor();
    const fields = await page.locator("#panel-properties [data-field]").evaluateAll((own) => own.map((field) => field.dataset.field));
    assert.ok(fields.includes("transform/x") && fields.includes("opacity") && fields.includes("blend"), `${kind}: ${fields}`);
  }
  await row(page, "text").locator(".pick").click();
  await page.locator("[data-field=text] textarea").fill("Good evening");
  await page.locator("[data-field=opacity] input").fill("0.5");
  await page.locator("[data-field=blend] select").selectOption({ label: "Screen" });
  await page.locator("[data-field=shadow]").first().getByLabel("Shadow", { exact: true }).check();
  await page.locator("[data-field='shadow/blur'] input").fill("7");
  await page.locator("[data-field='crop/left'] input").fill("4");
  await page.locator("[data-field=corner_radius] input").fill("6");
  const changed = await compositor.until(({ layers }) => {
    const { text, opacity, blend, shadow, crop, corner_radius: radius } = layers.find(({ id }) => id === "text");
    return text === "Good evening" && opacity === 0.5 && blend === "screen" && shadow?.blur === 7 && crop.left === 4 && radius === 6;
  }, "changed");
  assert.equal(changed.layers.length, kinds.length);

  // A shape of another form keeps no field of the one before.
  await row(page, "shape").locator(".pick").click();
  await page.locator("[data-field=geometry] select").selectOption({ label: "Ellipse" });
  await compositor.until(({ layers }) => layers.find(({ id }) => id === "shape").geometry.type === "ellipse", "an ellipse");
  assert.deepEqual(problems, []);
  await context.close();
});

test("what the compositor refuses is said beside the field, and the rest goes on", async () => {
  await compositor.add(square("ball", 100, 100));
  const { context, page } = await edit();
  await row(page, "ball").locator(".pick").click();
  const field = page.locator("[data-field=opacity]");
  await field.locator("input").fill("7");
  await field.getByRole("alert").waitFor();
  assert.match(await field.getByRole("alert").innerText(), /between 0 and 1/);
  assert.equal(await field.locator("input").getAttribute("aria-invalid"), "true");
  assert.equal((await compositor.layer("ball")).opacity, 1);
  await accessible(page);
  await field.locator("input").fill("0.7");
  await compositor.until(({ layers: [ball] }) => ball.opacity === 0.7, "mended");
  await field.getByRole("alert").waitFor({ state: "detached" });
  await context.close();
});

test("animations are made, seen on the timeline, and removed", async () => {
  await compositor.add(square("ball", 100, 180));
  const { context, page } = await edit();
  await row(page, "ball").locator(".pick").click();
  await page.getByRole("button", { name: "Add animation" }).click();
  await page.getByLabel("Property", { exact: true }).selectOption("transform.x");
  await page.getByLabel("From", { exact: true }).fill("100");
  await page.getByLabel("To", { exact: true }).fill("540");
  await page.getByLabel("Easing from From").fill("sideways");
  await page.getByLabel("Duration (s)").fill("1");
  await page.getByLabel("For ever").check();
  await page.getByLabel("To and fro").check();
  await page.locator("#animation").getByLabel("Name").fill("sway");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.locator("[data-field='keyframes/0']").getByRole("alert").waitFor();
  await page.getByLabel("Easing from From").fill("ease-in-out");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  const { animations: [{ animation }] } = await compositor.until(({ animations }) => animations?.length === 1, "running");
  assert.deepEqual([animation.id, animation.effect.timing.iterations, animation.effect.timing.direction], ["sway", "infinite", "alternate"]);
  const bar = page.locator(".moving[data-id=sway] .span");
  await bar.waitFor();
  await shows(page, 480, 180, RED);
  await shows(page, 120, 180, RED);
  // The bar goes past the playhead to the end of what is shown.
  const [end, from] = await bar.evaluate((own) => [own.style.getPropertyValue("--to"), own.style.getPropertyValue("--from")]);
  assert.ok(Number(end) === 1 && Number(from) < 0.2, `${from} to ${end}`);
  await page.getByRole("button", { name: "Pause sway" }).click();
  await page.getByRole("button", { name: "Play sway" }).click();
  await page.getByRole("button", { name: "Remove sway" }).click();
  await compositor.until(({ animations }) => !animations?.length, "removed");
  await shows(page, 100, 180, RED);
  await context.close();
});

test("scenes are saved, recalled and deleted", async () => {
  await compositor.add(square("ball", 100, 100));
  const { context, page, problems } = await edit();
  await page.getByRole("tab", { name: "Scenes" }).click();
  await page.getByLabel("Save the live scene as").fill("opening");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const card = page.locator(".card", { hasText: "opening" });
  await card.getByText("1 layer", { exact: true }).waitFor();
  await row(page, "ball").locator(".pick").click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await shows(page, 100, 100, BLACK);
  await page.getByRole("button", { name: "Recall opening" }).click();
  await shows(page, 100, 100, RED);
  await row(page, "ball").waitFor();
  await page.getByRole("button", { name: "Delete opening" }).click();
  await card.waitFor({ state: "detached" });
  assert.deepEqual(await compositor.call("GET", "/v1/scenes"), []);
  assert.deepEqual(problems, []);
  await context.close();
});

test("two editors see each other, and neither overwrites the other", async () => {
  await compositor.add(square("ball", 100, 100));
  const [one, two] = [await edit(), await edit()];
  await one.page.getByLabel("Add a layer").selectOption("text");
  await row(two.page, "text").waitFor();
  await row(two.page, "ball").locator(".pick").click();
  await row(one.page, "ball").locator(".pick").click();
  await one.page.locator("[data-field='transform/x'] input").fill("222");
  await two.page.waitForFunction(() => document.querySelector("[data-field='transform/x'] input").value === "222");

  // One's change is held up on its way; meanwhile the other one changes the same layer.
  let held;
  const caught = new Promise((resolve) => (held = resolve));
  await one.page.route("**/v1/scene/batches", (route) => held(route), { times: 1 });
  await one.page.locator("[data-field='transform/x'] input").fill("333");
  const route = await caught;
  await two.page.locator("[data-field='transform/x'] input").fill("444");
  await compositor.until(({ layers: [ball] }) => ball.transform.x === 444, "the other one's");
  await route.continue();
  await one.page.getByText("Somebody else changed this at the same time").waitFor();
  assert.equal((await compositor.layer("ball")).transform.x, 444);
  await one.page.locator(".frame").focus();
  await one.page.waitForFunction(() => document.querySelector("[data-field='transform/x'] input").value === "444");

  // Another layer was changed: no conflict, and both are done.
  const again = new Promise((resolve) => (held = resolve));
  await one.page.route("**/v1/scene/batches", (route) => held(route), { times: 1 });
  await one.page.locator("[data-field='transform/y'] input").fill("55");
  const second = await again;
  await compositor.call("PATCH", "/v1/scene/layers/text", { text: "meanwhile" });
  await second.continue();
  const both = await compositor.until(({ layers }) => layers[0].transform.y === 55, "both");
  assert.equal(both.layers[1].text, "meanwhile");
  await one.context.close();
  await two.context.close();
});

test("outputs are added with a key that nobody reads again, started and stopped", async () => {
  const { context, page } = await edit();
  await page.getByRole("tab", { name: "Outputs" }).click();
  const panel = page.locator("#panel-outputs");
  await panel.getByLabel("Platform").selectOption({ label: "Custom" });
  await panel.getByLabel("Id", { exact: true }).fill("there");
  await panel.getByRole("checkbox", { name: "Url" }).check();
  await panel.locator("[data-field=url] input[type=text]").fill("http://127.0.0.1/live");
  await panel.getByLabel("Key").fill(KEY);
  await panel.getByRole("button", { name: "Add output" }).click();
  await panel.locator("[data-field=url]").getByRole("alert").first().waitFor();
  // Nobody listens there.
  await panel.locator("[data-field=url] input[type=text]").fill("rtmp://127.0.0.1:9/live");
  await panel.getByRole("button", { name: "Add output" }).click();
  const card = panel.locator(".card", { hasText: "there" });
  await card.locator(".state.waiting").waitFor();
  assert.equal(await panel.getByLabel("Key").inputValue(), "");
  assert.ok(!(await page.content()).includes(KEY));
  await panel.getByRole("button", { name: "Stop there" }).click();
  await card.locator(".state.off").waitFor();
  await panel.getByRole("button", { name: "Remove there" }).click();
  await card.waitFor({ state: "detached" });
  assert.deepEqual(await compositor.call("GET", "/v1/outputs"), []);
  await context.close();
});

test("an output has a picture of its own, which layers can leave out", async () => {
  const { context, page } = await edit();
  await compositor.add({ id: "sponsor", kind: "text", text: "sponsor" });
  await page.getByRole("tab", { name: "Outputs" }).click();
  const panel = page.locator("#panel-outputs");
  await panel.getByLabel("Platform").selectOption({ label: "Custom" });
  await panel.getByLabel("Id", { exact: true }).fill("small");
  await panel.getByRole("checkbox", { name: "Url" }).check();
  await panel.locator("[data-field=url] input[type=text]").fill("rtmp://127.0.0.1:9/live");
  await panel.getByLabel("Key").fill(KEY);
  const field = (name) => panel.locator(`[data-field="video/${name}"]`);
  const own = async (name, value) => {
    await field(name).getByRole("checkbox").check();
    await field(name).locator("input:not([type=checkbox])").fill(value);
  };
  await panel.getByRole("checkbox", { name: "Video" }).check();
  await own("width", "321");
  await own("view", "clean");
  await panel.getByRole("button", { name: "Add output" }).click();
  await field("width").getByRole("alert").getByText("the width is 321").waitFor();
  await own("width", "320");
  await panel.getByRole("button", { name: "Add output" }).click();
  const card = panel.locator(".card", { hasText: "small" });
  await card.locator(".encode", { hasText: "clean 640x360+0+0 320x180" }).waitFor();
  assert.deepEqual((await compositor.call("GET", "/v1/outputs/small")).video, { width: 320, view: "clean" });
  await fits(page);

  await row(page, "sponsor").locator(".pick").click();
  await page.getByRole("tab", { name: "Properties" }).click();
  await page.getByRole("button", { name: "Add to Exclude" }).click();
  await page.locator("[data-field='exclude/0'] input").fill("clean");
  await compositor.until(({ layers }) => layers[0].exclude?.[0] === "clean", "excluded");
  await compositor.call("DELETE", "/v1/outputs/small");
  await card.waitFor({ state: "detached" });
  await context.close();
});

// A second of a tone.
function tone() {
  const samples = 48_000;
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(36 + samples * 2, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(48_000, 24);
  wav.writeUInt32LE(96_000, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write("data", 36);
  wav.writeUInt32LE(samples * 2, 40);
  for (let n = 0; n < samples; n += 1) wav.writeInt16LE(Math.round(16_000 * Math.sin((n * 2 * Math.PI * 440) / 48_000)), 44 + n * 2);
  return wav;
}

test("files are uploaded, dropped onto the picture and played; a recording is started and stopped", async () => {
  const { context, page, problems } = await edit();
  // The picture is empty, and not yet that of the test before.
  await shows(page, 500, 100, BLACK);
  await page.evaluate(async ([x, y]) => {
    const canvas = new OffscreenCanvas(80, 80);
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#0000ff";
    pen.fillRect(0, 0, 80, 80);
    const transfer = new DataTransfer();
    transfer.items.add(new File([await canvas.convertToBlob()], "my logo.png", { type: "image/png" }));
    document.querySelector(".frame").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, clientX: x, clientY: y, bubbles: true }));
  }, await spot(page, 500, 100));
  await shows(page, 500, 100, BLUE);
  const { layers: [logo] } = await compositor.scene();
  assert.deepEqual([logo.kind, logo.asset], ["image", "my-logo"]);

  await page.getByRole("tab", { name: "Files" }).click();
  await page.getByLabel("Upload pictures or sound").setInputFiles({ name: "tone.wav", mimeType: "audio/wav", buffer: tone() });
  await page.locator(".card", { hasText: "tone" }).getByRole("button", { name: "Play" }).click();
  const strip = page.locator(".strip[data-id=tone]");
  await strip.waitFor();
  await page.waitForFunction(() => Number(document.querySelector(".strip[data-id=tone] .meter").style.getPropertyValue("--rms")) > 0.5);
  await strip.getByRole("button", { name: "Mute tone" }).click();
  await page.locator(".strip[data-id=tone] .mute[aria-pressed=true]").waitFor();
  assert.equal((await compositor.call("GET", "/v1/sound")).sources.tone.settings.muted, true);
  await strip.getByLabel("Gain of tone").fill("-20");
  await page.locator(".strip[data-id=tone]", { hasText: "-20.0 dB" }).waitFor();
  await strip.getByRole("button", { name: "Remove tone" }).click();
  await strip.waitFor({ state: "detached" });

  await page.getByRole("button", { name: "Record", exact: true }).click();
  await page.getByRole("button", { name: /^Stop recording/ }).click();
  await page.getByRole("button", { name: "Record", exact: true }).waitFor();
  assert.equal((await compositor.call("GET", "/v1/recording")).on, false);
  assert.deepEqual(problems, []);
  await context.close();
});

test("a lost connection is shown, and mended by itself", async () => {
  await compositor.add(square("ball", 100, 100));
  const { context, page } = await edit();
  const { port } = new URL(compositor.http);
  await compositor.stop();
  await page.getByText("Connection lost").waitFor();
  compositor = await Compositor.start(data, { http: `127.0.0.1:${port}` });
  await page.getByText("Connected", { exact: true }).waitFor();
  await compositor.add(square("second", 300, 100, "#0000ff"));
  await row(page, "second").waitFor();
  await page.waitForFunction(([x, y]) => {
    const canvas = document.querySelector(".frame canvas");
    return canvas.getContext("2d").getImageData(x, y, 1, 1).data[2] > 200;
  }, [300, 100]);
  await context.close();
});

test("a token is asked for once, and is in no address", async (t) => {
  const own = await mkdtemp(join(tmpdir(), "rivulet-compositor-"));
  const guarded = await Compositor.start(own, { flags: ["--token", TOKEN] });
  t.after(async () => {
    await guarded.stop();
    await rm(own, { recursive: true, force: true });
  });
  const { context, page } = await open(browser);
  const addresses = [];
  page.on("request", (request) => addresses.push(request.url()));
  page.on("websocket", (socket) => addresses.push(socket.url()));
  await page.goto(guarded.http);
  await page.getByLabel("Token").fill("another-long-token");
  await page.getByRole("button", { name: "Open the editor" }).click();
  await page.getByText("This token was refused").waitFor();
  await accessible(page);
  await page.getByLabel("Token").fill(TOKEN);
  await page.getByRole("button", { name: "Open the editor" }).click();
  await page.getByText("Connected", { exact: true }).waitFor();
  await guarded.call("POST", "/v1/scene/layers", square("ball", 100, 100), TOKEN);
  await row(page, "ball").waitFor();
  await page.reload();
  await page.getByText("Connected", { exact: true }).waitFor();
  assert.ok(addresses.some((address) => address.endsWith("/v1/socket")));
  assert.deepEqual(addresses.filter((address) => address.includes(TOKEN) || address.includes("bearer")), []);
  await context.close();
});

test("it fits a phone, and everybody can use it", async () => {
  for (const layer of [square("ball", 100, 100), { id: "words", kind: "text", text: "On air" }]) await compositor.add(layer);
  await compositor.call("POST", "/v1/scene/animations", {
    id: "fade", effect: { target: "ball", tracks: [{ property: "opacity", keyframes: [{ value: 1 }, { value: 0.5 }] }], timing: { duration_ms: 60_000 } },
  });
  for (const viewport of [{ width: 390, height: 844 }, { width: 1440, height: 900 }]) {
    const { context, page, problems } = await edit({ viewport });
    await row(page, "words").locator(".pick").click();
    await page.locator(".subject", { hasText: "words" }).waitFor();
    for (const tab of ["Scenes", "Outputs", "Sound", "Files", "Properties"]) {
      await page.getByRole("tab", { name: tab }).click();
      await fits(page);
      await accessible(page);
    }
    await page.getByRole("button", { name: "Add animation" }).click();
    await fits(page);
    await accessible(page);
    assert.deepEqual(problems, []);
    await context.close();
  }
});
