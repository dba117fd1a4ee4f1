import type { Duplex } from 'node:stream';
import { fieldValue } from '../../http1/fields.ts';
import type { ParsedRequest } from '../../http1/request-head.ts';
import { headText, lastChunk } from '../../http1/writer.ts';
import { passableTrailers } from '../headers.ts';
import { Outgoing } from './outgoing.ts';

/** Where a request without a body says so (RFC 9110 §8.6): servers wait for one otherwise. */
const BODY_EXPECTED: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** Writes a request to whoever answers it. Head and body are framed anew, whatever the client's framing was. */
export class RequestWriter {
  readonly #out: Outgoing;
  readonly #request: ParsedRequest;

  constructor(socket: Duplex, request: ParsedRequest) {
    this.#out = new Outgoing(socket);
    this.#request = request;
  }

  /** `fields`: without those about the body. */
  head(path: string, fields: readonly string[]): void {
    const { method, bodyBytes, fields: given } = this.#request;
    const framed = [...fields];
    if (bodyBytes === null) {
      framed.push('Transfer-Encoding', 'chunked');
      const trailer = fieldValue(given, 'trailer');
      if (trailer !== undefined) framed.push('Trailer', trailer);
    } else if (bodyBytes > 0 || BODY_EXPECTED.has(method)) {
      framed.push('Content-Length', String(bodyBytes));
    }
    this.#out.text(headText(`${method} ${path} HTTP/1.1`, framed));
  }

  piece(bytes: Buffer): void {
    if (this.#request.bodyBytes === null) this.#out.chunk(bytes);
    else this.#out.piece(bytes);
  }

  end(trailers: readonly string[]): void {
    if (this.#request.bodyBytes === null) this.#out.text(lastChunk(passableTrailers(trailers)));
  }

  clear(): void {
    this.#out.clear();
  }

  /** False when the other side is slower than the client. */
  flush(): boolean {
    return this.#out.flush();
  }
}
