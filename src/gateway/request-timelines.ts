import type { RequestName, RequestTimeline, TimelineOutcome } from '../model/request-timeline.ts';
import type { Ticket } from './ticket.ts';
import type { WorkerSlots } from './worker-slots.ts';

/** Ended requests that are kept of each endpoint. */
const TIMELINES_KEPT = 100;
const PATH_LENGTH_MAX = 200;
const WORD_LENGTH_MAX = 64;

/** The last requests that ended, of an endpoint or of a worker. */
export class RequestTimelines {
  readonly #kept: number;
  /** Null before the first. */
  #ring: RequestTimeline[] | null = null;
  #ended = 0;

  /** `kept`: how many, the oldest are dropped for the newest. */
  constructor(kept = TIMELINES_KEPT) {
    this.#kept = kept;
  }

  note(timeline: RequestTimeline): void {
    this.#ring ??= [];
    this.#ring[this.#ended % this.#kept] = timeline;
    this.#ended += 1;
  }

  newestFirst(): readonly RequestTimeline[] {
    const next = this.#ended % this.#kept;
    const ring = this.#ring ?? [];
    return [...ring.slice(next), ...ring.slice(0, next)].reverse();
  }
}

/** `slots`: the worker it has, or had until just now; null when it never had one. */
export function timelineOf(
  ticket: Ticket,
  slots: WorkerSlots | null,
  end: { readonly atMs: number; readonly outcome: TimelineOutcome; readonly status: number | null } | null,
): RequestTimeline {
  const { firstByteMonotonicMs, startedAtMs, startedMonotonicMs } = ticket;
  const answered = slots !== null && firstByteMonotonicMs > 0;
  const { requestId, method, path } = ticket.name;
  return {
    requestId,
    method,
    path,
    arrivedAtMs: ticket.arrivedAtMs,
    waitReason: ticket.waitReason,
    workerId: slots?.worker.workerId ?? null,
    revision: slots?.worker.revision ?? null,
    startedAtMs: slots === null ? null : startedAtMs,
    firstByteAtMs: answered ? startedAtMs + firstByteMonotonicMs - startedMonotonicMs : null,
    endedAtMs: end?.atMs ?? null,
    status: end === null ? ticket.status : end.status,
    outcome: end?.outcome ?? null,
  };
}

/** A client chooses what is in it: it is cut short, and what is left of a long text does not keep the whole. */
export function requestName(requestId: string, method: string, target: string): RequestName {
  const query = target.indexOf('?');
  const length = Math.min(query === -1 ? target.length : query, PATH_LENGTH_MAX);
  return { requestId, method: method.slice(0, WORD_LENGTH_MAX), path: copyOf(target, length) };
}

/** A slice of a string holds on to all of it. */
function copyOf(text: string, length: number): string {
  return text.length === length ? text : Buffer.from(text.slice(0, length), 'latin1').toString('latin1');
}
