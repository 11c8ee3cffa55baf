// What every browser test needs: a server of its own on free ports, an encoder that pushes to it,
// and a Chromium whose pages report every error. Driven by RIVULET_BIN, the server's binary.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const START_MS = 20_000;
const STOP_MS = 10_000;

export const PASSWORD = "correct horse battery staple";

const binary = process.env.RIVULET_BIN;
if (!binary) throw new Error("set RIVULET_BIN to the rivulet binary, for example target/debug/rivulet");

export class Server {
  #child;
  #data;
  #log = [];

  // `flags` are further ones for `rivulet serve`.
  static async start(flags = []) {
    const server = new Server();
    server.#data = await mkdtemp(join(tmpdir(), "rivulet-browser-"));
    const free = "127.0.0.1:0";
    const args = ["serve", "--data", server.#data, "--http", free, "--rtmp", free, "--irc", free, ...flags];
    server.#child = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"] });
    createInterface({ input: server.#child.stderr }).on("line", (line) => server.#log.push(line));
    server.http = `http://${await server.#listening("http")}`;
    server.rtmp = `rtmp://${await server.#listening("rtmp")}/live`;
    return server;
  }

  // The first group of the first log line that matches.
  async logged(pattern) {
    const deadline = Date.now() + START_MS;
    for (;;) {
      for (const line of this.#log) {
        // Terminal colours may stand between any two words.
        const match = pattern.exec(line.replace(/\x1b\[[0-9;]*m/g, ""));
        if (match) return match[1];
      }
      if (this.#child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`the server did not log ${pattern}:\n${this.#log.join("\n")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #listening(name) {
    return this.logged(new RegExp(`listening.*\\bname="?${name}"?\\b.*\\baddr="?([0-9.:]+)`));
  }

  // The answer of an admin command.
  async admin(args, input = "") {
    const child = spawn(binary, ["admin", ...args, "--data", this.#data], { stdio: ["pipe", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (errors += chunk));
    child.stdin.end(input);
    const [code] = await once(child, "close");
    assert.equal(code, 0, `rivulet admin ${args.join(" ")}: ${errors}`);
    return output.trim();
  }

  async user(name, role = "admin") {
    await this.admin(["user", "create", name, "--role", role], `${PASSWORD}\n`);
  }

  // Answers the channel's stream key.
  async channel(name, owner) {
    return this.admin(["channel", "create", name, "--owner", owner]);
  }

  async stop() {
    await end(this.#child, "SIGTERM");
    await rm(this.#data, { recursive: true, force: true });
  }
}

// A moving, noisy test picture with a tone, 720p at 30 fps with a key frame every 2 s.
export function push(server, key) {
  const args = ["-hide_banner", "-loglevel", "error", "-nostdin", "-re"];
  args.push("-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30,noise=alls=6:allf=t");
  args.push("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000");
  args.push("-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "high", "-pix_fmt", "yuv420p");
  args.push("-b:v", "2500k", "-maxrate", "2500k", "-bufsize", "5000k", "-g", "60", "-sc_threshold", "0");
  args.push("-c:a", "aac", "-b:a", "128k", "-f", "flv", `${server.rtmp}/${key}`);
  const child = spawn("ffmpeg", args, { stdio: ["ignore", "ignore", "inherit"] });
  // `lose` is a cable that is pulled: the server hears nothing more.
  return { stop: () => end(child, "SIGINT"), lose: () => end(child, "SIGKILL") };
}

export async function end(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await closed;
  clearTimeout(timer);
}

export function launch(more = []) {
  const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
  flags.push("--disable-background-networking", "--disable-component-update", "--disable-sync");
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: [...flags, ...more] });
}

// A page in a context of its own. `problems` fills with console errors, uncaught exceptions,
// violations of the content security policy and requests to anybody else.
export async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const problems = [];
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => problems.push(String(error.stack ?? error)));
  page.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    const ours = ["127.0.0.1", "localhost"].includes(hostname) || ["data:", "blob:"].includes(protocol);
    if (!ours) problems.push(`a request to ${hostname}`);
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error("content security policy:", event.violatedDirective, event.blockedURI);
    });
  });
  return { context, page, problems };
}

export async function login(page, server, name) {
  await page.goto(`${server.http}/login`);
  await page.getByLabel("User name").fill(name);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.locator("summary[aria-label=Account]").waitFor();
}

export async function logout(page) {
  await page.locator("summary[aria-label=Account]").click();
  await page.getByRole("banner").getByRole("button", { name: "Log out" }).click();
  await page.getByRole("banner").getByRole("link", { name: "Log in" }).waitFor();
}

// Resolves when the video has played `seconds` more than now.
export async function plays(page, seconds = 2) {
  await page.waitForFunction(() => document.querySelector("video")?.readyState >= 3, null, { timeout: 45_000 });
  const from = await page.evaluate(() => document.querySelector("video").currentTime);
  await page.waitForFunction((until) => document.querySelector("video").currentTime >= until, from + seconds);
}

// Nothing is wider than the window.
export async function fits(page) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `${page.url()} is ${content} px wide in a window of ${window} px`);
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// No accessibility violation on the page as it is now.
export async function accessible(page) {
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const result = await window.axe.run(document, { resultTypes: ["violations"] });
    return result.violations
      .map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target.join(" ")} (${node.failureSummary})`).join("; ")}`);
  });
  assert.deepEqual(violations, [], page.url());
}
