import type { Clock } from '../../base/clock.ts';
import type { AppError, ErrorCode } from '../../base/errors.ts';
import { newRequestId } from '../../base/ids.ts';
import type { Random } from '../../base/random.ts';
import type { ParsedRequest } from '../../http1/request-head.ts';
import { errorAnswer } from '../../model/error-status.ts';
import type { ClientSide, ClientWatcher } from '../client-side.ts';
import type { ForwardCall, Forwarding } from '../forwarder.ts';
import { givenRequestId } from '../headers.ts';
import type { GatewayLimits } from '../limits.ts';
import { reasonPhrase } from '../server-tuning.ts';
import type { CutReason } from '../ticket.ts';
import { AnswerWriter } from './answer-writer.ts';
import type { ClientConnection } from './client-connection.ts';
import { IncomingBody, type BodySink } from './incoming-body.ts';
import type { StrictForwarder } from './forwarder.ts';

export interface StrictClientParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: GatewayLimits;
  readonly forwarder: StrictForwarder;
  /** Of answers whose connection serves on. */
  readonly keepAliveLines: string;
}

/** After these nothing more is taken on the connection: it is in doubt, or the server is leaving. */
const CLOSING: ReadonlySet<ErrorCode> = new Set(['REQUEST_MALFORMED', 'SHUTTING_DOWN']);
const NOTHING = Buffer.alloc(0);
const nothing = (): void => undefined;
const READ_AWAY: BodySink = { piece: nothing, end: nothing, flush: nothing };

/** The client's end of one request that we read ourselves: its body, its answer, and how it is noticed that it left. */
export class StrictClient implements ClientSide {
  readonly head: ParsedRequest;
  readonly requestId: string;
  readonly answer: AnswerWriter;
  /** Null when the head says that there is none. */
  readonly body: IncomingBody | null;
  readonly #connection: ClientConnection;
  readonly #parts: StrictClientParts;
  #refusedWith: AppError | null = null;
  #watcher: ClientWatcher | null = null;
  #onDone: (() => void) | null = null;
  /** Called when the client takes more of its answer. */
  #onDrain: (() => void) | null = null;
  #gone = false;
  /** All of the answer has left this process. */
  #fetched = false;
  #discarding = false;
  #joined = false;
  #cancelFetch: (() => void) | null = null;
  #cancelDiscard: (() => void) | null = null;
  #stopDiscard: (() => void) | null = null;

  constructor(connection: ClientConnection, head: ParsedRequest, parts: StrictClientParts) {
    this.#connection = connection;
    this.#parts = parts;
    this.head = head;
    const given = givenRequestId(head);
    this.requestId = given === undefined ? newRequestId(parts.random) : copyOf(given);
    this.answer = new AnswerWriter(connection.out, head, parts.keepAliveLines);
    this.body = head.bodyBytes === 0 ? null : new IncomingBody(head.bodyBytes);
  }

  get address(): string {
    return this.#connection.address;
  }

  get encrypted(): boolean {
    return 'encrypted' in this.#connection.socket;
  }

  get refusedWith(): AppError | null {
    return this.#refusedWith;
  }

  /** The codec read it in the one way there is, or refused it. */
  checkFraming(): void {}

  watch(watcher: ClientWatcher): void {
    this.#watcher = watcher;
    if (this.#gone) this.#tellLeft('clientGone');
  }

  forward(call: ForwardCall): Forwarding {
    return this.#parts.forwarder.forward(this, call);
  }

  /** The body goes to `sink` from now on, and the client is asked for it where it waits for that. */
  attachBody(sink: BodySink): void {
    const { body } = this;
    if (body === null) return;
    if (this.head.expectsContinue && body.untouched) this.answer.askForBody();
    body.attach(sink);
    this.#connection.readOn();
  }

  detachBody(sink: BodySink): void {
    this.body?.detach(sink);
  }

  holdBody(): void {
    this.#connection.hold();
  }

  releaseBody(): void {
    this.#connection.release();
  }

  /** `task` runs each time when the client, after a `flush` that said false, takes more. */
  onDrain(task: (() => void) | null): void {
    this.#onDrain = task;
  }

  drained(): void {
    this.#onDrain?.();
  }

  /** The last piece is gathered: lets it go, notes when it has left, and bounds how long the client may take to fetch it. */
  endAnswer(trailers: readonly string[]): void {
    this.answer.end(trailers);
    this.answer.flush();
    const { socket } = this.#connection;
    if (socket.writableLength === 0) {
      this.#fetchedAll();
      return;
    }
    socket.write(NOTHING, () => {
      this.#fetchedAll();
    });
    this.#boundFetch();
  }

  #boundFetch(): void {
    this.#cancelFetch = this.#parts.clock.schedule(this.#parts.limits.fetchTimeoutMs, () => {
      this.#cutOff();
    });
  }

  #fetchedAll(): void {
    this.#fetched = true;
    this.#settle();
  }

  /** Hands over the connection to another protocol, with what the client sent too early. */
  join(): { socket: ClientConnection['socket']; early: Buffer } {
    this.#joined = true;
    return { socket: this.#connection.socket, early: this.#connection.leave() };
  }

  /** The rest of the body cannot be read: it is answered, and what runs for it is broken off. */
  fail(error: AppError): void {
    // Where the next request begins is not known either.
    this.answer.close();
    this.#stopDiscard?.();
    this.refuse(error);
    this.#tellLeft('refused');
  }

  refuse(error: AppError): void {
    if (this.#gone || this.#refusedWith !== null) return;
    this.#refusedWith = error;
    if (this.answer.begun || this.#joined) {
      this.#cutOff();
      return;
    }
    const { body, head } = this;
    const unsentBody = body !== null && head.expectsContinue && body.untouched;
    this.closeBehindLongBody();
    if (CLOSING.has(error.code) || unsentBody || head.upgrade !== null) this.answer.close();
    writeError(this.answer, error, this.requestId, head.method);
    // Whoever took it gets no more of it.
    body?.attach(READ_AWAY);
    this.endAnswer([]);
    if (this.answer.keepAlive) this.#discardBody();
  }

  /** A body that is longer than what would be read away of it ends the connection: the answer says so beforehand. */
  closeBehindLongBody(): void {
    const { body, head } = this;
    const long = head.bodyBytes !== null && head.bodyBytes > this.#parts.limits.discardBytes;
    if (long && body?.finished === false) this.answer.close();
  }

  finish(): void {
    if (this.#gone || this.#refusedWith !== null) return;
    // Behind another protocol only the client's own close is the end.
    if (this.#joined) this.#boundFetch();
    else this.#discardBody();
  }

  /** Ends the connection so that its client cannot take what it got for the whole answer. */
  #cutOff(): void {
    this.#connection.cutOff(this.head.versionMinor === 0);
  }

  whenDone(task: () => void): void {
    this.#onDone = task;
    this.#settle();
  }

  /** The connection is closed. */
  left(): void {
    this.#gone = true;
    this.#tellLeft('clientGone');
    this.#settle();
  }

  /** Reads the rest of the body away, so that the answer arrives and another request can follow. */
  #discardBody(): void {
    const { body } = this;
    if (body === null || body.finished || body.broken || this.#discarding) return;
    const { clock, limits } = this.#parts;
    this.#discarding = true;
    let bytes = 0;
    const stop = (): void => {
      if (!this.#discarding) return;
      this.#discarding = false;
      this.#cancelDiscard?.();
      this.#cancelDiscard = null;
      body.detach(sink);
      this.#settle();
    };
    this.#stopDiscard = stop;
    this.#cancelDiscard = clock.schedule(limits.discardMs, stop);
    const sink: BodySink = {
      piece: (piece) => {
        bytes += piece.length;
        if (bytes > limits.discardBytes) stop();
      },
      end: stop,
      flush: nothing,
    };
    body.attach(sink);
    this.#connection.release();
    this.#connection.readOn();
  }

  #isDone(): boolean {
    return this.#gone || (this.answer.ended && this.#fetched && !this.#discarding);
  }

  #settle(): void {
    if (this.#fetched || this.#gone) {
      this.#cancelFetch?.();
      this.#cancelFetch = null;
    }
    if (this.#gone) this.#cancelDiscard?.();
    const task = this.#onDone;
    if (task === null || !this.#isDone()) return;
    this.#onDone = null;
    task();
  }

  #tellLeft(reason: CutReason): void {
    const watcher = this.#watcher;
    this.#watcher = null;
    watcher?.clientLeft(reason);
  }
}

/** What is kept of a request for the operator must not hold on to the text of its head. */
function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

function writeError(answer: AnswerWriter, error: AppError, requestId: string, method: string): void {
  const { status, body } = errorAnswer(error);
  const bytes = Buffer.from(JSON.stringify(body));
  answer.head(status, reasonPhrase(status), { kind: 'length', bytes: bytes.length });
  answer.field('Content-Type', 'application/json; charset=utf-8');
  answer.field('Content-Length', String(bytes.length));
  answer.field('X-Request-Id', requestId);
  if (error.retryAfterSeconds !== undefined) answer.field('Retry-After', String(error.retryAfterSeconds));
  if (status === 401) answer.field('WWW-Authenticate', 'Bearer');
  answer.headEnd();
  if (method !== 'HEAD') answer.piece(bytes);
}
