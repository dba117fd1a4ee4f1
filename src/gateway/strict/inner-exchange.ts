import type { Server } from 'node:http';
import { duplexPair, type Duplex } from 'node:stream';
import { AppError } from '../../base/errors.ts';
import type { ParsedAnswer } from '../../http1/answer-head.ts';
import { AnswerReader, type AnswerHandler } from '../../http1/answer-reader.ts';
import { FIELD } from '../../http1/field-kind.ts';
import { ProtocolError } from '../../http1/protocol-error.ts';
import type { ClientWatcher } from '../client-side.ts';
import { destroySoon } from '../destroy-soon.ts';
import { innerHeaders } from '../headers.ts';
import type { StrictClient } from './client.ts';
import type { BodySink } from './incoming-body.ts';
import { Outgoing } from './outgoing.ts';
import { RequestWriter } from './request-writer.ts';

/** Heads of our own server's answers. */
const HEAD_LIMIT_BYTES = 65_536;
/** These are written anew, or have been seen to already. */
const REPLACED = [FIELD.contentLength, FIELD.expect, FIELD.trailer] as const;

/** Opens a connection to the server itself for a client of that address. */
export type InnerConnect = (clientAddress: string) => Duplex;

/** Connections inside this process to a server that does not listen itself. */
export function connectInside(server: Server): InnerConnect {
  return (clientAddress) => {
    const [ours, theirs] = duplexPair();
    ours.on('close', () => theirs.destroy());
    Object.defineProperties(theirs, {
      remoteAddress: { value: clientAddress },
      destroySoon: { value: () => destroySoon(theirs) },
    });
    server.emit('connection', theirs);
    return ours;
  };
}

/**
 * A request for the server itself, served by its `node:http` server over a connection inside this
 * process. What that one reads was read here first and is framed anew, so it and we cannot disagree on
 * where a request ends; the client's own connection stays with us and may go on with any request.
 */
export class InnerExchange implements BodySink, AnswerHandler, ClientWatcher {
  readonly #client: StrictClient;
  readonly #socket: Duplex;
  readonly #writer: RequestWriter;
  readonly #reader: AnswerReader;
  #over = false;
  #onOver: () => void = () => undefined;

  constructor(client: StrictClient, connect: InnerConnect) {
    this.#client = client;
    const ours = connect(client.address);
    this.#socket = ours;
    this.#writer = new RequestWriter(new Outgoing(ours, false), client.head);
    this.#reader = new AnswerReader(client.head.method, HEAD_LIMIT_BYTES, this);
    ours.on('data', (bytes: Buffer) => {
      this.#read(bytes);
    });
    ours.on('drain', () => {
      client.releaseBody();
    });
    ours.on('end', () => {
      this.#reader.endOfConnection();
      ours.destroy();
    });
    ours.on('error', () => undefined);
    ours.on('close', () => {
      this.#finish();
    });
  }

  /** `onOver`: nothing more goes to the client. */
  run(onOver: () => void): void {
    const { head } = this.#client;
    this.#onOver = onOver;
    this.#client.watch(this);
    // One request a connection: what would follow is on the client's.
    this.#writer.head(head.target);
    innerHeaders(this.#writer, head, ...REPLACED);
    this.#writer.field('Connection', 'close');
    this.#writer.headEnd();
    this.#client.attachBody(this);
    this.flush();
  }

  clientLeft(): void {
    this.#socket.destroy();
  }

  piece(bytes: Buffer): void {
    this.#writer.piece(bytes);
  }

  end(trailers: readonly string[]): void {
    this.#writer.end(trailers);
  }

  flush(): void {
    if (!this.#writer.flush() && !this.#over) this.#client.holdBody();
  }

  onHead(parsed: ParsedAnswer): void {
    const { answer } = this.#client;
    this.#client.closeBehindLongBody();
    answer.head(parsed.status, parsed.reason, parsed.body);
    innerHeaders(answer, parsed);
    answer.headEnd();
  }

  onPiece(piece: Buffer): void {
    this.#client.answer.piece(piece);
  }

  onComplete(trailers: readonly string[]): void {
    this.#client.endAnswer(trailers);
    this.#finish();
  }

  #read(bytes: Buffer): void {
    if (this.#over) return;
    try {
      this.#reader.read(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#socket.destroy();
      return;
    }
    if (this.#reader.ended || this.#client.answer.flush()) return;
    this.#socket.pause();
    this.#client.onDrain(() => {
      this.#socket.resume();
    });
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#client.detachBody(this);
    this.#client.onDrain(null);
    if (!this.#client.answer.ended) {
      this.#client.refuse(new AppError('UNKNOWN', 'The server did not answer; its log tells more.'));
    }
    this.#client.finish();
    // Not before: what is left of the body is read away first, so that the connection can go on.
    this.#client.whenDone(() => {
      this.#socket.destroy();
      this.#onOver();
    });
  }
}
