import { COLON, CR, LF, SPACE, TAB, TOKEN, VALUE, is } from './characters.ts';
import { malformed } from './protocol-error.ts';

/** Field lines in the form of Node's `rawHeaders`: name, value, name, value. Order, case and duplicates are kept. */
export type FieldList = string[];

/**
 * Reads all field lines from `start` to the end of `text`, each closed by CRLF, without the empty line
 * behind them. Refused is whatever another reader could take for something else: a line folded onto
 * the next one, a space before the colon, a CR or an LF alone, NUL and other control characters.
 */
export function readFields(text: string, start: number, into: FieldList): void {
  let at = start;
  while (at < text.length) {
    const nameStart = at;
    while (is(TOKEN, text.charCodeAt(at))) at += 1;
    if (at === nameStart || text.charCodeAt(at) !== COLON) throw malformed(badName(text, nameStart, at));
    const name = text.substring(nameStart, at);
    at += 1;
    while (isSpace(text.charCodeAt(at))) at += 1;
    const valueStart = at;
    while (is(VALUE, text.charCodeAt(at))) at += 1;
    if (text.charCodeAt(at) !== CR || text.charCodeAt(at + 1) !== LF) {
      throw malformed(`the value of ${name} has a control character, or a line end that is not CRLF`);
    }
    let valueEnd = at;
    while (valueEnd > valueStart && isSpace(text.charCodeAt(valueEnd - 1))) valueEnd -= 1;
    if (valueEnd < at) checkPadding(name, text, valueEnd, at);
    into.push(name, text.substring(valueStart, valueEnd));
    at += 2;
  }
}

/** Some readers take a tab behind `chunked` for a part of it, and so read another body (llhttp does). */
function checkPadding(name: string, text: string, start: number, end: number): void {
  if (name.toLowerCase() === 'transfer-encoding' && text.lastIndexOf('\t', end - 1) >= start) {
    throw malformed('a tab follows its Transfer-Encoding');
  }
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB;
}

function badName(text: string, start: number, at: number): string {
  const found = text.charCodeAt(at);
  if (at === start && isSpace(found)) return 'a header line is folded onto the one before it';
  if (at === start && found === COLON) return 'a header has no name';
  return `the header name ${JSON.stringify(text.substring(start, Math.min(at, start + 40)))} is not followed by a colon`;
}

/** What a Connection field asks for, in lower case. */
export function connectionOptions(value: string): readonly string[] {
  return value
    .toLowerCase()
    .split(',')
    .map((option) => option.trim());
}

const LENGTH_DIGITS_MAX = 15;
const NOT_A_LENGTH = 'its Content-Length is not one number';

/** How long a body says it is. Only digits: signs, lists and other bases are read in several ways. */
export function readLength(value: string): number {
  let length = 0;
  for (let at = 0; at < value.length; at += 1) {
    const digit = value.charCodeAt(at) - 0x30;
    if (!(digit >= 0 && digit <= 9)) throw malformed(NOT_A_LENGTH);
    length = length * 10 + digit;
  }
  if (value.length === 0 || value.length > LENGTH_DIGITS_MAX) throw malformed(NOT_A_LENGTH);
  return length;
}

/** Of the encodings only `chunked` alone is known here; every other list ends where only some readers think it does. */
export function checkChunked(value: string): void {
  if (value.toLowerCase() !== 'chunked') throw malformed('its Transfer-Encoding is not "chunked"');
}
