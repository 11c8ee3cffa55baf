// Elements, made without any HTML: whatever somebody wrote gets in as text only.

export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

export const button = (text, onclick, more = {}) => el("button", { type: "button", class: "button", onclick, ...more }, text);

// The words of the page's language, with `{name}` filled in.
export function speaker(words) {
  return (key, values = {}) => (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// `12 s`, `3 min`, `2 h`, `5 d`: short, rounded up.
export function span(t, ms) {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 120) return t("seconds", { n: seconds });
  if (seconds < 7200) return t("minutes", { n: Math.ceil(seconds / 60) });
  if (seconds < 172_800) return t("hours", { n: Math.ceil(seconds / 3600) });
  return t("days", { n: Math.ceil(seconds / 86_400) });
}

// Asks in a dialogue. `fields` are elements with names; answers their values, or nothing where it was
// closed. `act` is what the button says.
export function ask({ title, fields = [], act, cancel, danger = false }) {
  return new Promise((resolve) => {
    const close = button(cancel, () => dialog.close(), { class: "button button-quiet" });
    const submit = el("button", { class: `button ${danger ? "button-danger" : "button-primary"}` }, act);
    const form = el("form", { class: "stack", method: "dialog" }, el("h2", { id: "chat-ask" }, title), ...fields);
    form.append(el("div", { class: "actions" }, submit, close));
    const dialog = el("dialog", { class: "chat-dialog", "aria-labelledby": "chat-ask" }, form);
    let answer;
    form.addEventListener("submit", () => {
      answer = Object.fromEntries(new FormData(form));
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

let fields = 0;

export function field(label, control) {
  const id = `chat-field-${(fields += 1)}`;
  control.id = id;
  return el("div", { class: "field" }, el("label", { for: id }, label), control);
}

export const choice = (name, choices, chosen) =>
  el("select", { name }, ...choices.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
