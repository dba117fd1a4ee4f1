/**
 * A queue of fixed records of numbers from one thread to another, in shared memory: what a gateway
 * thread tells the main one of every request, at a few nanoseconds each. It outlives a writer that dies.
 *
 *   written (records, ever) · read (records, ever) · 32,768 records of ten numbers
 */
const RECORD_FIELDS = 10;
/** A power of two. */
const RECORDS = 32_768;
const HEADER_BYTES = 128;
const WRITTEN = 0;
/** On a cache line of its own. */
const READ = 16;
/** A writer that found the ring full looks again by itself. */
const FULL_SLEEP_MS = 20;

export class EventRing {
  readonly #counts: Int32Array;
  readonly #records: Float64Array;
  readonly #size: number;
  readonly #onFull: () => void;
  #written: number;
  /** As it was when it was last looked at. */
  #readSeen: number;
  /** The reader's own; ahead of what the writer sees while records are being read. */
  #read: number;

  /** `onFull`: the reader must read now, or the writer, which waits for it, never goes on. */
  constructor(memory: SharedArrayBuffer, onFull: () => void = () => undefined) {
    this.#onFull = onFull;
    this.#counts = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#records = new Float64Array(memory, HEADER_BYTES);
    this.#size = this.#records.length / RECORD_FIELDS;
    this.#written = Atomics.load(this.#counts, WRITTEN);
    this.#readSeen = Atomics.load(this.#counts, READ);
    this.#read = this.#readSeen;
  }

  static memory(records = RECORDS): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + records * RECORD_FIELDS * 8);
  }

  /**
   * A kind, and what it says in an order that the kind fixes. Waits while the ring is full: nothing that
   * is told may be lost, and nothing may pile up.
   */
  write(kind: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0): void {
    while (((this.#written - this.#readSeen) | 0) >= this.#size) {
      // A turn that tells more than fits in ends only once it was read, so no later turn would call for that.
      this.#onFull();
      Atomics.wait(this.#counts, READ, this.#readSeen, FULL_SLEEP_MS);
      this.#readSeen = Atomics.load(this.#counts, READ);
    }
    const records = this.#records;
    const at = (this.#written & (this.#size - 1)) * RECORD_FIELDS;
    records[at] = kind;
    records[at + 1] = a;
    records[at + 2] = b;
    records[at + 3] = c;
    records[at + 4] = d;
    records[at + 5] = e;
    records[at + 6] = f;
    records[at + 7] = g;
    records[at + 8] = h;
    this.#written = (this.#written + 1) | 0;
    Atomics.store(this.#counts, WRITTEN, this.#written);
  }

  /**
   * Hands over each record that was written by now: `records[at]` is its kind, what it says comes behind.
   * Those that come meanwhile are for the next call, so that a busy writer cannot hold its reader.
   */
  read(take: (records: Float64Array, at: number) => void): void {
    const written = Atomics.load(this.#counts, WRITTEN);
    try {
      // `take` may read itself, and fail: a record is handed over once, whatever comes of it.
      while (((written - this.#read) | 0) > 0) {
        const at = (this.#read & (this.#size - 1)) * RECORD_FIELDS;
        this.#read = (this.#read + 1) | 0;
        take(this.#records, at);
      }
    } finally {
      Atomics.store(this.#counts, READ, this.#read);
      Atomics.notify(this.#counts, READ);
    }
  }
}
