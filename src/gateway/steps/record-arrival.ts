import type { ErrorCode } from '../../base/errors.ts';
import type { EndpointId } from '../../base/ids.ts';
import { sizeClassOf, type ArrivalOutcome } from '../../model/arrival.ts';
import type { ArrivalRecorder } from '../../ports/arrivals.ts';
import type { ClientSide } from '../client-side.ts';

export interface ArrivalFacts {
  readonly endpointId: EndpointId;
  readonly client: ClientSide;
  readonly status: number | null;
  readonly totalMs: number;
  /** Of it, the time it held a slot. */
  readonly ranMs: number;
  /** What was read of the request's body. */
  readonly bodyBytes: number;
  readonly endedAtMs: number;
}

/** Refusals that stand for load: the same request would have been served by an endpoint with more room. */
const REFUSED: ReadonlySet<ErrorCode> = new Set([
  'QUEUE_FULL',
  'ENDPOINT_PAUSED',
  'ENDPOINT_FAILED',
  'WORKER_START_FAILED',
  'SHUTTING_DOWN',
]);

/** Takes the request down for later what-if runs: when and how long, nothing of what it said. */
export function recordArrival(facts: ArrivalFacts, recorder: ArrivalRecorder): void {
  const waitMs = Math.max(0, Math.round(facts.totalMs - facts.ranMs));
  recorder.arrivalRecord(facts.endpointId, {
    endedAtMs: facts.endedAtMs,
    waitMs,
    runMs: Math.max(0, Math.round(facts.ranMs)),
    sizeClass: sizeClassOf(Math.max(facts.bodyBytes, announcedBytes(facts.client))),
    outcome: outcomeOf(facts),
  });
}

/** What a request said that never came as far as its body being read. */
function announcedBytes({ head }: ClientSide): number {
  const length = head.bodyBytes ?? 0;
  return Number.isSafeInteger(length) ? length : 0;
}

function outcomeOf({ client, status, ranMs }: ArrivalFacts): ArrivalOutcome {
  const code = client.refusedWith?.code;
  if (code === undefined) {
    if (status === null) return 'clientGone';
    return status < 500 ? 'answered' : 'failed';
  }
  if (code === 'REQUEST_TIMEOUT_WAITING') return 'timedOutWaiting';
  if (code === 'REQUEST_TIMEOUT_RUNNING') return 'timedOutRunning';
  if (code === 'WORKER_BROKE') return 'broke';
  if (REFUSED.has(code)) return 'refused';
  // A fault found while a worker had it, such as a body over the limit: it was load all the same.
  return ranMs > 0 ? 'clientGone' : 'rejected';
}
