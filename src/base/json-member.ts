const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The text of one member's value in a JSON object, as it was written: numbers keep their digits,
 * where a value that is read and written again loses those beyond 2⁵³. The text must be valid JSON.
 * Of members with one name the last counts, as with `JSON.parse`. Undefined where there is none.
 */
export function jsonMember(text: string, name: string): string | undefined {
  let found: string | undefined;
  let at = skipSpace(text, 0);
  if (text[at] !== '{') return undefined;
  at = skipSpace(text, at + 1);
  while (text[at] === '"') {
    const keyEnd = skipString(text, at);
    const matches = JSON.parse(text.slice(at, keyEnd)) === name;
    // Behind the colon.
    const from = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, from);
    if (matches) found = text.slice(from, end);
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return found;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) break;
  }
  return at;
}

/** From the opening quote to behind the closing one. */
function skipString(text: string, from: number): number {
  let at = from;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at === -1) return text.length;
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return at + 1;
  }
}

function skipValue(text: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = skipString(text, at);
      if (depth === 0) return at;
      continue;
    }
    const isOpening = code === 0x7b || code === 0x5b;
    const isClosing = code === 0x7d || code === 0x5d;
    if (isOpening) depth += 1;
    else if (isClosing) {
      // The end of the object that holds a bare value.
      if (depth === 0) return trimmedEnd(text, at);
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (code === 0x2c && depth === 0) return trimmedEnd(text, at);
    at += 1;
  }
  return trimmedEnd(text, at);
}

function trimmedEnd(text: string, end: number): number {
  let at = end;
  while (at > 0 && skipSpace(text, at - 1) > at - 1) at -= 1;
  return at;
}
