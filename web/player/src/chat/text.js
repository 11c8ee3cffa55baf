// What a message is made of, as a list of parts: text, emotes, links, mentions. Positions of emotes
// count characters, which JavaScript's own indices do not.

const TOKEN = /https?:\/\/[^\s<>"'`]+|@[a-z0-9_]{2,25}/gi;
const TRAILING = /[.,:;!?)\]}…»”’]+$/u;

// Only the web, and nobody's name and password in it.
export function webAddress(text) {
  try {
    const url = new URL(text);
    const web = url.protocol === "http:" || url.protocol === "https:";
    return web && url.username === "" && url.password === "" ? url.href : undefined;
  } catch {
    return undefined;
  }
}

function plain(text, parts) {
  let done = 0;
  const say = (piece) => piece !== "" && parts.push({ kind: "text", text: piece });
  for (const { 0: found, index } of text.matchAll(TOKEN)) {
    if (found.startsWith("@")) {
      // Not within an e-mail address.
      if (index > 0 && /[\p{L}\p{N}_.]/u.test(text[index - 1])) continue;
      say(text.slice(done, index));
      parts.push({ kind: "mention", text: found, login: found.slice(1).toLowerCase() });
      done = index + found.length;
      continue;
    }
    const shown = found.replace(TRAILING, "");
    const href = webAddress(shown);
    if (href === undefined) continue;
    say(text.slice(done, index));
    parts.push({ kind: "link", text: shown, href });
    done = index + shown.length;
  }
  say(text.slice(done));
}

export function partsOf({ text, emotes = [] }) {
  const characters = Array.from(text);
  const parts = [];
  let at = 0;
  for (const emote of emotes) {
    // What does not fit the text is left alone.
    if (!(emote.at >= at && emote.len > 0 && emote.at + emote.len <= characters.length)) continue;
    plain(characters.slice(at, emote.at).join(""), parts);
    const code = characters.slice(emote.at, emote.at + emote.len).join("");
    parts.push({ kind: "emote", id: emote.id, text: code });
    at = emote.at + emote.len;
  }
  plain(characters.slice(at).join(""), parts);
  return parts;
}

export function mentions(message, login) {
  if (!login) return false;
  return message.reply_to?.login === login || partsOf(message).some((part) => part.login === login);
}

// What can be sent of it: one line, without what surrounds it.
export const sendable = (text) => text.replace(/\s*\n\s*/g, " ").trim();
export const lengthOf = (text) => Array.from(text).length;
