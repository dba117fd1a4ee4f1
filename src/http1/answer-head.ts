import { CR, LF, SPACE, VALUE, is } from './characters.ts';
import { FIELD, fieldKinds, valueOf, type FieldKind, type KnownFields } from './field-kind.ts';
import { checkChunked, connectionOptions, readFields, readLength, type FieldList } from './fields.ts';
import { malformed } from './protocol-error.ts';

/** How the end of an answer's body is known. */
export type AnswerBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** Its end is the connection's. */
  | { readonly kind: 'close' };

export interface ParsedAnswer extends KnownFields {
  readonly status: number;
  readonly reason: string;
  readonly body: AnswerBody;
  /** The sender takes another request on the connection. */
  readonly keepAlive: boolean;
}

const NONE: AnswerBody = { kind: 'none' };
const CHUNKED: AnswerBody = { kind: 'chunked' };
const CLOSE: AnswerBody = { kind: 'close' };

/** Reads the head of an answer to a request with this method. `end`: behind its empty line. Throws ProtocolError. */
export function parseAnswer(bytes: Buffer, start: number, end: number, method: string): ParsedAnswer {
  const text = bytes.toString('latin1', start, end - 2);
  const versionMinor = text.charCodeAt(7) - 0x30;
  if (!text.startsWith('HTTP/1.') || (versionMinor !== 0 && versionMinor !== 1)) {
    throw malformed('its first line does not begin with HTTP/1.1 or HTTP/1.0');
  }
  const status = (digit(text, 9) * 10 + digit(text, 10)) * 10 + digit(text, 11);
  if (text.charCodeAt(8) !== SPACE || !(status >= 100)) throw malformed('its status is not three digits');
  let at = 12;
  // Some servers leave the space out with the reason.
  if (text.charCodeAt(at) === SPACE) at += 1;
  else if (text.charCodeAt(at) !== CR) throw malformed('its status is not three digits');
  const reasonStart = at;
  while (is(VALUE, text.charCodeAt(at))) at += 1;
  if (text.charCodeAt(at) !== CR || text.charCodeAt(at + 1) !== LF) {
    throw malformed('its first line has a control character');
  }
  const fields: FieldList = [];
  const reason = text.substring(reasonStart, at);
  readFields(text, at + 2, fields);
  const kinds = fieldKinds(fields);
  const body = readBody(fields, kinds, versionMinor, status, method);
  const keepAlive = body !== CLOSE && keepsAlive(valueOf({ fields, kinds }, FIELD.connection), versionMinor);
  return { status, reason, fields, kinds, text, fieldsAt: at + 2, body, keepAlive };
}

/** NaN where there is none, which no comparison holds for. */
function digit(text: string, index: number): number {
  const value = text.charCodeAt(index) - 0x30;
  return value >= 0 && value <= 9 ? value : NaN;
}

/** RFC 9112 §6.3, without what it leaves to guess: both lengths, repeated lengths, other encodings. */
function readBody(
  fields: FieldList,
  kinds: readonly FieldKind[],
  versionMinor: 0 | 1,
  status: number,
  method: string,
): AnswerBody {
  let length: number | undefined;
  let chunked = false;
  for (let index = 0; index < kinds.length; index += 1) {
    const kind = kinds[index];
    if (kind === FIELD.contentLength) {
      if (length !== undefined) throw malformed('it has more than one Content-Length header');
      length = readLength(fields[2 * index + 1] as string);
    } else if (kind === FIELD.transferEncoding) {
      if (chunked) throw malformed('it has more than one Transfer-Encoding header');
      checkChunked(fields[2 * index + 1] as string);
      chunked = true;
    }
  }
  if (chunked && length !== undefined) throw malformed('it has both Content-Length and Transfer-Encoding');
  if (chunked && versionMinor === 0) throw malformed('HTTP/1.0 has no Transfer-Encoding');
  return bodyOf(status, method, chunked, length);
}

function bodyOf(status: number, method: string, chunked: boolean, length: number | undefined): AnswerBody {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return NONE;
  if (chunked) return CHUNKED;
  if (length === undefined) return CLOSE;
  return length === 0 ? NONE : { kind: 'length', bytes: length };
}

function keepsAlive(connection: string | undefined, versionMinor: 0 | 1): boolean {
  if (connection === undefined) return versionMinor === 1;
  if (connection === 'keep-alive') return true;
  const options = connectionOptions(connection);
  return versionMinor === 1 ? !options.includes('close') : options.includes('keep-alive');
}
