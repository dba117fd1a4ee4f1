import { Duplex } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';
import { destroySoon } from '../../gateway/destroy-soon.ts';

/** A piece of the stream; `taken`: the other side has room for the next; `end`: no more comes. */
type Piece = Uint8Array | 'taken' | 'end';

/**
 * A connection between two threads as a stream, over a message port: one piece is on its way at a time,
 * so a slow reader holds its writer back.
 */
export class PortStream extends Duplex {
  readonly #port: MessagePort;
  readonly #beforeWrite: (() => Promise<void>) | null;
  #onTaken: (() => void) | null = null;
  #owesTaken = false;
  /** The other side has said all it had to say. */
  #heardEnd = false;
  #gone = false;

  /** `beforeWrite`: what each piece waits for. */
  constructor(port: MessagePort, beforeWrite: (() => Promise<void>) | null = null) {
    super();
    this.#port = port;
    this.#beforeWrite = beforeWrite;
    port.on('message', (piece: Piece) => this.#hear(piece));
    port.on('close', () => this.#otherGone());
  }

  destroySoon(): void {
    destroySoon(this);
  }

  override _read(): void {
    if (!this.#owesTaken) return;
    this.#owesTaken = false;
    this.#port.postMessage('taken' satisfies Piece);
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // A copy of its own: what is posted takes the whole memory under it along.
    const piece = new Uint8Array(bytes);
    const post = (): void => {
      if (this.#gone) {
        done();
        return;
      }
      this.#onTaken = done;
      this.#port.postMessage(piece, [piece.buffer]);
    };
    if (this.#beforeWrite === null) post();
    else void this.#beforeWrite().then(post, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#port.postMessage('end' satisfies Piece);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#port.close();
    done(error);
  }

  #hear(piece: Piece): void {
    if (piece === 'end') {
      this.#heardEnd = true;
      this.push(null);
    } else if (piece === 'taken') {
      const done = this.#onTaken;
      this.#onTaken = null;
      done?.();
    } else {
      this.#owesTaken = true;
      if (this.push(piece)) this._read();
    }
  }

  /** What it said to its end is still to be read here; what is said to it now goes nowhere. */
  #otherGone(): void {
    this.#gone = true;
    if (!this.#heardEnd) this.destroy();
    this.#onTaken?.();
    this.#onTaken = null;
  }
}
