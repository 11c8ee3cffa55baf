// What only a script can do for an account: passkeys and Web Push. The server renders the buttons
// hidden; they appear where the browser has what they need.

const show = (element, shown = true) => {
  if (element) element.hidden = !shown;
};
const say = (element, text) => {
  if (!element) return;
  element.textContent = text;
  show(element);
};

// A call of the API. An error carries the sentence that the API gave for it.
async function call(method, path, body) {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const response = await fetch(`/api/v1/${path}`, { method, headers, body: JSON.stringify(body) });
  const answer = await response.text();
  const json = answer === "" ? undefined : JSON.parse(answer);
  if (!response.ok) throw new Error(json?.detail ?? `status ${response.status}`);
  return json;
}

const refusal = document.querySelector("[data-passkey-refusal]");
// Whoever closes the browser's dialogue knows that they did.
const refused = (error) => error.name === "NotAllowedError" || say(refusal, error.message);

async function logIn(next) {
  const { ticket, options } = await call("POST", "login/passkey/start", {});
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey ?? options);
  const credential = await navigator.credentials.get({ publicKey });
  await call("POST", "login/passkey", { ticket, credential: credential.toJSON() });
  location.assign(next);
}

async function addPasskey(name) {
  const { ticket, options } = await call("POST", "me/passkeys/start", {});
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options.publicKey ?? options);
  const credential = await navigator.credentials.create({ publicKey });
  await call("POST", "me/passkeys", { ticket, name, credential: credential.toJSON() });
  location.reload();
}

if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  const login = document.querySelector("[data-passkey-login]");
  show(login);
  login?.addEventListener("click", () => logIn(login.dataset.passkeyLogin).catch(refused));
  const form = document.querySelector("[data-passkey-new]");
  show(form);
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    addPasskey(form.elements.name.value).catch(refused);
  });
}

const unpadded = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function subscriptionBody(subscription) {
  const key = (name) => unpadded(subscription.getKey(name));
  return { endpoint: subscription.endpoint, p256dh: key("p256dh"), auth: key("auth") };
}

async function offerPush(box) {
  const part = (name) => box.querySelector(`[data-push-${name}]`);
  const worker = await navigator.serviceWorker.register("/service-worker.js");
  const update = async () => {
    const subscription = await worker.pushManager.getSubscription();
    show(part("on"), subscription !== null);
    show(part("stop"), subscription !== null);
    show(part("start"), subscription === null);
  };
  part("start").addEventListener("click", async () => {
    try {
      const options = { userVisibleOnly: true, applicationServerKey: box.dataset.push };
      await call("PUT", "me/push", subscriptionBody(await worker.pushManager.subscribe(options)));
      show(part("refusal"), false);
    } catch {
      show(part("refusal"));
    }
    await update();
  });
  part("stop").addEventListener("click", async () => {
    const subscription = await worker.pushManager.getSubscription();
    if (subscription) {
      await call("DELETE", "me/push", subscriptionBody(subscription));
      await subscription.unsubscribe();
    }
    await update();
  });
  await update();
  show(box);
  show(document.querySelector("[data-push-missing]"), false);
}

const push = document.querySelector("[data-push]");
if (push?.dataset.push && navigator.serviceWorker && window.PushManager) {
  offerPush(push).catch((error) => console.info("Rivulet: no Web Push here.", error));
}
