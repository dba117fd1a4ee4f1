import type { RecordedFigures } from '../../ports/what-if.ts';
import type { SimulatedSpan, TraceRequest } from '../simulate-endpoint.ts';

/** Requests in the order of their arrival, in columns: millions of them fit. */
export interface RequestList {
  /** Milliseconds of any origin. */
  readonly arrivalMs: Float64Array;
  readonly serviceMs: Float64Array;
  /** Those whose service time was taken from others. */
  readonly assumedRuns: number;
  readonly recorded: RecordedFigures | null;
  /** What of the time around them belongs to them; null: nothing. */
  readonly span: SimulatedSpan | null;
}

/** The requests from one place to another. */
export function* requestsOf(
  list: RequestList,
  from = 0,
  to = list.arrivalMs.length,
): Generator<TraceRequest> {
  for (let index = from; index < to; index += 1) {
    yield { arrivalMs: list.arrivalMs[index] ?? 0, serviceMs: list.serviceMs[index] ?? 0 };
  }
}
