import { PassThrough, type Readable } from 'node:stream';

/** A reader that is so far behind misses what can be missed. */
const BEHIND_BYTES = 65_536;

/** Server-sent events, as the body of an answer. */
export class EventStream {
  readonly #stream = new PassThrough();

  constructor() {
    // The client left in the middle; whoever writes is told by the answer's own close.
    this.#stream.on('error', () => undefined);
  }

  get body(): Readable {
    return this.#stream;
  }

  /** An event that the reader needs. */
  send(name: string, data: unknown): void {
    if (!this.#stream.destroyed) this.#stream.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** One of many of which a later one says more. */
  sendIfRead(name: string, data: unknown): void {
    if (this.#stream.writableLength < BEHIND_BYTES) this.send(name, data);
  }

  end(): void {
    this.#stream.end();
  }
}
