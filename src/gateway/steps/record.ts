import type { EndpointId } from '../../base/ids.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { ClientSide } from '../client-side.ts';

export interface RequestFacts {
  readonly endpointId: EndpointId;
  readonly client: ClientSide;
  readonly status: number | null;
  readonly waitedMs: number;
  readonly totalMs: number;
}

/** Counts the request once, by what its client saw. */
export function record(facts: RequestFacts, metrics: Metrics, log: Log): void {
  const { client, endpointId, status } = facts;
  const error = client.refusedWith;
  let outcome = 'client_gone';
  if (error !== null) outcome = error.code.toLowerCase();
  else if (status !== null) outcome = `${Math.floor(status / 100)}xx`;
  metrics.requestEnded(endpointId, outcome, facts.waitedMs, facts.totalMs);
  if (error?.code !== 'WORKER_BROKE') return;
  log.warn('worker broke a request', { endpointId, requestId: client.requestId, detail: error.detail });
}
