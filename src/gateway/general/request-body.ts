import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { bodyTooLarge } from '../forwarder.ts';
import { expectsContinue } from './request-head.ts';

/**
 * A request's body for one try. Nothing is read from the client before the worker's connection asks
 * for it, so a request that waits costs no memory and a try that sent nothing can be made again.
 * Destroying this leaves the client's connection alone, which a stream of the request itself would
 * not: the error answer must still get through.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #limitBytes: number;
  #attached = false;
  #taken = 0;
  #finished = false;

  constructor(request: IncomingMessage, response: ServerResponse, limitBytes: number) {
    super();
    this.#request = request;
    this.#response = response;
    this.#limitBytes = limitBytes;
    // Whoever reads this hears of errors by a listener of its own. One that comes after the reader has
    // let go is known already, and without any listener it would end the process.
    this.on('error', () => undefined);
  }

  /** Bytes read from the client so far. */
  get taken(): number {
    return this.#taken;
  }

  /** The whole body was read. */
  get finished(): boolean {
    return this.#finished;
  }

  override _read(): void {
    if (!this.#attached) {
      this.#attached = true;
      if (expectsContinue(this.#request)) this.#response.writeContinue();
      this.#request.on('data', this.#onData);
      this.#request.on('end', this.#onEnd);
    }
    this.#request.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.stop();
    callback(error);
  }

  /** Reads no more, without ending the body: what was sent of it stays visibly cut off. */
  stop(): void {
    if (!this.#attached) return;
    this.#request.off('data', this.#onData);
    this.#request.off('end', this.#onEnd);
    // It may be read away by now, because its request was answered.
    if (!this.#finished && this.#request.listenerCount('data') === 0) this.#request.pause();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#taken += chunk.length;
    if (this.#taken > this.#limitBytes) {
      this.destroy(bodyTooLarge(this.#limitBytes));
      return;
    }
    if (!this.push(chunk)) this.#request.pause();
  };

  readonly #onEnd = (): void => {
    this.#finished = true;
    this.push(null);
  };
}
