import { CR, HEX, LF, SEMICOLON, VALUE, is } from './characters.ts';
import { FIELD, fieldKind } from './field-kind.ts';
import { readFields, type FieldList } from './fields.ts';
import { refuseBareLineEnds } from './head-end.ts';
import { ProtocolError, malformed } from './protocol-error.ts';

/** Bounds of what a body in chunks carries beside its bytes. */
export interface ChunkLimits {
  /** One chunk's size line with its extensions. */
  readonly lineBytes: number;
  /** All extensions of one body together. */
  readonly extensionBytes: number;
  readonly trailerBytes: number;
}

export const CHUNK_LIMITS: ChunkLimits = { lineBytes: 4_096, extensionBytes: 16_384, trailerBytes: 16_384 };

/** RFC 9112 §7.1.1, without spaces around the signs and without escapes, which no two readers take alike. */
const EXTENSIONS =
  /^(?:;[\w!#$%&'*+.^`|~-]+(?:=(?:[\w!#$%&'*+.^`|~-]+|"[\t !\x23-\x5b\x5d-\x7e\x80-\xff]*"))?)+$/;

/** Every number up to it is exact. */
const SIZE_MAX = 2 ** 52;
const NO_TRAILERS: readonly string[] = [];
const EMPTY_LINE = Buffer.from('\r\n\r\n', 'latin1');

type Mode = 'length' | 'close' | 'size' | 'data' | 'dataEnd' | 'trailers' | 'done';

/**
 * Finds the bytes of one message's body among those of its connection. It keeps a copy of at most one
 * unfinished size line or trailer section; the body itself goes through as slices of what came in.
 */
export class BodyDecoder {
  #trailers: FieldList | null = null;
  readonly #limits: ChunkLimits;
  #mode: Mode;
  /** Of the body, or of the chunk. */
  #bytesLeft: number;
  #kept: Buffer | null = null;
  #extensionBytes = 0;

  /** `bytes`: the body's length, `null` for chunks, `Infinity` for all there is to come. */
  constructor(bytes: number | null, limits: ChunkLimits = CHUNK_LIMITS) {
    this.#limits = limits;
    this.#bytesLeft = bytes ?? 0;
    if (bytes === null) this.#mode = 'size';
    else if (bytes === Infinity) this.#mode = 'close';
    else this.#mode = bytes === 0 ? 'done' : 'length';
  }

  get trailers(): readonly string[] {
    return this.#trailers ?? NO_TRAILERS;
  }

  /** The whole body was read, trailers included. */
  get done(): boolean {
    return this.#mode === 'done';
  }

  /** For a body that ends with its connection, once that has ended; true when nothing is missing. */
  endOfConnection(): boolean {
    if (this.#mode === 'close') this.#mode = 'done';
    return this.done;
  }

  /**
   * Reads on in `bytes` from `start`, hands each piece of the body to `onPiece`, and returns the index
   * behind the last byte that belongs to this body. Throws ProtocolError, after which the connection
   * can no longer be read.
   */
  decode(bytes: Buffer, start: number, onPiece: (piece: Buffer) => void): number {
    let at = start;
    while (at < bytes.length && this.#mode !== 'done') {
      switch (this.#mode) {
        case 'length':
        case 'data':
          at = this.#data(bytes, at, onPiece);
          break;
        case 'close':
          onPiece(at === 0 ? bytes : bytes.subarray(at));
          return bytes.length;
        case 'dataEnd':
          at = this.#dataEnd(bytes, at);
          break;
        case 'size':
          at = this.#size(bytes, at);
          break;
        case 'trailers':
          at = this.#section(bytes, at);
          break;
      }
    }
    return at;
  }

  #data(bytes: Buffer, at: number, onPiece: (piece: Buffer) => void): number {
    const end = Math.min(bytes.length, at + this.#bytesLeft);
    this.#bytesLeft -= end - at;
    if (this.#bytesLeft === 0) {
      if (this.#mode === 'length') this.#mode = 'done';
      else {
        this.#mode = 'dataEnd';
        this.#bytesLeft = 2;
      }
    }
    onPiece(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    return end;
  }

  /** The CRLF behind a chunk's data, which may come in two parts. */
  #dataEnd(bytes: Buffer, at: number): number {
    const expected = this.#bytesLeft === 2 ? CR : LF;
    if (bytes[at] !== expected) throw malformed('a chunk is not as long as it says');
    this.#bytesLeft -= 1;
    if (this.#bytesLeft === 0) this.#mode = 'size';
    return at + 1;
  }

  #size(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(LF, at);
    const line = this.#line(bytes, at, end === -1 ? bytes.length : end + 1, this.#limits.lineBytes);
    if (end === -1) {
      // A wrong size is refused at its first wrong character, and not at the end of a line that may never come.
      readSize(line, false);
      return this.#keep(line, bytes.length);
    }
    this.#kept = null;
    const { size, digits } = readSize(line, true);
    this.#extensionBytes += line.length - digits - 2;
    if (this.#extensionBytes > this.#limits.extensionBytes) {
      throw new ProtocolError('bodyTooLarge', 'its chunk extensions are too large');
    }
    this.#bytesLeft = size;
    this.#mode = size === 0 ? 'trailers' : 'data';
    return end + 1;
  }

  /** Behind the last chunk: an empty line, or field lines and then an empty line. */
  #section(bytes: Buffer, at: number): number {
    const before = this.#kept?.length ?? 0;
    const section =
      this.#kept === null ? bytes.subarray(at) : Buffer.concat([this.#kept, bytes.subarray(at)]);
    if (section[0] === CR && (section.length < 2 || section[1] === LF)) {
      if (section.length < 2) return this.#keep(section, bytes.length);
      this.#kept = null;
      this.#mode = 'done';
      return at + 2 - before;
    }
    const found = section.indexOf(EMPTY_LINE);
    const end = found === -1 ? section.length : found + EMPTY_LINE.length;
    if (end > this.#limits.trailerBytes)
      throw new ProtocolError('bodyTooLarge', 'its trailers are too large');
    if (found === -1) {
      refuseBareLineEnds(section, 0);
      return this.#keep(section, bytes.length);
    }
    const trailers: FieldList = [];
    readFields(section.toString('latin1', 0, end - 2), 0, trailers);
    refuseFraming(trailers);
    this.#trailers = trailers;
    this.#kept = null;
    this.#mode = 'done';
    return at + end - before;
  }

  #keep(bytes: Buffer, end: number): number {
    // A copy: what was read into the same memory next would change it.
    this.#kept = Buffer.from(bytes);
    return end;
  }

  #line(bytes: Buffer, start: number, end: number, limitBytes: number): Buffer {
    const part = bytes.subarray(start, end);
    const line = this.#kept === null ? part : Buffer.concat([this.#kept, part]);
    if (line.length > limitBytes) throw malformed('a chunk size line is too long');
    return line;
  }
}

/** Reads `size[;extensions]CRLF`; `whole` is false for the beginning of a line. */
function readSize(line: Buffer, whole: boolean): { size: number; digits: number } {
  let at = 0;
  let size = 0;
  while (is(HEX, line[at] ?? NaN)) {
    size = size * 16 + digitValue(line[at] as number);
    if (size > SIZE_MAX) throw malformed('a chunk is larger than can be counted');
    at += 1;
  }
  const digits = at;
  if (digits === 0) throw malformed('a chunk size is not a hexadecimal number');
  if (line[at] === SEMICOLON) {
    at += 1;
    while (is(VALUE, line[at] ?? NaN)) at += 1;
  }
  const rest = line.length - at;
  const ends = whole ? rest === 2 && line[at] === CR : rest === 0 || (rest === 1 && line[at] === CR);
  if (!ends) throw malformed('a chunk size line has a character that does not belong there');
  if (whole && at > digits && !EXTENSIONS.test(line.toString('latin1', digits, at))) {
    throw malformed('a chunk extension is neither a name nor name=value');
  }
  return { size, digits };
}

/** Of 0-9, A-F and a-f. */
function digitValue(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57;
}

/** A trailer that tells of the message's length would contradict what has been read already. */
function refuseFraming(trailers: FieldList): void {
  for (let index = 0; index < trailers.length; index += 2) {
    const name = trailers[index] as string;
    const kind = fieldKind(name);
    if (kind === FIELD.contentLength || kind === FIELD.transferEncoding) {
      throw malformed(`it has ${name.toLowerCase()} among its trailers`);
    }
  }
}
