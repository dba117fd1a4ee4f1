import type { EndpointId } from '../base/ids.ts';
import type { WorkerState } from '../model/worker-state.ts';

/** Counted at the moment it happens. Implementations must be cheap: some are called for every request. */
export interface Metrics {
  /** `outcome`: "2xx", "4xx", "5xx", or the reason of an answer made by us, in lower case. */
  requestEnded(endpointId: EndpointId, outcome: string, waitedMs: number, totalMs: number): void;
  /** Time the gateway itself added before the first byte went to a worker that had a free slot. */
  forwardOverhead(overheadMs: number): void;
  /** From the first request that waited for it to a worker's readiness. */
  coldStart(endpointId: EndpointId, durationMs: number): void;
  scaleDecision(endpointId: EndpointId, reason: string): void;
  workerStarted(endpointId: EndpointId): void;
  workerFailed(endpointId: EndpointId): void;
  /** Requests that were not taken down because too many of them waited to be written. */
  arrivalsDropped(count: number): void;
  endpointForgotten(endpointId: EndpointId): void;
  /** Asked at each scrape instead of being kept up to date. */
  onScrape(read: () => readonly EndpointGauges[]): void;
}

export interface EndpointGauges {
  readonly endpointId: EndpointId;
  readonly waiting: number;
  readonly oldestWaitSeconds: number;
  readonly slotsUsed: number;
  readonly slotsTotal: number;
  readonly workers: Readonly<Partial<Record<WorkerState, number>>>;
}
