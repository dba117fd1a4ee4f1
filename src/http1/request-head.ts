import { CR, HOST, LF, METHOD, SPACE, TARGET, is } from './characters.ts';
import { FIELD, fieldKinds, valueOf, type KnownFields } from './field-kind.ts';
import { checkChunked, connectionOptions, readFields, readLength, type FieldList } from './fields.ts';
import { malformed } from './protocol-error.ts';

/** A request's head, read in the one way that is left when all others are refused. */
export interface ParsedRequest extends KnownFields {
  readonly method: string;
  /** Byte for byte as it was written. */
  readonly target: string;
  readonly versionMinor: 0 | 1;
  readonly host: string | undefined;
  /** Bytes of the body; 0 for none, null for one in chunks. */
  readonly bodyBytes: number | null;
  /** The sender takes another exchange on the connection. */
  readonly keepAlive: boolean;
  /** The protocol it wants to change to; null where it does not, or cannot. */
  readonly upgrade: string | null;
  /** It sends its body only after a 100. */
  readonly expectsContinue: boolean;
}

type Draft = { -readonly [Key in keyof ParsedRequest]: ParsedRequest[Key] };

const METHOD_LENGTH_MAX = 32;
const SLASH = 0x2f;
/** A path, `*`, or an address whose host is one: no user, and no sign that another reader stumbles over. */
const TARGET_FORM =
  /^(?:\/|\*$|https?:\/\/(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?(?:[/?]|$))/i;
const VERSION = 'HTTP/1.';
const BAD_METHOD = 'it does not begin with a method in capital letters';

/**
 * Refuses an unfinished head that does not begin as a request does: what speaks another protocol may
 * never send an empty line.
 */
export function checkOpening(bytes: Buffer, start: number): void {
  const end = Math.min(bytes.length, start + METHOD_LENGTH_MAX + 1);
  let at = start;
  while (at < end && is(METHOD, bytes[at] as number)) at += 1;
  const tooLong = at - start > METHOD_LENGTH_MAX;
  if (tooLong || (at < bytes.length && (at === start || bytes[at] !== SPACE))) throw malformed(BAD_METHOD);
}

/** Reads the head in `bytes` from `start` to `end`, the index behind its empty line. Throws ProtocolError. */
export function parseRequest(bytes: Buffer, start: number, end: number): ParsedRequest {
  // One text for the whole head: substrings of it cost far less than a call for each part.
  const text = bytes.toString('latin1', start, end - 2);
  let at = 0;
  while (is(METHOD, text.charCodeAt(at))) at += 1;
  if (at === 0 || at > METHOD_LENGTH_MAX || text.charCodeAt(at) !== SPACE) {
    throw malformed(BAD_METHOD);
  }
  const method = text.substring(0, at);
  const targetStart = at + 1;
  at = targetStart;
  while (is(TARGET, text.charCodeAt(at))) at += 1;
  if (at === targetStart || text.charCodeAt(at) !== SPACE) {
    throw malformed('its target has a character that must be encoded');
  }
  // A string of its own: what is kept of a request for the operator's eyes must not hold on to its head.
  const target = bytes.toString('latin1', start + targetStart, start + at);
  if (target.charCodeAt(0) !== SLASH && !TARGET_FORM.test(target) && method !== 'CONNECT')
    throw malformed('its target is neither a path nor an http address');
  const versionAt = at + 1 + VERSION.length;
  const versionMinor = text.charCodeAt(versionAt) - 0x30;
  if (
    !text.startsWith(VERSION, at + 1) ||
    (versionMinor !== 0 && versionMinor !== 1) ||
    text.charCodeAt(versionAt + 1) !== CR ||
    text.charCodeAt(versionAt + 2) !== LF
  ) {
    throw malformed('its first line does not end with HTTP/1.1 or HTTP/1.0');
  }
  const fields: FieldList = [];
  readFields(text, versionAt + 3, fields);
  const head: Draft = {
    method,
    target,
    versionMinor,
    fields,
    kinds: fieldKinds(fields),
    text,
    fieldsAt: versionAt + 3,
    host: undefined,
    bodyBytes: 0,
    keepAlive: versionMinor === 1,
    upgrade: null,
    expectsContinue: false,
  };
  readMeaning(head);
  return head;
}

/** What the fields say of the message's end and of the connection (RFC 9112 §6.3, §3.2, §9.3). */
function readMeaning(head: Draft): void {
  const { fields, kinds, versionMinor } = head;
  let length: number | undefined;
  let chunked = false;
  for (let index = 0; index < kinds.length; index += 1) {
    const value = fields[2 * index + 1] as string;
    switch (kinds[index]) {
      case FIELD.host:
        if (head.host !== undefined) throw malformed('it has more than one Host header');
        if (!isHost(value)) throw malformed('its Host header is not a host');
        head.host = value;
        break;
      case FIELD.expect:
        head.expectsContinue ||= versionMinor === 1 && value.toLowerCase() === '100-continue';
        break;
      case FIELD.contentLength:
        if (length !== undefined) throw malformed('it has more than one Content-Length header');
        length = readLength(value);
        break;
      case FIELD.transferEncoding:
        if (chunked) throw malformed('it has more than one Transfer-Encoding header');
        checkChunked(value);
        chunked = true;
        break;
      default:
        break;
    }
  }
  if (head.host === undefined && versionMinor === 1) throw malformed('it has no Host header');
  if (chunked && length !== undefined) throw malformed('it has both Content-Length and Transfer-Encoding');
  if (chunked && versionMinor === 0) throw malformed('HTTP/1.0 has no Transfer-Encoding');
  head.bodyBytes = chunked ? null : (length ?? 0);
  const connection = valueOf(head, FIELD.connection);
  // A connection of HTTP/1.0 serves one request: nobody who is in a hurry speaks it.
  if (connection !== undefined && connection !== 'keep-alive' && versionMinor === 1) {
    readConnection(head, connectionOptions(connection));
  }
}

function isHost(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) if (!is(HOST, value.charCodeAt(at))) return false;
  return true;
}

/** Offers of HTTP/2 or TLS may be ignored, and some clients send one with every request. */
const IGNORED_UPGRADE = /\b(?:h2c|tls)\b/i;

function readConnection(head: Draft, options: readonly string[]): void {
  head.keepAlive = !options.includes('close');
  const upgrade = valueOf(head, FIELD.upgrade);
  if (upgrade === undefined || head.bodyBytes !== 0 || !options.includes('upgrade')) return;
  if (!IGNORED_UPGRADE.test(upgrade)) head.upgrade = upgrade;
}
