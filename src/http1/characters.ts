/** What a byte may be part of (RFC 9110 §5.5 and §5.6.2, RFC 9112 §3.2). */
export const TOKEN = 1;
export const VALUE = 2;
export const TARGET = 4;
/** Of a method: capital letters and the hyphen. All registered ones are made of them. */
export const METHOD = 8;
export const HEX = 16;
/** Of a Host field: a name or an address with a port. */
export const HOST = 32;

export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

const CLASSES = new Uint8Array(256);

for (const character of "!#$%&'*+-.^_`|~") CLASSES[character.charCodeAt(0)] = TOKEN;
for (let code = 0x30; code <= 0x39; code += 1) CLASSES[code] = TOKEN | HEX;
for (let code = 0x41; code <= 0x5a; code += 1) CLASSES[code] = TOKEN | METHOD;
for (let code = 0x61; code <= 0x7a; code += 1) CLASSES[code] = TOKEN;
for (const character of 'abcdefABCDEF') CLASSES[character.charCodeAt(0)] = at(character.charCodeAt(0)) | HEX;
CLASSES[0x2d] = TOKEN | METHOD;
for (let code = 0x21; code <= 0x7e; code += 1) CLASSES[code] = at(code) | VALUE | TARGET;
for (let code = 0x80; code <= 0xff; code += 1) CLASSES[code] = VALUE;
for (const character of '._~:[]-') CLASSES[character.charCodeAt(0)] = at(character.charCodeAt(0)) | HOST;
for (const code of CLASSES.keys())
  if (/[0-9A-Za-z]/.test(String.fromCharCode(code))) CLASSES[code] = at(code) | HOST;
CLASSES[SPACE] = VALUE;
CLASSES[TAB] = VALUE;

function at(code: number): number {
  return CLASSES[code] ?? 0;
}

/** False too behind the end of a text, whose code is NaN there. */
export function is(kind: number, code: number): boolean {
  return ((CLASSES[code] ?? 0) & kind) !== 0;
}
