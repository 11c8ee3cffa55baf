// The compositor as a whole process: a typical scene of 20 layers, 3 of them moving, at 1080p30 with the preset
// superfast. What it takes of the processor beside an ffmpeg that overlays the same pictures and encodes them
// alike, whether its memory grows, whether a picture is late, and how soon a change is seen.
//
//   RIVULET_BIN=target/release/rivulet node bench/compositor.mjs --seconds 60

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { end } from "../harness.mjs";

const [WIDTH, HEIGHT, FPS, KBPS] = [1920, 1080, 30, 2000];
const LAYERS = 20;
const MOVING = [4, 9, 15];
// There and back, in pixels and seconds.
const [WAY, PERIOD] = [400, 8];
const SETTLE_MS = 5_000;
const CHANGES = 20;
const START_MS = 30_000;
const GOALS = { cores: 0.6, growth: 1.1 };
// Of /proc/PID/stat on Linux.
const TICKS = 100;

const { values: options } = parseArgs({ options: { seconds: { type: "string", default: "60" } } });
const seconds = Number(options.seconds);
const ffmpeg = ["-hide_banner", "-loglevel", "error", "-nostdin"];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const place = (n) => (n === 0 ? [0, 0] : [(n * 263) % 1100, (n * 171) % 800]);

// An opaque picture below, and smaller translucent ones on it.
function pictures(folder) {
  return Array.from({ length: LAYERS }, (_, n) => {
    const file = join(folder, `${n}.png`);
    const [size, alpha] = n === 0 ? [`${WIDTH}x${HEIGHT}`, 1] : [`${480 - 12 * n}x${270 - 6 * n}`, 0.7];
    const source = `testsrc2=size=${size}:rate=1,hue=h=${n * 18},format=rgba,colorchannelmixer=aa=${alpha}`;
    execFileSync("ffmpeg", [...ffmpeg, "-y", "-f", "lavfi", "-i", source, "-frames:v", "1", file]);
    return file;
  });
}

class Compositor {
  static async start(data) {
    const own = new Compositor();
    const ports = ["http", "websocket", "metrics", "health"].flatMap((port) => [`--${port}`, "127.0.0.1:0"]);
    const stream = ["--stream-resolution", `${WIDTH}x${HEIGHT}`, "--target-fps", `${FPS}`, "--stream-preset", "superfast", "--stream-bitrate", `${KBPS}k`];
    own.child = spawn(process.env.RIVULET_BIN, ["compositor", "--data", data, ...ports, ...stream], { stdio: ["ignore", "ignore", "pipe"] });
    const addresses = {};
    await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("the compositor did not start")), START_MS);
      createInterface({ input: own.child.stderr }).on("line", (line) => {
        const match = /listening name=compositor-(\w+) addr=([0-9.:]+)/.exec(line.replace(/\x1b\[[0-9;]*m/g, ""));
        if (match) addresses[match[1]] = `http://${match[2]}`;
        if (addresses.http && addresses.metrics) resolve(clearTimeout(late));
      });
    });
    return Object.assign(own, { addresses, http: addresses.http });
  }

  async call(method, path, body, type = "application/json") {
    const answer = await fetch(this.http + path, { method, headers: { "content-type": type }, body: type === "application/json" ? JSON.stringify(body) : body });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  }

  async thumbnail() {
    return Buffer.from(await (await fetch(`${this.http}/v1/thumbnail.png`)).arrayBuffer());
  }

  async metrics() {
    const text = await (await fetch(`${this.addresses.metrics}/metrics`)).text();
    return Object.fromEntries([...text.matchAll(/^(rivulet_compositor_\w+) ([0-9.]+)$/gm)].map(([, name, value]) => [name.slice(19), Number(value)]));
  }

  // Processor seconds since its start, and MiB of memory.
  used() {
    const stat = readFileSync(`/proc/${this.child.pid}/stat`, "utf8").split(") ")[1].split(" ");
    const memory = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.child.pid}/status`, "utf8"))[1];
    return { cpu: (Number(stat[11]) + Number(stat[12])) / TICKS, mib: Number(memory) / 1024 };
  }
}

async function scene(compositor, files) {
  const changes = [];
  for (const [n, file] of files.entries()) {
    await compositor.call("PUT", `/v1/files/p${n}`, readFileSync(file), "image/png");
    const [x, y] = place(n);
    changes.push({ op: "add", layer: { id: `l${n}`, kind: "image", asset: `p${n}`, transform: { x, y } } });
    if (!MOVING.includes(n)) continue;
    const timing = { duration_ms: (PERIOD * 1000) / 2, iterations: "infinite", direction: "alternate" };
    const tracks = [{ property: "transform.x", keyframes: [{ value: x }, { value: x + WAY }] }];
    changes.push({ op: "animate", animation: { id: `a${n}`, effect: { target: `l${n}`, timing, tracks } } });
  }
  await compositor.call("POST", "/v1/scene/batches", { changes });
}

// Milliseconds from a request to the end of the first thumbnail that shows what it changed, for each change. They
// are made five times a second, which is most of it.
async function latencies(compositor) {
  const [x, y, edge] = [WIDTH - 100, HEIGHT - 100, 100];
  const mark = { id: "mark", kind: "shape", fill: "#00ff00", geometry: { type: "rect", width: edge, height: edge }, transform: { x, y } };
  await compositor.call("POST", "/v1/scene/layers", mark);
  const shown = (png) => execFileSync("ffmpeg", [...ffmpeg, "-f", "png_pipe", "-i", "-", "-vf", "crop=1:1:iw-8:ih-8", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"], { input: png });
  const times = [];
  for (let n = 0; n < CHANGES; n += 1) {
    const [fill, channel] = n % 2 ? ["#00ff00", 1] : ["#ff0000", 0];
    const start = performance.now();
    await compositor.call("PATCH", "/v1/scene/layers/mark", { fill });
    const seen = [];
    // Looked at afterwards: to decode one takes longer than to get the next.
    while (seen.length < 3) seen.push({ png: await compositor.thumbnail(), at: performance.now() });
    const first = seen.find(({ png }) => shown(png)[channel] > 200);
    if (!first) throw new Error("a change is in none of the three thumbnails after it");
    times.push(first.at - start);
  }
  await compositor.call("DELETE", "/v1/scene/layers/mark");
  return times.sort((a, b) => a - b);
}

// Processor seconds of ffmpeg for the same picture, as fast as it can.
function overlays(files) {
  const inputs = files.flatMap((file) => ["-framerate", `${FPS}`, "-i", file]);
  const stills = files.map((_, n) => `[${n}]format=${n === 0 ? "yuv420p" : "yuva420p"},loop=-1:1,setpts=N[p${n}]`);
  const chain = files.slice(1).map((_, i) => {
    const [n, [x, y]] = [i + 1, place(i + 1)];
    const along = MOVING.includes(n) ? `${x}+${(2 * WAY) / PERIOD}*abs(${PERIOD / 2}-mod(t\\,${PERIOD}))` : x;
    return `[${n === 1 ? "p0" : `o${n - 1}`}][p${n}]overlay=x='${along}':y=${y}[o${n}]`;
  });
  const args = ["-hide_banner", "-nostdin", "-benchmark", "-nostats", ...inputs, "-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo"];
  args.push("-filter_complex", [...stills, ...chain].join(";"), "-map", `[o${LAYERS - 1}]`, "-map", `${LAYERS}:a`, "-r", `${FPS}`, "-t", `${seconds}`);
  args.push("-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-threads:v", "1", "-b:v", `${KBPS}k`, "-maxrate", `${KBPS}k`, "-bufsize", `${KBPS}k`, "-g", `${2 * FPS}`);
  args.push("-c:a", "aac", "-b:a", "128k", "-f", "null", "-");
  const said = execFileSync("bash", ["-c", 'exec ffmpeg "$@" 2>&1', "ffmpeg", ...args], { encoding: "utf8" });
  const [, user, system] = /bench: utime=([0-9.]+)s stime=([0-9.]+)s/.exec(said);
  return Number(user) + Number(system);
}

const folder = mkdtempSync(join(tmpdir(), "rivulet-bench-"));
let compositor;
try {
  const files = pictures(folder);
  compositor = await Compositor.start(join(folder, "data"));
  await scene(compositor, files);
  await sleep(SETTLE_MS);
  const [before, first, start] = [compositor.used(), await compositor.metrics(), performance.now()];
  await sleep(seconds * 1000);
  const [after, last, took] = [compositor.used(), await compositor.metrics(), (performance.now() - start) / 1000];
  const drawn = last.encode_seconds_count - first.encode_seconds_count;
  const times = await latencies(compositor);
  await end(compositor.child, "SIGINT");
  const [own, peer] = [after.cpu - before.cpu, overlays(files)];
  // On a busy machine some pictures are left out, which is no merit: one is compared with one.
  const [each, other] = [(own / drawn) * 1000, (peer / (seconds * FPS)) * 1000];
  const goal = (met) => (met ? "met" : "MISSED");
  console.log(`compositor, ${LAYERS} layers, ${MOVING.length} moving, ${WIDTH}x${HEIGHT} at ${FPS}, superfast, ${took.toFixed(0)} s: ${drawn} pictures`);
  console.log(`  processor: ${(own / took).toFixed(2)} s a second, goal under ${GOALS.cores}: ${goal(own / took < GOALS.cores)}`);
  console.log(`  a picture and its sound: ${each.toFixed(1)} ms; by ffmpeg's overlay and x264 superfast: ${other.toFixed(1)} ms; ratio ${(each / other).toFixed(2)}`);
  console.log(`  memory: ${before.mib.toFixed(0)} MiB, then ${after.mib.toFixed(0)} MiB, goal no more than a tenth more: ${goal(after.mib <= before.mib * GOALS.growth)}`);
  const [late, missed, overruns] = ["late_frames", "missed_frames", "overruns_total"].map((name) => last[name] - first[name]);
  console.log(`  late pictures: ${late}, left out: ${missed}, not encoded: ${overruns}`);
  console.log(`  a change in the thumbnail: median ${times[CHANGES / 2].toFixed(0)} ms, slowest ${times.at(-1).toFixed(0)} ms`);
} finally {
  compositor?.child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}
