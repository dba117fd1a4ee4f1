/**
 * The engine's log stream: each line a frame of an 8 byte head (stream, 3 zeros, length as 4 bytes big
 * endian) and a time, a blank and the line. A line beyond 16 KiB comes in several frames of one time.
 */
const HEAD_BYTES = 8;
/** Engines cut at 16 KiB; one far beyond that is another protocol. */
const FRAME_LIMIT_BYTES = 1024 * 1024;
/** A time with nine digits and an offset has 35 characters. */
const TIME_LIMIT = 48;

export interface LogFrame {
  /** Nanoseconds since 1970: what the engine told, to the last digit. */
  readonly atNs: bigint;
  readonly payload: Buffer;
}

/** Cuts chunks into frames; what is not whole is kept for the next chunk. */
export class LogFrames {
  #rest: Buffer = Buffer.alloc(0);

  take(chunk: Buffer): readonly LogFrame[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: LogFrame[] = [];
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const length = bytes.readUInt32BE(at + 4);
      if (length > FRAME_LIMIT_BYTES) throw new Error(`a log frame of ${length} bytes is none`);
      const end = at + HEAD_BYTES + length;
      if (end > bytes.length) break;
      frames.push(frameOf(bytes.subarray(at + HEAD_BYTES, end)));
      at = end;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
    return frames;
  }
}

function frameOf(bytes: Buffer): LogFrame {
  const blank = bytes.subarray(0, TIME_LIMIT).indexOf(' ');
  const atNs = blank === -1 ? null : nanoseconds(bytes.toString('latin1', 0, blank));
  if (atNs === null) throw new Error('a log line without its time');
  return { atNs, payload: bytes.subarray(blank + 1) };
}

/** `2026-11-24T08:53:16.279065639Z`, with any number of digits and any offset; null for anything else. */
export function nanoseconds(time: string): bigint | null {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(time);
  const [, second, fraction = '', zone] = match ?? [];
  if (second === undefined || zone === undefined) return null;
  const ms = Date.parse(`${second}${zone}`);
  return Number.isNaN(ms) ? null : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

const SECOND_NS = 1_000_000_000n;

/**
 * How far a log was copied: of the lines from a second on, so many. Lines are told in the order in which
 * they were kept; their times are no order, because two streams take theirs before they wait for each other.
 */
export interface LogPosition {
  readonly sinceSecond: bigint;
  readonly frames: number;
}

export const LOG_START: LogPosition = { sinceSecond: 0n, frames: 0 };

/** Tells the frames from `position.sinceSecond` on that were copied before from those that were not. */
export class UnreadFrames {
  readonly #start: LogPosition;
  #met = 0;
  /** Second → frames of it; of the last few. */
  readonly #counts = new Map<bigint, number>();
  #lastSecond: bigint;

  constructor(position: LogPosition) {
    this.#start = position;
    this.#lastSecond = position.sinceSecond;
  }

  /** Where the next copy is to begin: a second early, for a line that took its time and waits. */
  get position(): LogPosition {
    const earlier = this.#lastSecond - 1n;
    const sinceSecond = earlier > this.#start.sinceSecond ? earlier : this.#start.sinceSecond;
    let frames = 0;
    for (const [second, count] of this.#counts) if (second >= sinceSecond) frames += count;
    return { sinceSecond, frames };
  }

  isUnread({ atNs }: LogFrame): boolean {
    const second = atNs / SECOND_NS;
    this.#met += 1;
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + 1);
    if (second > this.#lastSecond) {
      this.#lastSecond = second;
      for (const old of this.#counts.keys()) if (old < second - 1n) this.#counts.delete(old);
    }
    return this.#met > this.#start.frames;
  }
}
