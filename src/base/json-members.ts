const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * The members of a JSON object, each value as the text that was written: a number beyond 2^53 or with
 * many digits keeps them, which parsing it would not. Of a name that comes twice the last counts, as
 * with `JSON.parse`. Null when the text is JSON but no object; throws a SyntaxError when it is no JSON.
 */
export function jsonMembers(text: string): ReadonlyMap<string, string> | null {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const members = new Map<string, string>();
  // From here on the text is known to be sound.
  let at = skipSpace(text, text.indexOf('{') + 1);
  while (text[at] !== '}') {
    const nameEnd = stringEnd(text, at);
    const name = JSON.parse(text.slice(at, nameEnd)) as string;
    const from = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const to = valueEnd(text, from);
    members.set(name, text.slice(from, to));
    at = skipSpace(text, to);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return members;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Behind the closing quote of the string that begins at `from`. */
function stringEnd(text: string, from: number): number {
  // Found by the engine's own search: an image in base64 is one string of megabytes.
  for (let at = text.indexOf('"', from + 1); ; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return at + 1;
  }
}

function valueEnd(text: string, from: number): number {
  let at = from;
  let depth = 0;
  for (;;) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = stringEnd(text, at);
        if (depth === 0) return at;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth += 1;
        at += 1;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        // Of the object itself: a number or a word ended here.
        if (depth === 0) return at;
        depth -= 1;
        at += 1;
        if (depth === 0) return at;
        break;
      case COMMA:
        if (depth === 0) return at;
        at += 1;
        break;
      default:
        if (depth === 0 && isSpace(text.charCodeAt(at))) return at;
        at += 1;
    }
  }
}
