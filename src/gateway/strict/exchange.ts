import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import { SECOND_MS } from '../../base/units.ts';
import type { ParsedAnswer } from '../../http1/answer-head.ts';
import type { AnswerHandler, AnswerReader } from '../../http1/answer-reader.ts';
import { FIELD, valueOf } from '../../http1/field-kind.ts';
import { ProtocolError, malformed } from '../../http1/protocol-error.ts';
import { forceClose } from '../force-close.ts';
import {
  bodyTooLarge,
  workerBroke,
  type ForwardCall,
  type ForwardEnd,
  type Forwarding,
} from '../forwarder.ts';
import {
  clientAnswerHeaders,
  ownAnswerHeaders,
  passableTrailers,
  workerRequestHeaders,
  ListedFields,
} from '../headers.ts';
import type { GatewayLimits } from '../limits.ts';
import { tunnel, upgradeAnswer } from '../tunnel.ts';
import type { AnswerWriter } from './answer-writer.ts';
import type { StrictClient } from './client.ts';
import type { BodySink } from './incoming-body.ts';
import { RequestWriter } from './request-writer.ts';
import type { ConnectionUser, WorkerConnection } from './worker-connection.ts';
import type { WorkerConnections } from './worker-connections.ts';

export interface ExchangeParts {
  readonly clock: Clock;
  readonly limits: GatewayLimits;
}

/** One request on one connection to a worker, and its answer. */
export class Exchange implements Forwarding, ConnectionUser, BodySink, AnswerHandler {
  readonly #client: StrictClient;
  readonly #call: ForwardCall;
  readonly #parts: ExchangeParts;
  readonly #connections: WorkerConnections;
  readonly #connection: WorkerConnection;
  readonly #writer: RequestWriter;
  readonly #reader: AnswerReader;
  #bodyBytes = 0;
  /** The head was written: from here on the worker may have begun. */
  #sent = false;
  /** All of the request was written. */
  #sentWhole = false;
  #answer: ParsedAnswer | null = null;
  #complete = false;
  #cut = false;
  #settled = false;
  #joined = false;
  #failure: Error | null = null;
  #cancelTimer: (() => void) | null = null;

  constructor(client: StrictClient, call: ForwardCall, connections: WorkerConnections, parts: ExchangeParts) {
    this.#client = client;
    this.#call = call;
    this.#parts = parts;
    this.#connections = connections;
    // What follows an agreed upgrade is no HTTP, so its connection is one that carries nothing else.
    this.#connection = connections.take(client.head.upgrade !== null);
    this.#writer = new RequestWriter(this.#connection.out, client.head);
    this.#reader = this.#connection.reader;
  }

  start(): void {
    this.#connection.user = this;
    this.#reader.next(this.#client.head.method, this);
    if (this.#call.lastAnswer || this.#client.head.upgrade !== null) this.#client.answer.close();
    if (this.#connection.connected) {
      this.#send();
      return;
    }
    this.#cancelTimer = this.#parts.clock.schedule(this.#parts.limits.connectTimeoutMs, () => {
      this.#connection.socket.destroy(new Error('connect timeout'));
    });
  }

  cut(): void {
    if (this.#cut || this.#settled) return;
    this.#cut = true;
    this.#client.detachBody(this);
    this.#client.onDrain(null);
    const { socket } = this.#connection;
    if (!this.#sent) {
      socket.destroy();
      return;
    }
    // Our end is closed first and theirs waited for: a worker that sees the end of its client stops
    // and closes, and only then does the next request get this slot.
    if (this.#joined) socket.unpipe();
    socket.resume();
    socket.end();
    this.#cancelTimer = this.#parts.clock.schedule(this.#parts.limits.closeGraceMs, () => {
      forceClose(socket);
    });
  }

  onConnect(): void {
    this.#stopTimer();
    this.#send();
  }

  #send(): void {
    const { head } = this.#client;
    this.#call.onSending();
    this.#sent = true;
    const writer = this.#writer;
    writer.head(this.#call.path);
    workerRequestHeaders(writer, this.#client, this.#connections.authority);
    if (head.upgrade !== null) {
      writer.field('Connection', 'Upgrade');
      writer.field('Upgrade', head.upgrade);
    }
    writer.headEnd();
    if (this.#client.body === null) this.#sentWhole = true;
    else this.#client.attachBody(this);
    this.flush();
  }

  piece(bytes: Buffer): void {
    this.#bodyBytes += bytes.length;
    if (this.#bodyBytes > this.#parts.limits.bodyBytes) {
      this.#writer.clear();
      this.#break(bodyTooLarge(this.#parts.limits.bodyBytes));
      return;
    }
    this.#writer.piece(bytes);
  }

  end(trailers: readonly string[]): void {
    if (this.#failure !== null) return;
    this.#sentWhole = true;
    this.#writer.end(trailers);
  }

  flush(): void {
    if (this.#failure === null && !this.#writer.flush() && !this.#sentWhole) this.#client.holdBody();
  }

  onDrain(): void {
    if (!this.#cut && !this.#joined) this.#client.releaseBody();
  }

  onData(bytes: Buffer): void {
    if (this.#failure !== null || this.#joined) return;
    if (!this.#sent) {
      this.#break(malformed('it came before the request was sent'));
      return;
    }
    let end: number;
    try {
      end = this.#reader.read(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#break(error);
      return;
    }
    if (this.#joined) {
      this.#join(bytes.subarray(end));
      return;
    }
    if (this.#reader.ended) this.#answered(end < bytes.length);
    else if (!this.#cut && !this.#client.answer.flush()) this.#waitForClient();
  }

  onHead(answer: ParsedAnswer): void {
    if (this.#cut) return;
    const { status } = answer;
    if (status === 101) {
      if (this.#client.head.upgrade === null) throw malformed('it changes the protocol unasked');
      this.#joined = true;
    }
    this.#answer = answer;
    if (!this.#joined) this.#writeHead(this.#client.answer, answer);
    this.#call.onAnswered(status);
  }

  #writeHead(to: AnswerWriter, answer: ParsedAnswer): void {
    to.head(answer.status, answer.reason, answer.body);
    clientAnswerHeaders(to, answer, answer.status);
    ownAnswerHeaders(to, this.#call, this.#client.requestId);
    to.headEnd();
  }

  onPiece(piece: Buffer): void {
    if (!this.#cut) this.#client.answer.piece(piece);
  }

  onComplete(trailers: readonly string[]): void {
    this.#complete = true;
    if (!this.#cut && !this.#joined) this.#client.endAnswer(passableTrailers(trailers));
  }

  /** The worker's end is the answer's where nothing else says so; anywhere else it is too early. */
  onEnd(): void {
    if (this.#joined) return;
    this.#reader.endOfConnection();
    this.#connection.socket.destroy();
  }

  onClose(error: Error | null): void {
    if (this.#joined && error !== null) this.#complete = false;
    this.#failure ??= error;
    const unanswered = this.#sent && this.#answer === null && !this.#cut;
    if (this.#connection.served && unanswered) this.#connections.closedUnsaid();
    this.#settle(this.#complete ? this.#completed() : this.#failed());
  }

  /** The answer is complete: the connection serves on where nothing about it is in doubt. */
  #answered(more: boolean): void {
    this.#client.onDrain(null);
    const { socket } = this.#connection;
    const whole = this.#sentWhole && socket.writableLength === 0;
    if (whole && !more && !this.#cut && this.#answer?.keepAlive === true) {
      const keepAliveMs = keepAliveOf(this.#answer);
      // First the connection: the next request is given the slot in the same turn, and is to find it.
      this.#connections.giveBack(this.#connection, keepAliveMs);
      this.#settle(this.#completed());
      return;
    }
    this.#client.detachBody(this);
    socket.destroy();
  }

  #waitForClient(): void {
    const { socket } = this.#connection;
    socket.pause();
    this.#client.onDrain(() => {
      socket.resume();
    });
  }

  #join(early: Buffer): void {
    const { fields, reason } = this.#answer as ParsedAnswer;
    const { socket, early: fromClient } = this.#client.join();
    const worker = this.#connection.socket;
    const own = new ListedFields();
    ownAnswerHeaders(own, this.#call, this.#client.requestId);
    tunnel({
      client: socket,
      worker,
      agreed: upgradeAnswer(reason, fields, own.list),
      fromWorker: early,
      fromClient,
    });
  }

  /** Ends the worker's connection: what it says, or what the client says, goes nowhere. */
  #break(error: Error): void {
    this.#failure = error;
    this.#client.detachBody(this);
    this.#client.onDrain(null);
    this.#connection.socket.destroy();
  }

  #completed(): ForwardEnd {
    return this.#endWith('complete', null);
  }

  #failed(): ForwardEnd {
    const failure = this.#failure ?? new Error('closed before the answer was complete');
    if (failure instanceof AppError) return this.#endWith('refused', failure);
    return this.#endWith(this.#sent ? 'broke' : 'notSent', workerBroke(failure, !this.#sent));
  }

  #endWith(end: ForwardEnd['end'], error: AppError | null): ForwardEnd {
    return { end, status: this.#answer?.status ?? null, error, bodyBytes: this.#bodyBytes };
  }

  #settle(end: ForwardEnd): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#stopTimer();
    this.#client.detachBody(this);
    this.#client.onDrain(null);
    this.#call.onEnded(end);
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }
}

const TIMEOUT = /(?:^|[\s,;])timeout=([0-9]{1,6})/i;

/** How long the worker keeps an idle connection; null when it does not say. */
function keepAliveOf(answer: ParsedAnswer): number | null {
  const said = valueOf(answer, FIELD.keepAlive);
  if (said === undefined) return null;
  const timeout = TIMEOUT.exec(said)?.[1];
  return timeout === undefined ? null : Number(timeout) * SECOND_MS;
}
