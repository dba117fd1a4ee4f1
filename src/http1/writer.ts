/**
 * Text of messages, to be sent as Latin-1. Nothing is checked here: every name and value comes from a
 * head that was read by this codec, or from ourselves.
 */

/** The first line and the fields, with the empty line. `fields`: name, value, name, value. */
export function headText(firstLine: string, fields: readonly string[]): string {
  let text = `${firstLine}\r\n`;
  for (let index = 0; index < fields.length; index += 2) text += `${fields[index]}: ${fields[index + 1]}\r\n`;
  return `${text}\r\n`;
}

/** Goes before a piece of `bytes` > 0 bytes; CRLF follows the piece. */
export function chunkStart(bytes: number): string {
  return `${bytes.toString(16)}\r\n`;
}

export const CHUNK_END = '\r\n';

/** Ends a body in chunks. */
export function lastChunk(trailers: readonly string[]): string {
  return trailers.length === 0 ? '0\r\n\r\n' : headText('0', trailers);
}
