import { CR, LF } from './characters.ts';
import { ProtocolError, malformed } from './protocol-error.ts';

const EMPTY_LINE = Buffer.from('\r\n\r\n', 'latin1');

/**
 * The index behind the empty line that ends the head beginning at `start`, or -1 when more bytes are
 * needed. `scanned` bytes of it were looked through before. A head over `limitBytes` is refused, and
 * so is a line that ends with CR or LF alone: such a head might never come to its empty line.
 */
export function headEnd(bytes: Buffer, start: number, scanned: number, limitBytes: number): number {
  const from = start + Math.max(0, scanned - EMPTY_LINE.length + 1);
  const found = bytes.indexOf(EMPTY_LINE, from, 'latin1');
  const end = found === -1 ? -1 : found + EMPTY_LINE.length;
  if ((end === -1 ? bytes.length : end) - start > limitBytes) {
    throw new ProtocolError('headTooLarge', `its head is larger than ${limitBytes} bytes`);
  }
  if (end === -1) refuseBareLineEnds(bytes, from);
  return end;
}

/**
 * Refuses a CR or an LF that is not part of a CRLF: its line might never come to an end that is one.
 * A CR as the last byte may still become one.
 */
export function refuseBareLineEnds(bytes: Buffer, from: number): void {
  for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (at === 0 || bytes[at - 1] !== CR) throw malformed('a line ends with LF and not with CRLF');
  }
  for (let at = bytes.indexOf(CR, from); at !== -1; at = bytes.indexOf(CR, at + 1)) {
    if (at + 1 < bytes.length && bytes[at + 1] !== LF) throw malformed('a CR is not followed by LF');
  }
}
