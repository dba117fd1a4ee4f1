import type { ServerResponse } from 'node:http';
import { knownFields } from '../../http1/field-kind.ts';
import { clientAnswerHeaders, ListedFields, type HeaderList } from '../headers.ts';
import type { GeneralCall } from './call.ts';

const PRINTABLE = /^[\t\x20-\x7e]*$/;

/** The worker's answer on its way to the client: each piece goes out as it comes. */
export class AnswerStream {
  readonly #response: ServerResponse;
  readonly #own: HeaderList;
  #bodyStarted = false;

  constructor({ chain, response, answerHeaders, upgrade }: GeneralCall) {
    this.#response = response;
    this.#own =
      chain.lastAnswer && upgrade === null ? [...answerHeaders, 'Connection', 'close'] : answerHeaders;
  }

  /** Throws when the worker's headers cannot be sent on as HTTP. */
  head(status: number, message: string, raw: readonly string[]): void {
    const response = this.#response;
    response.sendDate = false;
    const headers = new ListedFields();
    clientAnswerHeaders(headers, knownFields(raw), status);
    response.writeHead(status, PRINTABLE.test(message) ? message : '', [...headers.list, ...this.#own]);
    // A body that came in the same packet goes out in one with the head; a later one must not hold
    // the head back, because a client of a slow stream waits for it.
    queueMicrotask(() => {
      if (!this.#bodyStarted && !response.destroyed) response.flushHeaders();
    });
  }

  /** False when the client is slower than the worker: wait for `onDrain`. */
  write(chunk: Uint8Array): boolean {
    this.#bodyStarted = true;
    return this.#response.write(chunk);
  }

  onDrain(task: () => void): void {
    this.#response.on('drain', task);
  }

  end(trailers: readonly string[]): void {
    this.#bodyStarted = true;
    if (trailers.length > 0) {
      const pairs: [string, string][] = [];
      for (let index = 0; index + 1 < trailers.length; index += 2) {
        pairs.push([trailers[index] as string, trailers[index + 1] as string]);
      }
      this.#response.addTrailers(pairs);
    }
    this.#response.end();
  }
}
