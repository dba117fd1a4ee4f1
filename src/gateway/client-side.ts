import type { AppError } from '../base/errors.ts';
import type { ParsedRequest } from '../http1/request-head.ts';
import type { ForwardCall, Forwarding } from './forwarder.ts';
import type { CutReason } from './ticket.ts';

/** The client's end of one request, whichever server reads it and whichever forwarder carries it. */
export interface ClientSide {
  readonly head: ParsedRequest;
  readonly requestId: string;
  /** The client's address, as its connection has it. */
  readonly address: string;
  /** The connection is encrypted. */
  readonly encrypted: boolean;
  /** The error this side was answered with by us; null when it was not. */
  readonly refusedWith: AppError | null;
  /** Refuses a head that two servers could read differently; throws REQUEST_MALFORMED. */
  checkFraming(): void;
  /** From now on `watcher` is told when the client leaves; at once when it has left. */
  watch(watcher: ClientWatcher): void;
  /** Carries the request to a worker that has a slot for it, and its answer back. */
  forward(call: ForwardCall): Forwarding;
  /** Answers with an error, or cuts the connection when an answer has begun. */
  refuse(error: AppError): void;
  /** After an answer was given in full: bounds what the client still has to fetch and to send. */
  finish(): void;
  /** `task` runs once when nothing more goes to this client; at once when that is so. */
  whenDone(task: () => void): void;
}

export interface ClientWatcher {
  /** Told once: the client left, or broke the protocol (`refused`). */
  clientLeft(reason: CutReason): void;
}
