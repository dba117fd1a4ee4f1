import type { EndpointId, WorkerId } from '../base/ids.ts';
import type { EndpointQueue } from '../gateway/endpoint-queue.ts';
import type { Ticket } from '../gateway/ticket.ts';

/**
 * How a request ended, as its client sees it. `broke`: its worker or the server went away under it.
 * `cut`: closed by the server, because the worker drained for too long. `timedOut`: `request_timeout` passed, while it waited or while it ran.
 */
export type RequestEnd = 'served' | 'answered5xx' | 'refused' | 'timedOut' | 'broke' | 'clientGone' | 'cut';

/** How a worker answers one request. */
export interface SimulatedAnswer {
  readonly status: number;
  /** Infinity: it never does. */
  readonly firstByteMs: number;
  readonly endMs: number;
  /** The worker breaks it off at its end. */
  readonly breaks: boolean;
}

/** One request on its way through the simulated gateway. */
export interface RequestFlight {
  readonly endpointId: EndpointId;
  readonly queue: EndpointQueue;
  readonly ticket: Ticket;
  readonly serviceMs: number;
  /** The worker that its connection leads to; null while there is no connection. */
  workerId: WorkerId | null;
  /** The status of the answer whose head came. */
  status: number | null;
  /** Tries that reached no worker. */
  refusals: number;
  /** Null until it ends for its client. */
  end: RequestEnd | null;
  cancelService: (() => void) | null;
  cancelPatience: (() => void) | null;
}

/** What is known of a request when it has ended for its client. */
export interface EndedRequest {
  readonly endpointId: EndpointId;
  readonly end: RequestEnd;
  readonly arrivedMonotonicMs: number;
  /** Until it had a slot; for one that never had one, until its end. */
  readonly waitedMs: number;
  readonly hadSlot: boolean;
  /** Of the worker that it was given to last; null when it never had one. */
  readonly revision: number | null;
  /** It waited for a worker that became ready after its arrival. */
  readonly coldStart: boolean;
}
