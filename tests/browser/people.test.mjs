// Somebody with an account: signs up, keeps it safe, takes its data along, and ends it.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { PASSWORD, Server, accessible, fits, launch, login, logout, open } from "./harness.mjs";

let server;
let browser;

before(async () => {
  server = await Server.start();
  await server.user("hedy", "admin");
  browser = await launch();
  const { context, page } = await open(browser);
  await login(page, server, "hedy");
  await page.goto(`${server.http}/admin/settings`);
  await page.getByLabel("Who may make an account").selectOption("open");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  await context.close();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function signUp(page, name) {
  await page.goto(`${server.http}/signup`);
  await page.getByLabel("User name").fill(name);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
}

// A code of the authenticator (RFC 6238) for the secret in base 32, `ahead` steps from now.
function code(secret, ahead = 0) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const mac = createHmac("sha1", key).update(step).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

test("signing up, with a name that is taken first", async () => {
  const { context, page } = await open(browser, { viewport: { width: 390, height: 844 } });
  await signUp(page, "hedy");
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("User name").inputValue(), "hedy");
  await accessible(page);
  await fits(page);
  await signUp(page, "grace");
  await page.locator("summary[aria-label=Account]").waitFor();
  await context.close();
});

test("a profile with a picture and another language", async () => {
  const { context, page, problems } = await open(browser);
  await login(page, server, "grace");
  await page.goto(`${server.http}/settings`);
  await accessible(page);
  await page.getByLabel("Display name").fill("Grace H.");
  await page.locator("#name").getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  // One red pixel.
  const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==";
  const file = { name: "me.png", mimeType: "image/png", buffer: Buffer.from(png, "base64") };
  await page.getByLabel("Choose a picture").setInputFiles(file);
  await page.getByRole("button", { name: "Upload" }).click();
  await page.locator("#picture img.avatar").waitFor();
  const shown = await page.evaluate(() => document.querySelector("#picture img.avatar").naturalWidth);
  assert.ok(shown > 0, "the picture loads");
  assert.deepEqual(problems, []);

  const text = { name: "me.png", mimeType: "image/png", buffer: Buffer.from("<svg onload=alert(1)>") };
  await page.getByLabel("Choose a picture").setInputFiles(text);
  await page.getByRole("button", { name: "Upload" }).click();
  await page.getByRole("alert").waitFor();
  await accessible(page);

  await page.goto(`${server.http}/settings`);
  await page.getByRole("combobox", { name: "Language" }).selectOption("de");
  await page.locator("#name").getByRole("button", { name: "Save" }).click();
  await page.getByText("Gespeichert.").waitFor();
  await page.getByRole("combobox", { name: "Sprache" }).selectOption("");
  await page.locator("#name").getByRole("button", { name: "Speichern" }).click();
  await context.close();
});

test("a second factor, a recovery code, and without it again", async () => {
  const { context, page } = await open(browser);
  await login(page, server, "grace");
  await page.goto(`${server.http}/settings/security`);
  await accessible(page);
  await page.getByRole("button", { name: "Set up" }).click();
  const secret = await page.locator("code.secret").textContent();
  assert.ok(await page.evaluate(() => document.querySelector("img.qr").naturalWidth > 0));
  await accessible(page);
  await page.getByLabel("Code").fill("000000");
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Code").fill(code(secret));
  await page.getByRole("button", { name: "Confirm" }).click();
  const codes = (await page.locator(".shown-once code").textContent()).trim().split(/\s+/);
  assert.ok(codes.length >= 8);
  await accessible(page);
  await logout(page);

  const enter = async (answer) => {
    await page.goto(`${server.http}/login`);
    await page.getByLabel("User name").fill("grace");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await page.getByRole("heading", { name: "Second factor" }).waitFor();
    await accessible(page);
    await page.getByLabel("Code").fill("123456");
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Code").fill(answer);
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await page.locator("summary[aria-label=Account]").waitFor();
  };
  // The step of the code that turned it on is used up.
  await enter(code(secret, 1));
  await logout(page);
  await enter(codes[0]);
  await page.goto(`${server.http}/settings/security`);
  await page.locator("summary", { hasText: "Turn off" }).click();
  const off = page.locator("details[open]");
  await off.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await off.getByRole("button", { name: "Turn off" }).click();
  await page.getByRole("button", { name: "Set up" }).waitFor();
  await context.close();
});

test("an access token is shown once, works, and is revoked", async () => {
  const { context, page } = await open(browser);
  await login(page, server, "grace");
  await page.goto(`${server.http}/settings/tokens`);
  await page.getByLabel("Name").fill("Bot");
  await page.getByLabel("Read your account").check();
  await page.getByRole("button", { name: "Create an access token" }).click();
  const token = (await page.locator(".shown-once code").textContent()).trim();
  await accessible(page);
  const me = () => fetch(`${server.http}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await (await me()).json()).username, "grace");
  await page.goto(`${server.http}/settings/tokens`);
  assert.equal(await page.getByText(token).count(), 0);
  await page.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("No access tokens").waitFor();
  assert.equal((await me()).status, 401);
  await context.close();
});

test("another device is logged out, and then all of them", async () => {
  const [one, two] = [await open(browser), await open(browser)];
  await login(one.page, server, "grace");
  await login(two.page, server, "grace");
  await one.page.goto(`${server.http}/settings/security`);
  const others = one.page.locator("#sessions").getByRole("button", { name: "Log out", exact: true });
  while ((await others.count()) > 0) {
    const left = await others.count();
    await others.first().click();
    await one.page.waitForFunction((n) => document.querySelectorAll("#sessions td form").length < n, left);
  }
  await two.page.goto(`${server.http}/settings`);
  await two.page.waitForURL("**/login?next=/settings");
  await one.page.locator("summary", { hasText: "Log out everywhere" }).click();
  await one.page.getByRole("button", { name: "Log out everywhere" }).click();
  await one.page.waitForURL("**/login");
  await one.context.close();
  await two.context.close();
});

test("all data is taken along, and the account ends", async () => {
  const { context, page } = await open(browser);
  await login(page, server, "grace");
  await page.goto(`${server.http}/settings/data`);
  await accessible(page);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Export all your data" }).click(),
  ]);
  assert.equal(await download.failure(), null);
  await page.locator("summary", { hasText: "Delete your account" }).click();
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Delete your account" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Delete your account" }).click();
  await page.getByRole("banner").getByRole("link", { name: "Log in" }).waitFor();
  await page.goto(`${server.http}/login`);
  await page.getByLabel("User name").fill("grace");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.getByRole("alert").waitFor();
  await context.close();
});

test("a passkey opens the account without a password", async () => {
  const { context, page, problems } = await open(browser);
  // Passkeys need a host name, which 127.0.0.1 is not.
  const site = server.http.replace("127.0.0.1", "localhost");
  const local = { http: site };
  const client = await context.newCDPSession(page);
  await client.send("WebAuthn.enable");
  const authenticator = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true };
  const options = { ...authenticator, isUserVerified: true, automaticPresenceSimulation: true };
  await client.send("WebAuthn.addVirtualAuthenticator", { options });
  await login(page, local, "hedy");
  await page.goto(`${site}/settings/security`);
  await page.getByLabel("Name of the new passkey").fill("Laptop");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.locator("#passkeys tr", { hasText: "Laptop" }).waitFor();
  await accessible(page);
  await logout(page);
  await page.goto(`${site}/login`);
  await page.getByRole("button", { name: "Log in with a passkey" }).click();
  await page.locator("summary[aria-label=Account]").waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});
