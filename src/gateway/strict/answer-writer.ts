import type { Duplex } from 'node:stream';
import type { AnswerBody } from '../../http1/answer-head.ts';
import type { ParsedRequest } from '../../http1/request-head.ts';
import { headText, lastChunk } from '../../http1/writer.ts';
import { Outgoing } from './outgoing.ts';

const REASON = /^[\t\x20-\x7e]*$/;

/** Writes one answer to its client, framed as that client understands it. */
export class AnswerWriter {
  readonly #out: Outgoing;
  readonly #versionMinor: 0 | 1;
  readonly #idleTimeoutSeconds: number;
  #chunked = false;
  #begun = false;
  #ended = false;
  #keepAlive: boolean;

  constructor(socket: Duplex, request: ParsedRequest, idleTimeoutMs: number) {
    this.#out = new Outgoing(socket);
    this.#versionMinor = request.versionMinor;
    this.#idleTimeoutSeconds = Math.floor(idleTimeoutMs / 1_000);
    this.#keepAlive = request.keepAlive;
  }

  get begun(): boolean {
    return this.#begun;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Another request may follow on the connection. */
  get keepAlive(): boolean {
    return this.#keepAlive;
  }

  /** The connection ends with this answer. Nothing changes once its head was written. */
  close(): void {
    if (!this.#begun) this.#keepAlive = false;
  }

  /** `fields` without those about the connection or the body's framing; Content-Length belongs to them. */
  head(status: number, reason: string, fields: readonly string[], body: AnswerBody): void {
    this.#begun = true;
    const open = body.kind === 'chunked' || body.kind === 'close';
    this.#chunked = open && this.#versionMinor === 1;
    // HTTP/1.0 knows no chunks: there the connection's end is the body's.
    const firstLine = `HTTP/1.1 ${status} ${REASON.test(reason) ? reason : ''}`;
    const framing = [...fields];
    if (this.#chunked) framing.push('Transfer-Encoding', 'chunked');
    if (this.#keepAlive)
      framing.push('Connection', 'keep-alive', 'Keep-Alive', `timeout=${this.#idleTimeoutSeconds}`);
    else framing.push('Connection', 'close');
    this.#out.text(headText(firstLine, framing));
  }

  /** Asks for the body of a request that waits for it. */
  askForBody(): void {
    this.#out.text('HTTP/1.1 100 Continue\r\n\r\n');
    this.#out.flush();
  }

  piece(bytes: Buffer): void {
    if (this.#chunked) this.#out.chunk(bytes);
    else this.#out.piece(bytes);
  }

  /** Trailers go where there is a place for them, which only chunks have. */
  end(trailers: readonly string[]): void {
    this.#ended = true;
    if (this.#chunked) this.#out.text(lastChunk(trailers));
  }

  /** False when the client is slower than the worker. */
  flush(): boolean {
    return this.#out.flush();
  }
}
