import type { ErrorCode } from '../../base/errors.ts';
import type { EndpointId } from '../../base/ids.ts';
import { sizeClassOf, type ArrivalOutcome } from '../../model/arrival.ts';
import type { ArrivalRecorder } from '../../ports/arrivals.ts';
import type { ClientSide } from '../client-side.ts';

/** Refusals that stand for load: the same request would have been served by an endpoint with more room. */
const REFUSED: ReadonlySet<ErrorCode> = new Set([
  'QUEUE_FULL',
  'ENDPOINT_PAUSED',
  'ENDPOINT_FAILED',
  'WORKER_START_FAILED',
  'SHUTTING_DOWN',
]);

/**
 * Takes the request down for later what-if runs: when and how long, nothing of what it said. `ranMs`: of
 * `totalMs`, the time it held a slot. `bodyBytes`: what was read of its body.
 */
export function recordArrival(
  recorder: ArrivalRecorder,
  client: ClientSide,
  endpointId: EndpointId,
  status: number | null,
  totalMs: number,
  ranMs: number,
  bodyBytes: number,
  endedAtMs: number,
): void {
  recorder.arrivalRecord(endpointId, {
    endedAtMs,
    waitMs: Math.max(0, Math.round(totalMs - ranMs)),
    runMs: Math.max(0, Math.round(ranMs)),
    sizeClass: sizeClassOf(Math.max(bodyBytes, announcedBytes(client))),
    outcome: outcomeOf(client, status, ranMs),
  });
}

/** What a request said that never came as far as its body being read. */
function announcedBytes({ head }: ClientSide): number {
  const length = head.bodyBytes ?? 0;
  return Number.isSafeInteger(length) ? length : 0;
}

function outcomeOf({ refusedWith }: ClientSide, status: number | null, ranMs: number): ArrivalOutcome {
  if (refusedWith === null) {
    if (status === null) return 'clientGone';
    return status < 500 ? 'answered' : 'failed';
  }
  const { code } = refusedWith;
  if (code === 'REQUEST_TIMEOUT_WAITING') return 'timedOutWaiting';
  if (code === 'REQUEST_TIMEOUT_RUNNING') return 'timedOutRunning';
  if (code === 'WORKER_BROKE') return 'broke';
  if (REFUSED.has(code)) return 'refused';
  // A fault found while a worker had it, such as a body over the limit: it was load all the same.
  return ranMs > 0 ? 'clientGone' : 'rejected';
}
