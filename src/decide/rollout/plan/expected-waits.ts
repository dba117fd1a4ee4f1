import type { PlaySpan } from './play-rollout.ts';

export interface ExpectedWaits {
  /** Requests that come while no slot is free for them. */
  readonly requests: number;
  readonly longestMs: number;
}

/**
 * Who would wait at a steady rate while the number of ready workers changes: a queue as a fluid.
 * Where the ready workers take as many requests as come, nobody waits; waits by chance alone, which
 * happen without an update too, are not counted.
 */
export function expectedWaits(
  spans: readonly PlaySpan[],
  requestsPerSecond: number,
  slotsPerWorker: number,
  serviceTimeMs: number | null,
): ExpectedWaits {
  const rate = requestsPerSecond / 1_000;
  const capacity = spans.map(({ ready }) => {
    if (ready === 0) return 0;
    return serviceTimeMs === null || serviceTimeMs === 0
      ? Infinity
      : (ready * slotsPerWorker) / serviceTimeMs;
  });
  if (rate === 0) return { requests: 0, longestMs: 0 };
  let queue = 0;
  let requests = 0;
  let longestMs = 0;
  for (const [index, { durationMs }] of spans.entries()) {
    const served = capacity[index] ?? 0;
    if (queue > 0 || served < rate) longestMs = Math.max(longestMs, waitFrom(spans, capacity, index, queue));
    if (served >= rate) {
      const emptyAfterMs = queue === 0 ? 0 : queue / (served - rate);
      requests += rate * Math.min(durationMs, emptyAfterMs);
      queue = Math.max(0, queue - (served - rate) * durationMs) || 0;
    } else {
      requests += rate * durationMs;
      queue += (rate - served) * durationMs;
    }
  }
  // What is left is worked off by those that are ready at the end.
  const last = capacity.at(-1) ?? 0;
  if (queue > 0 && last > 0) longestMs = Math.max(longestMs, queue / last);
  if (queue > 0 && last > rate) requests += (rate * queue) / (last - rate);
  return { requests: Math.round(requests), longestMs };
}

/** How long one waits that comes at the beginning of a span with so many before it. */
function waitFrom(
  spans: readonly PlaySpan[],
  capacity: readonly number[],
  first: number,
  queue: number,
): number {
  let before = queue;
  let waitedMs = 0;
  for (let index = first; index < spans.length; index += 1) {
    const { durationMs } = spans[index] ?? { durationMs: 0 };
    const served = capacity[index] ?? 0;
    if (served > 0 && before <= served * durationMs) return waitedMs + before / served;
    before -= served * durationMs;
    waitedMs += durationMs;
  }
  const last = capacity.at(-1) ?? 0;
  return last > 0 ? waitedMs + before / last : waitedMs;
}
