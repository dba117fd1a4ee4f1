import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../base/clock.ts';
import type { AppError, ErrorCode } from '../../base/errors.ts';
import { newRequestId } from '../../base/ids.ts';
import type { Random } from '../../base/random.ts';
import { errorAnswer } from '../../model/error-status.ts';
import { forceClose } from '../force-close.ts';
import type { ParsedRequest } from '../../http1/request-head.ts';
import type { ClientSide, ClientWatcher } from '../client-side.ts';
import type { ForwardCall, Forwarding } from '../forwarder.ts';
import {
  ListedFields,
  givenRequestId,
  ownAnswerHeaders,
  workerAuthority,
  workerRequestHeaders,
} from '../headers.ts';
import type { GatewayLimits } from '../limits.ts';
import type { CutReason } from '../ticket.ts';
import { checkFraming } from './check-framing.ts';
import { EarlySide } from './early-side.ts';
import type { GeneralForwarder } from './forwarder.ts';
import { expectsContinue, hasBody, headOf } from './request-head.ts';

export interface GeneralClientParts {
  readonly forwarder: GeneralForwarder;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: GatewayLimits;
}

/** After these nothing more is taken on the connection: it is in doubt, or the server is leaving. */
const CLOSING: ReadonlySet<ErrorCode> = new Set(['REQUEST_MALFORMED', 'SHUTTING_DOWN']);

/** The client's end of a request that `node:http` reads: how it is answered, how it is noticed that it left. */
export class GeneralClient implements ClientSide {
  readonly head: ParsedRequest;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly upgrade: EarlySide | null;
  readonly requestId: string;
  readonly #parts: GeneralClientParts;
  #refusedWith: AppError | null = null;
  #watcher: ClientWatcher | null = null;
  #onDone: (() => void) | null = null;
  #gone = false;

  constructor(request: IncomingMessage, response: ServerResponse, parts: GeneralClientParts, head?: Buffer) {
    this.request = request;
    this.response = response;
    this.#parts = parts;
    this.head = headOf(request);
    this.requestId = givenRequestId(this.head) ?? newRequestId(parts.random);
    const { socket } = request;
    if (head === undefined) {
      this.upgrade = null;
      // Requests sent ahead on one connection listen side by side; that is no leak.
      socket.setMaxListeners(0);
      socket.once('close', this.#left);
      response.once('close', () => socket.off('close', this.#left));
    } else {
      this.upgrade = new EarlySide(socket, head, this.#left);
    }
  }

  /** An upgrade's answer, where it is refused, is written by the ordinary means. */
  static forUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    parts: GeneralClientParts,
  ): GeneralClient {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Socket);
    socket.on('drain', () => response.emit('drain'));
    response.on('finish', () => {
      socket.end();
      // What the client still sends must be read, or its own end is never seen.
      socket.resume();
    });
    return new GeneralClient(request, response, parts, head);
  }

  get address(): string {
    return this.request.socket.remoteAddress ?? 'unknown';
  }

  get encrypted(): boolean {
    return 'encrypted' in this.request.socket;
  }

  get refusedWith(): AppError | null {
    return this.#refusedWith;
  }

  /** It was refused in a way that ends its connection: nothing that follows on it counts. */
  get closing(): boolean {
    return this.#refusedWith !== null && CLOSING.has(this.#refusedWith.code);
  }

  checkFraming(): void {
    checkFraming(this.request);
  }

  forward(call: ForwardCall): Forwarding {
    const { request, response, upgrade } = this;
    const toWorker = new ListedFields();
    workerRequestHeaders(toWorker, this, workerAuthority(call.worker.address));
    const own = new ListedFields();
    ownAnswerHeaders(own, call, this.requestId);
    return this.#parts.forwarder.forward({
      chain: call,
      requestHeaders: toWorker.list,
      answerHeaders: own.list,
      request,
      response,
      upgrade,
    });
  }

  watch(watcher: ClientWatcher): void {
    this.#watcher = watcher;
    if (this.#gone || this.request.socket.destroyed) this.#left();
  }

  /** The rest of the request cannot be read: it is answered, and what runs for it is broken off. */
  fail(error: AppError): void {
    this.refuse(error);
    this.#tellLeft('refused');
  }

  refuse(error: AppError): void {
    if (this.#gone || this.#refusedWith !== null) return;
    this.#refusedWith = error;
    const { response, request } = this;
    if (response.headersSent || response.destroyed || this.upgrade?.joined === true) {
      this.#cutOff();
      return;
    }
    const { status, body } = errorAnswer(error);
    const text = Buffer.from(JSON.stringify(body));
    const headers: [string, string][] = [
      ['Content-Type', 'application/json; charset=utf-8'],
      ['Content-Length', String(text.length)],
      ['X-Request-Id', this.requestId],
    ];
    if (error.retryAfterSeconds !== undefined) headers.push(['Retry-After', String(error.retryAfterSeconds)]);
    if (status === 401) headers.push(['WWW-Authenticate', 'Bearer']);
    const unsentBody = expectsContinue(request) && !request.complete;
    const unreadable = error.code === 'REQUEST_MALFORMED';
    if (this.closing || unsentBody || this.upgrade !== null) headers.push(['Connection', 'close']);
    response.writeHead(status, headers.flat());
    if (request.complete || unsentBody || unreadable || !hasBody(request)) {
      response.end(text);
      return;
    }
    // The answer goes out at once and is ended when the body was read away: closing a connection with
    // unread bytes resets it, and the reset would overtake the answer.
    response.write(text);
    this.#discardBody(() => {
      response.end();
    });
  }

  /** Ends the connection so that its client cannot take what it got for the whole answer. */
  #cutOff(): void {
    const { socket } = this.request;
    // An answer to HTTP/1.0 ends by the connection's close; only a reset tells that it was cut.
    if (this.request.httpVersionMinor === 0) forceClose(socket);
    else socket.destroy();
  }

  finish(): void {
    const { response, request } = this;
    if (this.#gone || this.#refusedWith !== null) return;
    if (this.upgrade !== null) {
      this.#boundTunnel(this.upgrade.socket);
      return;
    }
    if (!request.complete && hasBody(request)) this.#discardBody(() => undefined);
    if (response.writableFinished || response.destroyed) return;
    this.#boundFetch();
  }

  /** The worker has closed its side: behind another protocol only the client's own close is the end. */
  #boundTunnel(socket: Duplex): void {
    const { clock, limits } = this.#parts;
    socket.once(
      'close',
      clock.schedule(limits.fetchTimeoutMs, () => socket.destroy()),
    );
  }

  #boundFetch(): void {
    const { response } = this;
    const cancel = this.#parts.clock.schedule(this.#parts.limits.fetchTimeoutMs, () => {
      response.off('close', cancel);
      // One that was sent ahead waits for the answers before it; its time has not begun.
      if (response.socket === null) this.#boundFetch();
      else this.#cutOff();
    });
    response.once('close', cancel);
  }

  whenDone(task: () => void): void {
    const { response, upgrade } = this;
    const over = upgrade === null ? response.closed : upgrade.socket.closed;
    if (this.#gone || over) {
      task();
      return;
    }
    // The connection's own close is heard by `#left`; a listener for each request would pile up on it.
    this.#onDone = task;
    if (upgrade === null) response.once('close', this.#done);
  }

  #discardBody(done: () => void): void {
    const { request } = this;
    const { clock, limits } = this.#parts;
    let bytes = 0;
    const stop = (): void => {
      cancel();
      request.off('data', count);
      request.off('end', stop);
      request.off('close', stop);
      done();
      if (!request.complete) request.socket.destroySoon();
    };
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > limits.discardBytes) stop();
    };
    const cancel = clock.schedule(limits.discardMs, stop);
    request.on('data', count);
    request.once('end', stop);
    request.once('close', stop);
    request.resume();
  }

  readonly #left = (): void => {
    if (this.upgrade?.joined === true && !this.upgrade.socket.destroyed) return;
    this.#gone = true;
    // Its own end is no close: this side stays open until somebody closes it.
    this.upgrade?.socket.destroy();
    this.#tellLeft('clientGone');
    this.#done();
  };

  readonly #done = (): void => {
    const task = this.#onDone;
    this.#onDone = null;
    task?.();
  };

  #tellLeft(reason: CutReason): void {
    const watcher = this.#watcher;
    this.#watcher = null;
    watcher?.clientLeft(reason);
  }
}
