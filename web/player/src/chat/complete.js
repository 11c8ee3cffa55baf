// What a half-written word may become: an emote (`:smi`, or the beginning of its code), a name (`@an`).
// Pure, with the text and where the cursor is.

const MAX = 8;
const MIN_CODE = 3;

// The word that ends at the cursor, and what could take its place.
export function suggestions(text, cursor, emotes, names) {
  const word = /\S*$/.exec(text.slice(0, cursor))[0];
  const from = cursor - word.length;
  const begins = (name, start) => name.toLowerCase().startsWith(start.toLowerCase());
  let found = [];
  if (word.startsWith("@") && word.length > 1) {
    found = names.filter(({ login, name }) => begins(login, word.slice(1)) || begins(name, word.slice(1)));
    found = found.map(({ login, name }) => ({ text: `@${login}`, name }));
  } else if (word.startsWith(":") && word.length > 1) {
    const start = word.slice(1);
    const inside = ({ code }) => !begins(code, start) && code.toLowerCase().includes(start.toLowerCase());
    found = [...emotes.filter(({ code }) => begins(code, start)), ...emotes.filter(inside)];
    found = found.map((emote) => ({ text: emote.code, emote }));
  } else if (word.length >= MIN_CODE) {
    found = emotes.filter(({ code }) => code.startsWith(word) && code !== word).map((emote) => ({ text: emote.code, emote }));
  }
  return { from, to: cursor, found: found.slice(0, MAX) };
}

// The text with `word` from `from` to `to`, a space behind it, and where the cursor is then.
export function put(text, from, to, word) {
  const rest = text.slice(to).replace(/^ ?/, " ");
  return { text: text.slice(0, from) + word + rest, cursor: from + word.length + 1 };
}
