import { AppError } from '../base/errors.ts';
import type { EndpointId } from '../base/ids.ts';
import type { SimulatedWorld } from './world.ts';

export interface ReplayedRequest {
  /** Of any origin; never earlier than the request before it. */
  readonly arrivalMs: number;
  /** How long it keeps its slot. */
  readonly serviceMs: number;
}

export interface ReplayOptions {
  /** Ends the run: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Told now and then how many requests have arrived. */
  readonly onProgress?: (done: number) => void;
  /** Told of each request just before it arrives, with its time on the world's clock. */
  readonly onArrival?: (atMs: number) => void;
}

/** Events between two looks at whether somebody else wants the thread or the run's end. */
const EVENTS_PER_TURN = 4_000;

/**
 * Lets requests arrive in a world as their times say, the first of them now, until the last one has
 * ended; returns their number. They are read one by one, so that only those under way are held.
 * Rejects with VALIDATOR_PARAM where they are not in order or not numbers.
 */
export async function replay<Request extends ReplayedRequest>(
  world: SimulatedWorld,
  requests: Iterable<Request> | AsyncIterable<Request>,
  endpointOf: (request: Request) => EndpointId,
  options: ReplayOptions = {},
): Promise<number> {
  const { clock, turns, traffic } = world;
  const { signal, onProgress, onArrival } = options;
  const next = feedOf(requests);
  let shiftMs: number | null = null;
  let events = 0;
  let count = 0;
  const breathe = async (): Promise<void> => {
    await turns.pass();
    signal?.throwIfAborted();
    onProgress?.(count);
  };
  for (;;) {
    const pulled = next();
    const request = pulled instanceof Promise ? await pulled : pulled;
    if (request === null) break;
    checkRequest(request, count);
    shiftMs ??= clock.monotonicMs() - request.arrivalMs;
    const arrivalMs = request.arrivalMs + shiftMs;
    if (arrivalMs < clock.monotonicMs()) throw unsorted(count);
    while (clock.fireNext(arrivalMs)) {
      if (turns.needed) await turns.settle();
      events += 1;
      if (events % EVENTS_PER_TURN === 0) await breathe();
    }
    clock.advanceTo(arrivalMs);
    onArrival?.(arrivalMs);
    traffic.arrive(endpointOf(request), request.serviceMs);
    if (turns.needed) await turns.settle();
    count += 1;
    events += 1;
    if (events % EVENTS_PER_TURN === 0) await breathe();
  }
  while (traffic.open > 0 && clock.fireNext(Infinity)) {
    if (turns.needed) await turns.settle();
    events += 1;
    if (events % EVENTS_PER_TURN === 0) await breathe();
  }
  await breathe();
  return count;
}

/** The next request at each call, null at the end; a promise only where the source is asynchronous. */
function feedOf<Request>(
  requests: Iterable<Request> | AsyncIterable<Request>,
): () => Request | null | Promise<Request | null> {
  if (Symbol.iterator in requests) {
    const source = requests[Symbol.iterator]();
    return () => {
      const { done, value } = source.next();
      return done === true ? null : value;
    };
  }
  const source = requests[Symbol.asyncIterator]();
  return async () => {
    const { done, value } = await source.next();
    return done === true ? null : value;
  };
}

function checkRequest(request: ReplayedRequest, index: number): void {
  const { arrivalMs, serviceMs } = request;
  if (Number.isFinite(arrivalMs) && Number.isFinite(serviceMs) && serviceMs >= 0) return;
  throw new AppError(
    'VALIDATOR_PARAM',
    `Request ${index} of the trace arrives at ${arrivalMs} and takes ${serviceMs} ms; both must be finite numbers, and the second not negative.`,
  );
}

function unsorted(index: number): AppError {
  return new AppError(
    'VALIDATOR_PARAM',
    `Request ${index} of the trace arrives earlier than the one before it; sort the requests by arrival.`,
  );
}
