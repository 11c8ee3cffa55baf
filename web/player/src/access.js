// Addresses of broadcasts that not everybody may watch: asked for, and asked for again before they
// run out.

const RENEW_BEFORE_MS = 60_000;
const RETRY_MS = 15_000;

export class Access {
  #grant;
  #password = "";
  #timer;
  #receive;

  // `receive` gets each address.
  constructor(player, receive) {
    this.#grant = player.dataset.grant;
    this.#receive = receive;
    const form = player.querySelector(".gate-form");
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#password = form.querySelector("input[type=password]").value;
      this.#ask().then(
        () => {
          delete player.dataset.locked;
          window.dispatchEvent(new CustomEvent("rivulet:password", { detail: this.#password }));
        },
        (error) => {
          const refusal = form.querySelector("[data-refusal]");
          refusal.textContent = error.message;
          refusal.hidden = false;
        },
      );
    });
  }

  get isNeeded() {
    return this.#grant !== undefined;
  }

  // Asks for the address of what is on air.
  open() {
    this.#ask().catch((error) => {
      if (!error.refused) this.#again(RETRY_MS);
    });
  }

  close() {
    clearTimeout(this.#timer);
  }

  async #ask() {
    const request = { method: "POST", headers: { "content-type": "application/json" } };
    const response = await fetch(this.#grant, { ...request, body: JSON.stringify({ password: this.#password }) });
    const answer = await response.json();
    if (!response.ok) throw Object.assign(new Error(answer.detail), { refused: response.status === 403 });
    this.#receive(answer.url);
    if (answer.expires_at_ms !== undefined) {
      this.#again(Math.max(RETRY_MS, answer.expires_at_ms - Date.now() - RENEW_BEFORE_MS));
    }
  }

  #again(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), delay);
  }
}
