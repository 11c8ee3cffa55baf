// Calls of the REST API about one channel: with the session's cookie, or with a token where the page
// was given one.

export class Refused extends Error {
  constructor(status, problem, retryAfter) {
    super(problem?.detail ?? `status ${status}`);
    this.status = status;
    this.code = problem?.code;
    this.retry_ms = retryAfter ? Number(retryAfter) * 1000 : undefined;
  }
}

export class Api {
  #channel;
  #token;

  constructor(channel, token) {
    this.#channel = channel;
    this.#token = token;
  }

  // `path` is below the channel: `chat/settings`.
  call(method, path, body) {
    return this.send(method, `channels/${this.#channel}/${path}`, body);
  }

  // `path` is below `/api/v1/`.
  async send(method, path, body) {
    const headers = { accept: "application/json" };
    if (body !== undefined) headers["content-type"] = "application/json";
    if (this.#token) headers.authorization = `Bearer ${this.#token}`;
    const request = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
    const response = await fetch(`/api/v1/${path}`, { ...request, credentials: "same-origin" });
    const text = await response.text();
    const json = parsed(text);
    if (!response.ok) throw new Refused(response.status, json, response.headers.get("retry-after"));
    return json;
  }
}

// A proxy in front may answer with a page of its own.
function parsed(text) {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

// One step of a path.
export const step = (text) => encodeURIComponent(text);
