import type { AnswerBody } from '../../http1/answer-head.ts';
import type { ParsedRequest } from '../../http1/request-head.ts';
import { lastChunk } from '../../http1/writer.ts';
import type { FieldSink } from '../headers.ts';
import type { Outgoing } from './outgoing.ts';

const REASON = /^[\t\x20-\x7e]*$/;

/** Writes one answer to its client, framed as that client understands it. */
export class AnswerWriter implements FieldSink {
  readonly #out: Outgoing;
  readonly #versionMinor: 0 | 1;
  readonly #keepAliveLines: string;
  #chunked = false;
  #begun = false;
  #ended = false;
  #keepAlive: boolean;

  /** `keepAliveLines`: what `keepAliveLines` made. */
  constructor(out: Outgoing, request: ParsedRequest, keepAliveLines: string) {
    this.#out = out;
    this.#versionMinor = request.versionMinor;
    this.#keepAliveLines = keepAliveLines;
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

  /** The connection ends with this answer. Nothing changes once its head was begun. */
  close(): void {
    if (!this.#begun) this.#keepAlive = false;
  }

  /** `field` follows for each field that is not about the connection or the body's framing (Content-Length is none of these), and then `headEnd`. */
  head(status: number, reason: string, body: AnswerBody): void {
    this.#begun = true;
    const open = body.kind === 'chunked' || body.kind === 'close';
    // HTTP/1.0 knows no chunks: there the connection's end is the body's.
    this.#chunked = open && this.#versionMinor === 1;
    if (status === 200 && reason === 'OK') this.#out.text('HTTP/1.1 200 OK\r\n');
    else this.#out.text(`HTTP/1.1 ${status} ${REASON.test(reason) ? reason : ''}\r\n`);
  }

  field(name: string, value: string): void {
    this.#out.field(name, value);
  }

  lines(text: string): void {
    this.#out.text(text);
  }

  headEnd(): void {
    if (this.#chunked) this.#out.text('Transfer-Encoding: chunked\r\n');
    this.#out.text(this.#keepAlive ? this.#keepAliveLines : 'Connection: close\r\n\r\n');
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

/** The end of the head of an answer whose connection serves on. */
export function keepAliveLines(idleTimeoutMs: number): string {
  return `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(idleTimeoutMs / 1_000)}\r\n\r\n`;
}
