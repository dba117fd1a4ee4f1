import type { Socket } from 'node:net';
import { AppError, type ErrorCode } from '../../base/errors.ts';
import { KIB } from '../../base/units.ts';
import { headEnd } from '../../http1/head-end.ts';
import { ProtocolError } from '../../http1/protocol-error.ts';
import { checkOpening, parseRequest, type ParsedRequest } from '../../http1/request-head.ts';
import { forceClose } from '../force-close.ts';
import type { GatewayLimits } from '../limits.ts';
import { answerRaw } from '../server-tuning.ts';
import { Outgoing } from './outgoing.ts';
import { StrictClient, type StrictClientParts } from './client.ts';

export interface ConnectionParts extends StrictClientParts {
  /** Takes a request. `onOver`: nothing more goes to its client, which may be so at once. Never throws. */
  serve(client: StrictClient, onOver: () => void): void;
  /** The time by which this connection must have gone on has changed. */
  onDeadline(connection: ClientConnection): void;
  onClosed(connection: ClientConnection): void;
}

/** Requests sent ahead are held up to this size; then the connection is no longer read from. */
const AHEAD_LIMIT_BYTES = 64 * KIB;

/**
 * `head`: a request's head is awaited or has begun. `request`: one is being served. `closing`: the last
 * answer was written, what still comes is read away. `other`: it speaks another protocol.
 */
type Phase = 'head' | 'request' | 'closing' | 'other' | 'closed';

/**
 * One client's connection. It serves one request at a time: what a client sends ahead waits here, so
 * answers are in order, and a request that ends its connection leaves nothing behind it that is read.
 */
export class ClientConnection {
  readonly socket: Socket;
  readonly out: Outgoing;
  readonly address: string;
  /** Monotonic; Infinity while a request is served. */
  deadlineMs: number;
  readonly #parts: ConnectionParts;
  #phase: Phase = 'head';
  /** Bytes of a head that is not complete, or of requests sent ahead. */
  #kept: Buffer | null = null;
  #client: StrictClient | null = null;
  #servedBefore = false;
  /** In the middle of handing a request over. */
  #beginning = false;
  #held = false;
  #full = false;
  #discardedBytes = 0;

  constructor(socket: Socket, parts: ConnectionParts) {
    this.socket = socket;
    this.out = new Outgoing(socket, true);
    this.#parts = parts;
    this.address = socket.remoteAddress ?? 'unknown';
    this.deadlineMs = parts.clock.monotonicMs() + parts.limits.headTimeoutMs;
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onClose);
    // A reset: `close` follows and tells.
    socket.on('error', () => undefined);
  }

  /** No request is being served on it. */
  get idle(): boolean {
    return this.#phase === 'head';
  }

  /** The body's taker is slower than its sender. */
  hold(): void {
    this.#held = true;
    this.socket.pause();
  }

  release(): void {
    this.#held = false;
    this.#readUnlessHeld();
  }

  /** Somebody takes the body, so what was held of it is not in the way any more. */
  readOn(): void {
    this.#full = (this.#kept?.length ?? 0) > AHEAD_LIMIT_BYTES;
    this.#readUnlessHeld();
  }

  /** Stops reading for good and gives back what was read and not used: the connection speaks another protocol now. */
  leave(): Buffer {
    this.#phase = 'other';
    const { socket } = this;
    socket.off('data', this.#onData);
    socket.off('drain', this.#onDrain);
    socket.off('end', this.#onEnd);
    socket.pause();
    const kept = this.#kept ?? Buffer.alloc(0);
    this.#kept = null;
    return kept;
  }

  /** `byReset`: where an orderly close would look like the end of the answer. */
  cutOff(byReset: boolean): void {
    if (byReset) forceClose(this.socket);
    else this.socket.destroy();
  }

  /** Its deadline has passed. */
  expire(): void {
    if (this.#phase !== 'head' || (this.#servedBefore && this.#kept === null)) {
      this.socket.destroy();
      return;
    }
    const seconds = this.#parts.limits.headTimeoutMs / 1_000;
    this.#refuse('REQUEST_HEADERS_TIMEOUT', `The request's head did not come within ${seconds} s.`);
  }

  readonly #onData = (bytes: Buffer): void => {
    switch (this.#phase) {
      case 'head':
        if (this.#readHead(bytes)) this.#readKept();
        return;
      case 'request':
        this.#readOn(bytes);
        return;
      case 'closing':
        this.#discardedBytes += bytes.length;
        if (this.#discardedBytes > this.#parts.limits.discardBytes) this.socket.destroy();
        return;
      case 'other':
      case 'closed':
        return;
    }
  };

  readonly #onDrain = (): void => {
    this.#client?.drained();
  };

  /** The client sends no more. One that waits for its answer is taken to have left, as it would not wait in vain. */
  readonly #onEnd = (): void => {
    if (this.#phase === 'request' && this.#client?.answer.ended === false) this.socket.destroy();
    else this.socket.end();
  };

  readonly #onClose = (): void => {
    this.#phase = 'closed';
    this.#kept = null;
    this.#parts.onClosed(this);
    this.#client?.left();
  };

  /** True when the bytes held a request that is over already: what is kept now is to be read next. */
  #readHead(more: Buffer): boolean {
    const scanned = this.#kept?.length ?? 0;
    const bytes = this.#kept === null ? more : Buffer.concat([this.#kept, more]);
    let head: ParsedRequest;
    let end: number;
    try {
      end = headEnd(bytes, 0, scanned, this.#parts.limits.headBytes);
      if (end === -1) {
        checkOpening(bytes, 0);
        this.#kept = bytes;
        // The time of a first request runs since the connection was opened.
        if (scanned === 0 && this.#servedBefore) this.#setDeadline(this.#parts.limits.headTimeoutMs);
        return false;
      }
      head = parseRequest(bytes, 0, end);
    } catch (error) {
      this.#refuseBroken(error);
      return false;
    }
    this.#kept = null;
    if (head.method !== 'CONNECT') return this.#begin(head, bytes, end);
    this.#refuse('METHOD_NOT_ALLOWED', 'CONNECT is not served here.');
    return false;
  }

  #begin(head: ParsedRequest, bytes: Buffer, start: number): boolean {
    const client = new StrictClient(this, head, this.#parts);
    let at = start;
    if (at < bytes.length && client.body !== null) {
      // Before anybody hears of it: a body that is broken already makes the whole request so.
      try {
        at = client.body.take(bytes, at);
      } catch (error) {
        this.#refuseBroken(error);
        return false;
      }
    }
    this.#phase = 'request';
    this.deadlineMs = Infinity;
    this.#client = client;
    this.#keep(bytes, at);
    this.#beginning = true;
    this.#parts.serve(client, this.#onOver);
    this.#beginning = false;
    return this.idle;
  }

  readonly #onOver = (): void => {
    const client = this.#client;
    if (this.#phase !== 'request' || client === null) return;
    this.#client = null;
    this.#servedBefore = true;
    this.#held = false;
    this.#full = false;
    const readable = client.body === null || client.body.finished;
    if (!client.answer.keepAlive || !readable) {
      this.#close();
      return;
    }
    this.#phase = 'head';
    this.#setDeadline(this.#parts.limits.idleTimeoutMs);
    // One that is over at once leaves the rest to whoever read it: thousands of them may have been sent ahead.
    if (!this.#beginning) this.#readKept();
  };

  #readKept(): void {
    // Its answer would go nowhere: the client has sent its end, or the server is leaving.
    if (!this.socket.writable) this.#kept = null;
    let kept = this.#kept;
    while (kept !== null) {
      this.#kept = null;
      kept = this.#readHead(kept) ? this.#kept : null;
    }
    this.#readUnlessHeld();
  }

  /** More bytes while a request is served: of its body, or of one sent ahead. */
  #readOn(bytes: Buffer): void {
    const client = this.#client;
    const body = client?.body;
    let at = 0;
    if (client !== null && body !== null && body !== undefined && !body.finished) {
      try {
        at = body.take(bytes, 0);
      } catch (error) {
        client.fail(asAppError(error, this.#parts.limits));
        this.#kept = null;
        return;
      }
    }
    this.#keep(bytes, at);
    // The end of a body that was read away is the end of its request.
    if (this.idle) this.#readKept();
  }

  #keep(bytes: Buffer, at: number): void {
    if (at < bytes.length) {
      const rest = bytes.subarray(at);
      this.#kept = this.#kept === null ? rest : Buffer.concat([this.#kept, rest]);
    }
    this.#full = (this.#kept?.length ?? 0) > AHEAD_LIMIT_BYTES || this.#client?.body?.full === true;
    if (this.#full) this.socket.pause();
  }

  #readUnlessHeld(): void {
    if (!this.#held && !this.#full && this.#phase !== 'other') this.socket.resume();
  }

  #refuseBroken(error: unknown): void {
    const { code, message } = asAppError(error, this.#parts.limits);
    this.#refuse(code, message);
  }

  /** Answers what never became a request, and closes the connection. */
  #refuse(code: ErrorCode, message: string): void {
    this.#phase = 'closing';
    this.#kept = null;
    answerRaw(this.socket, new AppError(code, message));
    this.#setDeadline(this.#parts.limits.discardMs);
  }

  /**
   * Our end first, and what the client still sends is read away for a while: closing a connection with
   * unread bytes resets it, and the reset would overtake the answer.
   */
  #close(): void {
    this.#phase = 'closing';
    this.#kept = null;
    this.socket.end();
    this.socket.resume();
    this.#setDeadline(this.#parts.limits.discardMs);
  }

  #setDeadline(delayMs: number): void {
    this.deadlineMs = this.#parts.clock.monotonicMs() + delayMs;
    this.#parts.onDeadline(this);
  }
}

/** Whatever is not the codec's word is a defect of ours, and not the client's fault. */
function asAppError(error: unknown, limits: GatewayLimits): AppError {
  if (!(error instanceof ProtocolError)) throw error;
  switch (error.fault) {
    case 'malformed':
      return new AppError('REQUEST_MALFORMED', `The request is not valid HTTP/1.1: ${error.message}.`);
    case 'headTooLarge':
      return new AppError(
        'REQUEST_HEADERS_TOO_LARGE',
        `The request's head is larger than ${limits.headBytes} bytes.`,
      );
    case 'bodyTooLarge':
      return new AppError('BODY_TOO_LARGE', `The request cannot be taken: ${error.message}.`);
  }
}
