import { FIELD, valueOf } from '../../http1/field-kind.ts';
import type { ParsedRequest } from '../../http1/request-head.ts';
import { lastChunk } from '../../http1/writer.ts';
import { passableTrailers, type FieldSink } from '../headers.ts';
import type { Outgoing } from './outgoing.ts';

/** Where a request without a body says so (RFC 9110 §8.6): servers wait for one otherwise. */
const BODY_EXPECTED: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** Writes a request to whoever answers it. Head and body are framed anew, whatever the client's framing was. */
export class RequestWriter implements FieldSink {
  readonly #out: Outgoing;
  readonly #request: ParsedRequest;

  constructor(out: Outgoing, request: ParsedRequest) {
    this.#out = out;
    this.#request = request;
  }

  /** `field` follows for each field that is not about the body, and then `headEnd`. */
  head(path: string): void {
    this.#out.text(`${this.#request.method} ${path} HTTP/1.1\r\n`);
  }

  field(name: string, value: string): void {
    this.#out.field(name, value);
  }

  lines(text: string): void {
    this.#out.text(text);
  }

  headEnd(): void {
    const request = this.#request;
    const { bodyBytes } = request;
    if (bodyBytes === null) {
      this.#out.text('Transfer-Encoding: chunked\r\n');
      const trailer = valueOf(request, FIELD.trailer);
      if (trailer !== undefined) this.#out.field('Trailer', trailer);
    } else if (bodyBytes > 0 || BODY_EXPECTED.has(request.method)) {
      this.#out.text(`Content-Length: ${bodyBytes}\r\n`);
    }
    this.#out.text('\r\n');
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
