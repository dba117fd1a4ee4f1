import { AppError } from '../base/errors.ts';
import type { WorkerId } from '../base/ids.ts';
import type { TrafficWorker } from '../ports/traffic.ts';

/** One try of one request, as the chain orders it and hears of it. */
export interface ForwardCall {
  readonly worker: TrafficWorker;
  /** The request target at the worker, byte for byte as the client wrote it. */
  readonly path: string;
  /** How long it waited for its slot. */
  readonly waitedMs: number;
  /** It waited for this worker to start. */
  readonly coldStart: boolean;
  /** The client's connection ends with this answer. */
  readonly lastAnswer: boolean;
  /** The connection is there and the request's first byte is about to be written. */
  onSending(): void;
  /** The head of the worker's answer came. */
  onAnswered(status: number): void;
  /**
   * The worker's side is through with the request: answered in full, or closed. Called once, and the last
   * thing that a try does: the slot goes to the next request in this very turn.
   */
  onEnded(end: ForwardEnd): void;
}

export interface ForwardEnd {
  /**
   * `complete`: the whole answer came. `notSent`: nothing of the request left this process, so it may
   * be tried again. `refused`: the client broke a rule on the way. `broke`: all else.
   */
  readonly end: 'complete' | 'notSent' | 'broke' | 'refused';
  readonly status: number | null;
  /** For the client, where it has no answer's head yet. */
  readonly error: AppError | null;
  /** How much of the request's body was read from the client. */
  readonly bodyBytes: number;
}

export interface Forwarding {
  /** Breaks the request off; nothing more goes to the client. `onEnded` still waits for the worker's side. */
  cut(): void;
}

/** Holds the connections to the workers. */
export interface Forwarder {
  /** The worker is gone: its idle connections are closed, and none is kept any more. */
  workerRemove(workerId: WorkerId): void;
}

/** What the client is told, with what only the operator may read beside it. */
export function workerBroke(error: Error, untouched: boolean): AppError {
  const message = untouched
    ? 'The worker does not accept connections. Its log tells why.'
    : 'The worker closed the connection or answered something that is not HTTP. Its log tells why.';
  return new AppError('WORKER_BROKE', message, { detail: error.message, cause: error });
}

export function bodyTooLarge(limitBytes: number): AppError {
  return new AppError(
    'BODY_TOO_LARGE',
    `The request's body is larger than ${limitBytes} bytes, the limit of this gateway.`,
    { metadata: { limit_bytes: String(limitBytes) } },
  );
}
