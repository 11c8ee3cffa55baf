// Lighthouse's accessibility and best practices of what everybody, a user and an admin see.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import lighthouse from "lighthouse";
import { Server, launch, login, open } from "./harness.mjs";

const AT_LEAST = 0.95;
const EVERYBODY = ["/", "/categories", "/search?q=boats", "/boats", "/boats/about", "/login"];
const ADMIN = ["/settings", "/settings/security", "/notifications", "/dashboard/boats", "/dashboard/boats/profile", "/admin"];

let server;
let browser;
let port;

before(async () => {
  server = await Server.start();
  await server.user("ada");
  await server.channel("boats", "ada");
  port = 20_000 + (process.pid % 20_000);
  browser = await launch([`--remote-debugging-port=${port}`]);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function held(path, headers) {
  const options = { port, onlyCategories: ["accessibility", "best-practices"], logLevel: "error", extraHeaders: headers };
  const { lhr } = await lighthouse(server.http + path, options);
  const failed = Object.values(lhr.audits).filter(({ score }) => score !== null && score < 1);
  for (const { id, score } of Object.values(lhr.categories)) {
    assert.ok(score >= AT_LEAST, `${path}: ${id} ${score} for ${failed.map((audit) => audit.id).join(", ")}`);
  }
}

test("for everybody", { timeout: 180_000 }, async () => {
  for (const path of EVERYBODY) await held(path, {});
});

test("for an admin", { timeout: 180_000 }, async () => {
  const { context, page } = await open(browser);
  await login(page, server, "ada");
  const cookies = await context.cookies();
  await context.close();
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  for (const path of ADMIN) await held(path, { Cookie: cookie });
});
