import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError } from '../base/errors.ts';
import type { WorkerId } from '../base/ids.ts';
import type { TrafficWorker } from '../ports/traffic.ts';
import type { HeaderList } from './headers.ts';

export interface ForwardCall {
  readonly worker: TrafficWorker;
  readonly request: IncomingMessage;
  /** For an upgrade too: it carries the worker's answer when that refuses the upgrade. */
  readonly response: ServerResponse;
  /** The client's side of a connection that asks to change its protocol. */
  readonly upgrade: UpgradeSide | null;
  /** The request target at the worker, byte for byte as the client wrote it. */
  readonly path: string;
  /** For the worker, without framing headers. */
  readonly requestHeaders: HeaderList;
  /** Ours, put after the worker's own. */
  readonly answerHeaders: HeaderList;
  /** The connection is there and the request's first byte is about to be written. */
  onSending(): void;
  /** The head of the worker's answer came. */
  onAnswered(status: number): void;
}

export interface UpgradeSide {
  readonly socket: Duplex;
  /** Stops watching the client's early bytes and gives them back. */
  takeEarly(): Buffer;
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
}

export interface Forwarding {
  /** Resolves when the worker's side is through with the request: answered in full, or closed. */
  readonly ended: Promise<ForwardEnd>;
  /** How much of the request's body was read from the client so far. */
  readonly bodyBytes: number;
  /** Breaks the request off; nothing more goes to the client. `ended` still waits for the worker's side. */
  cut(): void;
}

/** Carries one request to a worker that has a slot for it, and its answer back. Never rejects. */
export interface Forwarder {
  forward(call: ForwardCall): Forwarding;
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
