import type { Duplex } from 'node:stream';
import { KIB } from '../../base/units.ts';
import { CHUNK_END, chunkStart } from '../../http1/writer.ts';
import type { FieldSink } from '../headers.ts';

/** Up to this size everything is joined into one text: copying it costs less than a second write. */
const JOINED_MAX_BYTES = 8 * KIB;

/** Gathers what goes out on a connection in one turn, so that it leaves in as few writes as can be. */
export class Outgoing implements FieldSink {
  readonly #socket: Duplex;
  readonly #borrowed: boolean;
  /** What comes before the first buffer. */
  #text = '';
  #parts: (string | Buffer)[] | null = null;
  #bytes = 0;

  /** `borrowed`: the pieces it is given are only lent to it, until it is flushed. */
  constructor(socket: Duplex, borrowed: boolean) {
    this.#socket = socket;
    this.#borrowed = borrowed;
  }

  /** Latin-1. */
  text(text: string): void {
    this.#bytes += text.length;
    if (this.#parts === null) this.#text += text;
    else this.#parts.push(text);
  }

  field(name: string, value: string): void {
    this.text(`${name}: ${value}\r\n`);
  }

  lines(text: string): void {
    this.text(text);
  }

  piece(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#parts === null) this.#parts = [bytes];
    else this.#parts.push(bytes);
  }

  chunk(bytes: Buffer): void {
    this.text(chunkStart(bytes.length));
    this.piece(bytes);
    this.text(CHUNK_END);
  }

  /** Drops what was gathered. */
  clear(): void {
    this.#text = '';
    this.#parts = null;
    this.#bytes = 0;
  }

  /** False when the other side is slower than we are: wait for `drain`. */
  flush(): boolean {
    const socket = this.#socket;
    if (this.#bytes === 0) return !socket.writableNeedDrain;
    const text = this.#text;
    const parts = this.#parts;
    const joined = this.#bytes <= JOINED_MAX_BYTES;
    this.clear();
    if (parts === null) return socket.write(text, 'latin1');
    if (joined) return socket.write(text + joinedText(parts), 'latin1');
    const [only] = parts;
    if (text === '' && parts.length === 1 && typeof only === 'object' && !this.#borrowed) {
      return socket.write(only);
    }
    return socket.write(joinedBytes(text, parts));
  }
}

function joinedText(parts: readonly (string | Buffer)[]): string {
  let text = '';
  for (const part of parts) text += typeof part === 'string' ? part : part.toString('latin1');
  return text;
}

function joinedBytes(text: string, parts: readonly (string | Buffer)[]): Buffer {
  const bytes = Buffer.allocUnsafeSlow(parts.reduce((sum, part) => sum + part.length, text.length));
  let at = bytes.write(text, 0, 'latin1');
  for (const part of parts) {
    at += typeof part === 'string' ? bytes.write(part, at, 'latin1') : part.copy(bytes, at);
  }
  return bytes;
}
