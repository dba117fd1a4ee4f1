import type { Clock } from '../../base/clock.ts';
import type { EndpointId } from '../../base/ids.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { ClientSide } from '../client-side.ts';

const OUTCOMES = ['0xx', '1xx', '2xx', '3xx', '4xx', '5xx', '6xx', '7xx', '8xx', '9xx'];

export interface RecordParts {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Counts the request once, by what its client saw. `status`: the worker's; null when it was not answered by one. */
export function record(
  { metrics, log }: RecordParts,
  client: ClientSide,
  endpointId: EndpointId,
  status: number | null,
  waitedMs: number,
  totalMs: number,
): void {
  const error = client.refusedWith;
  let outcome = 'client_gone';
  if (error !== null) outcome = error.code.toLowerCase();
  else if (status !== null) outcome = OUTCOMES[Math.floor(status / 100)] ?? 'other';
  metrics.requestEnded(endpointId, outcome, waitedMs, totalMs);
  if (error?.code !== 'WORKER_BROKE') return;
  log.warn('worker broke a request', { endpointId, requestId: client.requestId, detail: error.detail });
}
