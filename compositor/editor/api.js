// The compositor's HTTP API. Addresses are relative to the page, so that it works below any path of any
// host. The token is a header, and kept for as long as the tab is open.

const KEPT = "rivulet-compositor-token";

// What the API says of an error: a sentence, a code for programs, and the field that it is about.
export class Problem extends Error {
  constructor(status, { code = "unknown", detail, field } = {}) {
    super(detail ?? `The compositor answered ${status}.`);
    Object.assign(this, { status, code, field: field ?? "" });
  }
}

export class Api {
  #token = sessionStorage.getItem(KEPT) ?? "";
  // Called when the token is missing or wrong.
  refused = () => {};

  set token(token) {
    this.#token = token;
    sessionStorage.setItem(KEPT, token);
  }

  get hasToken() {
    return this.#token !== "";
  }

  forget() {
    this.#token = "";
    sessionStorage.removeItem(KEPT);
  }

  // What a WebSocket offers: a page can give it no header.
  get subprotocols() {
    const bytes = String.fromCharCode(...new TextEncoder().encode(this.#token));
    const encoded = btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    return this.hasToken ? ["rivulet", `bearer.${encoded}`] : ["rivulet"];
  }

  async fetch(method, path, { body, type, signal } = {}) {
    const headers = {};
    if (this.hasToken) headers.authorization = `Bearer ${this.#token}`;
    if (type) headers["content-type"] = type;
    const url = new URL(path, document.baseURI);
    const answer = await fetch(url, { method, headers, body, signal, cache: "no-store" });
    if (answer.ok) return answer;
    const problem = new Problem(answer.status, await answer.json().catch(() => ({})));
    if (problem.status === 401) this.refused(problem);
    throw problem;
  }

  async call(method, path, body) {
    const options = body === undefined ? {} : { body: JSON.stringify(body), type: "application/json" };
    const answer = await this.fetch(method, path, options);
    return answer.status === 204 ? null : answer.json();
  }

  get = (path) => this.call("GET", path);
  post = (path, body) => this.call("POST", path, body);
  put = (path, body) => this.call("PUT", path, body);
  patch = (path, body) => this.call("PATCH", path, body);
  delete = (path) => this.call("DELETE", path);
}
