import { AppError, impossible } from '../base/errors.ts';
import type { ArrivalRecorder } from '../ports/arrivals.ts';
import type { Log } from '../ports/log.ts';
import type { ApiKey } from '../ports/store.ts';
import type { RequestOutcome, TrafficWorker } from '../ports/traffic.ts';
import type { ClientSide, ClientWatcher } from './client-side.ts';
import type { EndpointQueue } from './endpoint-queue.ts';
import type { ForwardCall, ForwardEnd, Forwarding } from './forwarder.ts';
import type { GatewayLimits } from './limits.ts';
import { requestName } from './request-timelines.ts';
import { authenticate } from './steps/authenticate.ts';
import { checkLimits } from './steps/check-limits.ts';
import { findEndpoint } from './steps/find-endpoint.ts';
import { recordArrival } from './steps/record-arrival.ts';
import { record, type RecordParts } from './steps/record.ts';
import { checkRoute, type Routed } from './steps/route.ts';
import type { CutReason, Ticket, TicketHolder, Turn } from './ticket.ts';
import type { WorkerSlots } from './worker-slots.ts';

export interface ChainParts extends RecordParts {
  readonly log: Log;
  readonly arrivals: ArrivalRecorder;
  readonly limits: GatewayLimits;
  readonly queues: ReadonlyMap<string, EndpointQueue>;
  /** The server is leaving: new requests are refused, and answers close their connections. */
  readonly draining: boolean;
  apiKeys(sha256Hex: string): ApiKey | undefined;
}

const NOT_SENT: ForwardEnd = { end: 'notSent', status: null, error: null, bodyBytes: 0 };

/**
 * A request's way through the gateway: `begin` takes its first steps, in this order, in the turn in which
 * the request came, so a request that finds no worker wakes one at once. The rest are calls: from the
 * queue when its wait is over, from the forwarder when the worker's side is, from the client when it
 * leaves. No promises: a request has half a dozen such moments, and each one would cost more than the
 * step itself.
 */
export class Chain implements ForwardCall, TicketHolder, ClientWatcher {
  readonly #parts: ChainParts;
  readonly #client: ClientSide;
  readonly #routed: Routed | null;
  readonly #onOver: () => void;
  readonly #beganMs: number;
  #queue: EndpointQueue | null = null;
  #ticket: Ticket | null = null;
  #slots: WorkerSlots | null = null;
  #forwarding: Forwarding | null = null;
  #tries = 0;
  #ended = false;

  /** `routed`: where the request wants to go. `onOver`: nothing more of it happens on either side. */
  constructor(parts: ChainParts, client: ClientSide, routed: Routed | null, onOver: () => void) {
    this.#parts = parts;
    this.#client = client;
    this.#routed = routed;
    this.#onOver = onOver;
    this.#beganMs = parts.clock.monotonicMs();
  }

  /** Never throws. */
  begin(): void {
    const client = this.#client;
    const parts = this.#parts;
    try {
      client.checkFraming();
      const routed = checkRoute(this.#routed);
      const key = authenticate(client.head, parts);
      const queue = findEndpoint(parts.queues, routed, key);
      this.#queue = queue;
      checkLimits(client.head.bodyBytes, queue, parts.limits.bodyBytes, parts.draining);
      const ticket = queue.enter(requestName(client.requestId, client.head.method, routed.path));
      this.#ticket = ticket;
      client.watch(this);
      ticket.hold(this);
    } catch (error) {
      this.#fail(error);
    }
  }

  // From the queue.

  onTurn(turn: Turn): void {
    switch (turn.kind) {
      case 'slot':
        this.#slots = turn.worker;
        this.#try();
        return;
      case 'refused':
        this.#client.refuse(turn.error);
        this.#end(null, 0);
        return;
      case 'gone':
        this.#end(null, this.#parts.clock.monotonicMs() - (this.#ticket?.arrivedMonotonicMs ?? 0));
        return;
    }
  }

  onCut(reason: CutReason): void {
    const cutError = this.#ticket?.cutError ?? null;
    if (reason === 'timeout' && this.#queue !== null) this.#client.refuse(timedOut(this.#queue));
    if (cutError !== null) this.#client.refuse(cutError);
    this.#forwarding?.cut();
  }

  // From the client.

  clientLeft(reason: CutReason): void {
    const ticket = this.#ticket;
    if (ticket === null || this.#ended) return;
    if (ticket.waitingEntry === null) ticket.cut(reason);
    else this.#queue?.leave(ticket);
  }

  // For the forwarder.

  get worker(): TrafficWorker {
    return this.#held().worker;
  }

  get path(): string {
    return this.#routed?.path ?? '/';
  }

  get waitedMs(): number {
    const ticket = this.#ticket;
    return ticket === null ? 0 : ticket.startedMonotonicMs - ticket.arrivedMonotonicMs;
  }

  get coldStart(): boolean {
    const ticket = this.#ticket;
    return ticket?.waited === true && this.#held().addedMonotonicMs >= ticket.arrivedMonotonicMs;
  }

  get lastAnswer(): boolean {
    return this.#parts.draining;
  }

  onSending(): void {
    const ticket = this.#ticket;
    if (ticket === null || ticket.waited) return;
    this.#parts.metrics.forwardOverhead(this.#parts.clock.monotonicMs() - ticket.arrivedMonotonicMs);
  }

  onAnswered(status: number): void {
    if (this.#ticket !== null) this.#queue?.answered(this.#ticket, status);
  }

  /** The slot is given back here, or the request goes back to the front of its queue. */
  onEnded(end: ForwardEnd): void {
    const ticket = this.#ticket;
    const queue = this.#queue;
    if (ticket === null || queue === null || this.#ended) return;
    this.#forwarding = null;
    ticket.bodyBytes = end.bodyBytes;
    const { cutReason } = ticket;
    if (end.end === 'notSent' && cutReason === null && this.#tries < this.#parts.limits.retries) {
      this.#tries += 1;
      queue.retry(ticket);
      return;
    }
    const { waitedMs } = this;
    queue.release(ticket, end.status, outcomeOf(cutReason, end));
    if (cutReason === null && end.error !== null) {
      this.#client.refuse(end.error);
      this.#end(null, 0);
      return;
    }
    this.#client.finish();
    this.#end(cutReason === 'clientGone' ? null : end.status, waitedMs);
  }

  /** One try of a request that holds a slot. */
  #try(): void {
    // A worker removed in this very turn can be asked no more.
    if (this.#ticket?.cutReason !== null || this.#held().removed) {
      this.onEnded(NOT_SENT);
      return;
    }
    const tries = this.#tries;
    try {
      const forwarding = this.#client.forward(this);
      // One that could not even begin is over by now.
      if (!this.#ended && tries === this.#tries) this.#forwarding = forwarding;
    } catch (error) {
      this.#fail(error);
    }
  }

  #held(): WorkerSlots {
    return this.#slots ?? impossible('chain-71d2', 'a request without a slot has no worker');
  }

  #fail(error: unknown): void {
    const ticket = this.#ticket;
    if (ticket !== null && ticket.worker !== null && !this.#ended)
      this.#queue?.release(ticket, null, 'broke');
    this.#client.refuse(asAppError(error, this.#parts.log));
    this.#end(null, 0);
  }

  /** `status`: what the client was answered by a worker; null when it was not. */
  #end(status: number | null, waitedMs: number): void {
    if (this.#ended) return;
    this.#ended = true;
    try {
      if (this.#queue !== null) this.#record(this.#queue, status, waitedMs);
    } catch (error) {
      // A defect of ours must not take the other requests with it.
      this.#parts.log.error('the gateway failed after a request', { error });
    }
    this.#client.whenDone(this.#onOver);
  }

  #record(queue: EndpointQueue, status: number | null, waitedMs: number): void {
    const client = this.#client;
    const parts = this.#parts;
    const { endpointId } = queue.endpoint;
    const ticket = this.#ticket;
    const nowMs = parts.clock.monotonicMs();
    const totalMs = nowMs - this.#beganMs;
    record(parts, client, endpointId, status, waitedMs, totalMs);
    recordArrival(
      parts.arrivals,
      client,
      endpointId,
      status,
      totalMs,
      ticket?.ranMs(nowMs) ?? 0,
      ticket?.bodyBytes ?? 0,
      parts.clock.nowMs(),
    );
  }
}

function outcomeOf(cutReason: CutReason | null, { end }: ForwardEnd): RequestOutcome['end'] {
  if (cutReason === 'timeout') return 'timeout';
  if (cutReason === 'closed') return 'cut';
  if (cutReason !== null || end === 'refused') return 'clientGone';
  return end === 'complete' ? 'complete' : 'broke';
}

function timedOut(queue: EndpointQueue): AppError {
  const seconds = queue.endpoint.requestTimeoutMs / 1_000;
  return new AppError(
    'REQUEST_TIMEOUT_RUNNING',
    `The worker did not finish the request within request_timeout (${seconds} s, waiting included). Raise request_timeout, or make the request smaller.`,
    { metadata: { request_timeout: String(seconds) } },
  );
}

function asAppError(error: unknown, log: Log): AppError {
  if (error instanceof AppError) return error;
  log.error('the gateway failed at a request', { error });
  return new AppError('UNKNOWN', 'The gateway failed; its log tells more.', { cause: error });
}
