// The page's one event stream. Each state goes to `receive` and, as JSON, to whoever listens for
// `rivulet:channel` on the window; `rivulet:ask` has the last one sent again.

const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 15000;

export function followChannel(url, receive) {
  let last;
  let failures = 0;

  const announce = () => {
    if (last !== undefined) window.dispatchEvent(new CustomEvent("rivulet:channel", { detail: last }));
  };

  function open() {
    const source = new EventSource(url);
    source.addEventListener("channel", (event) => {
      failures = 0;
      last = event.data;
      receive(JSON.parse(last));
      announce();
    });
    source.addEventListener("error", () => {
      // After a lost connection the browser reconnects by itself; after an error status it gives up.
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(open, backoff(failures++, RETRY_MIN_MS, RETRY_MAX_MS));
    });
  }

  window.addEventListener("rivulet:ask", announce);
  open();
}

// Doubles from `min` to `max`, with half of it random so that viewers do not come back all at once.
export function backoff(failures, min, max) {
  const delay = Math.min(max, min * 2 ** failures);
  return delay / 2 + (Math.random() * delay) / 2;
}
