import { KIB } from '../../base/units.ts';
import { BodyDecoder } from '../../http1/body-decoder.ts';

/** Where a request's body goes. */
export interface BodySink {
  piece(bytes: Buffer): void;
  end(trailers: readonly string[]): void;
  /** No more comes in this turn. */
  flush(): void;
}

/** What is held of a body that nobody takes yet; then its client is no longer read from. */
const EARLY_LIMIT_BYTES = 64 * KIB;
/** More are joined: in chunks of one byte each, they would cost a hundred times what they hold. */
const EARLY_PIECES_MAX = 16;

/**
 * A request's body between its client and whoever takes it. What comes before anybody does is decoded
 * all the same, so that a broken body is refused before a worker hears of the request.
 */
export class IncomingBody {
  readonly #decoder: BodyDecoder;
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #sink: BodySink | null = null;
  /** Where it ends is not known: nothing of the connection can be read any more. */
  #broken = false;
  readonly #onPiece = (piece: Buffer): void => {
    if (this.#sink !== null) {
      this.#sink.piece(piece);
      return;
    }
    this.#early.push(piece);
    this.#earlyBytes += piece.length;
  };

  /** `bytes`: the body's length, null for chunks. */
  constructor(bytes: number | null) {
    this.#decoder = new BodyDecoder(bytes);
  }

  /** The whole body has been read from the client. */
  get finished(): boolean {
    return this.#decoder.done;
  }

  get broken(): boolean {
    return this.#broken;
  }

  /** Nothing of it came yet. */
  get untouched(): boolean {
    return this.#earlyBytes === 0 && !this.#decoder.done;
  }

  /** No more should be read until it is attached. */
  get full(): boolean {
    return this.#earlyBytes > EARLY_LIMIT_BYTES;
  }

  /** Reads on from `start` and returns the index behind what belongs to this body. Throws ProtocolError. */
  take(bytes: Buffer, start: number): number {
    // Once broken it swallows all: its decoder would take any bytes for the rest of the body, and those behind for a request.
    if (this.#broken) return bytes.length;
    let at: number;
    try {
      at = this.#decoder.decode(bytes, start, this.#onPiece);
    } catch (error) {
      this.#broken = true;
      throw error;
    }
    const sink = this.#sink;
    if (sink !== null) {
      if (this.#decoder.done) sink.end(this.#decoder.trailers);
      sink.flush();
    } else if (this.#early.length > EARLY_PIECES_MAX) {
      this.#early = [Buffer.concat(this.#early)];
    }
    return at;
  }

  /** What was held goes to `sink` now, and all that follows as it comes. The sink is not flushed. */
  attach(sink: BodySink): void {
    this.#sink = sink;
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    for (const piece of early) sink.piece(piece);
    if (this.#decoder.done) sink.end(this.#decoder.trailers);
  }

  /** Only where `sink` still takes it: it may be read away by now, because its request was answered. */
  detach(sink: BodySink): void {
    if (this.#sink === sink) this.#sink = null;
  }
}
