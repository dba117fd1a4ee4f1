import { ARRIVAL_OUTCOMES, SIZE_CLASS_MAX, type Arrival, type ArrivalOutcome } from './arrival.ts';

/**
 * Arrivals packed one behind the other, in the order of their ends, about six bytes each:
 *
 *   version (1 byte) · first end, epoch ms (varint)
 *   then each: ms since the end before (varint) · outcome × 32 + size class (1 byte) ·
 *              wait ms (varint) · run ms (varint)
 *
 * A varint holds 7 bits a byte, the lowest first; the top bit says that another byte follows.
 */
const VERSION = 1;
/** Three numbers of at most five bytes, and one byte. */
const RECORD_BYTES_MAX = 16;
/** 24 days: longer waits and runs, of tunnels alone, are kept as this. */
const DURATION_MAX_MS = 2 ** 31 - 1;
const SIZE_CLASSES = SIZE_CLASS_MAX + 1;
const FIRST_BYTES = 128;

/** Grows a chunk by one arrival at a time. What `bytes` gave is a complete chunk, and never changes. */
export class ArrivalChunkWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #length = 0;
  #count = 0;
  #firstEndMs = 0;
  #lastEndMs = 0;

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#length;
  }

  /** Epoch milliseconds; 0 while it is empty. */
  get firstEndMs(): number {
    return this.#firstEndMs;
  }

  get lastEndMs(): number {
    return this.#lastEndMs;
  }

  add(arrival: Arrival): void {
    if (this.#length + RECORD_BYTES_MAX > this.#bytes.length) this.#grow();
    if (this.#count === 0) {
      this.#firstEndMs = arrival.endedAtMs;
      this.#lastEndMs = arrival.endedAtMs;
      this.#bytes[this.#length++] = VERSION;
      this.#varint(arrival.endedAtMs);
    }
    // A clock that was set back gives ends before the last one: they count as simultaneous.
    const sinceLastMs = Math.min(DURATION_MAX_MS, Math.max(0, arrival.endedAtMs - this.#lastEndMs));
    this.#lastEndMs += sinceLastMs;
    this.#varint(sinceLastMs);
    this.#bytes[this.#length++] =
      ARRIVAL_OUTCOMES.indexOf(arrival.outcome) * SIZE_CLASSES + arrival.sizeClass;
    this.#varint(durationOf(arrival.waitMs));
    this.#varint(durationOf(arrival.runMs));
    this.#count += 1;
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Begins another chunk, in the memory of the one before. */
  clear(): void {
    this.#length = 0;
    this.#count = 0;
    this.#firstEndMs = 0;
    this.#lastEndMs = 0;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

function durationOf(ms: number): number {
  return Math.min(DURATION_MAX_MS, Math.max(0, Math.round(ms)));
}

/** The arrivals of a chunk, in the order of their ends. Throws a RangeError when it was cut or is of another version. */
export function* readArrivalChunk(bytes: Uint8Array): Generator<Arrival> {
  let place = 0;
  const byte = (): number => {
    const value = bytes[place++];
    if (value === undefined) throw new RangeError(`the chunk ends within a record, at byte ${bytes.length}`);
    return value;
  };
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const part = byte();
      value += (part % 128) * scale;
      if (part < 128) return value;
      if (scale > 2 ** 42) throw new RangeError(`a number that is too long ends at byte ${place}`);
    }
  };
  const version = byte();
  if (version !== VERSION) throw new RangeError(`the chunk is of version ${version}, known is ${VERSION}`);
  let endedAtMs = varint();
  while (place < bytes.length) {
    endedAtMs += varint();
    const packed = byte();
    const sizeClass = packed % SIZE_CLASSES;
    const outcome = ARRIVAL_OUTCOMES[Math.floor(packed / SIZE_CLASSES)] as ArrivalOutcome;
    const waitMs = varint();
    yield { endedAtMs, waitMs, runMs: varint(), sizeClass, outcome };
  }
}
