import { parseAnswer, type AnswerBody, type ParsedAnswer } from './answer-head.ts';
import { BodyDecoder } from './body-decoder.ts';
import { headEnd } from './head-end.ts';
import { ProtocolError, malformed } from './protocol-error.ts';

export interface AnswerHandler {
  /** The final head, or that of a 101. */
  onHead(answer: ParsedAnswer): void;
  onPiece(piece: Buffer): void;
  onComplete(trailers: readonly string[]): void;
}

/** Interim answers (1xx) that one request may get. */
const INTERIM_MAX = 32;
const NO_TRAILERS: readonly string[] = [];

/** Reads one answer from the bytes of a connection, and then the next one. What it is given is its own only until it returns. */
export class AnswerReader {
  #method: string;
  readonly #headLimitBytes: number;
  #handler: AnswerHandler;
  /** An unfinished head. */
  #pending: Buffer | null = null;
  #interim = 0;
  #body: BodyDecoder | null = null;
  #ended = false;

  constructor(method: string, headLimitBytes: number, handler: AnswerHandler) {
    this.#method = method;
    this.#headLimitBytes = headLimitBytes;
    this.#handler = handler;
  }

  readonly #onPiece = (piece: Buffer): void => {
    this.#handler.onPiece(piece);
  };

  /** Begins with the next answer of the connection, to a request with this method. */
  next(method: string, handler: AnswerHandler): void {
    this.#method = method;
    this.#handler = handler;
    this.#pending = null;
    this.#interim = 0;
    this.#body = null;
    this.#ended = false;
  }

  /** The answer is complete, or changed the protocol. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Returns the index behind the last byte of this answer. Throws ProtocolError. */
  read(bytes: Buffer): number {
    if (this.#ended) return 0;
    if (this.#body !== null) return this.#readBody(this.#body, bytes, 0);
    const pending = this.#pending;
    const all = pending === null ? bytes : Buffer.concat([pending, bytes]);
    const at = this.#readHeads(all, pending?.length ?? 0);
    return at - (pending?.length ?? 0);
  }

  /** The connection has ended; true when that leaves the answer complete. */
  endOfConnection(): boolean {
    if (this.#ended) return true;
    if (this.#body?.endOfConnection() !== true) return false;
    this.#end(this.#body.trailers);
    return true;
  }

  #readHeads(bytes: Buffer, scanned: number): number {
    let start = 0;
    for (;;) {
      const end = headEnd(bytes, start, start === 0 ? scanned : 0, this.#headLimitBytes);
      if (end === -1) {
        // A copy: what is read into the same memory next would change it.
        this.#pending = Buffer.from(bytes.subarray(start));
        return bytes.length;
      }
      const answer = parseAnswer(bytes, start, end, this.#method);
      start = end;
      if (answer.status < 200 && answer.status !== 101) {
        // Behind an end of the connection there would be no final answer.
        if (!answer.keepAlive) throw malformed('an interim answer says that the connection ends');
        this.#interim += 1;
        if (this.#interim > INTERIM_MAX) {
          throw new ProtocolError('headTooLarge', `it has more than ${INTERIM_MAX} interim answers`);
        }
        continue;
      }
      this.#pending = null;
      this.#handler.onHead(answer);
      return this.#begin(answer, bytes, start);
    }
  }

  #begin(answer: ParsedAnswer, bytes: Buffer, at: number): number {
    const decoder = decoderOf(answer.body);
    if (decoder === null) {
      this.#end(NO_TRAILERS);
      return at;
    }
    this.#body = decoder;
    return this.#readBody(decoder, bytes, at);
  }

  #readBody(body: BodyDecoder, bytes: Buffer, start: number): number {
    const at = body.decode(bytes, start, this.#onPiece);
    if (body.done) this.#end(body.trailers);
    return at;
  }

  #end(trailers: readonly string[]): void {
    this.#ended = true;
    this.#handler.onComplete(trailers);
  }
}

function decoderOf(body: AnswerBody): BodyDecoder | null {
  switch (body.kind) {
    case 'none':
      return null;
    case 'length':
      return new BodyDecoder(body.bytes);
    case 'chunked':
      return new BodyDecoder(null);
    case 'close':
      return new BodyDecoder(Infinity);
  }
}
