import { predictedWaits, residualMs } from './predicted-waits.ts';
import { reason, seconds, type EndpointWorld, type Reason, type WorkerView } from '../world.ts';

export interface Need {
  /** Workers that should be ready or on their way now, within min and max. */
  readonly workers: number;
  readonly reason: Reason;
  /** When the answer may change although nothing happens; null when it cannot. */
  readonly lookAgainAtMs: number | null;
}

/** The start time assumed for a revision of which none has ever become ready. */
export const UNKNOWN_START_MS = 10_000;

/** How often a queue that waits is looked at again, at the least and at the most. */
const LOOK_AGAIN_MIN_MS = 50;
const LOOK_AGAIN_MAX_MS = 1_000;

/**
 * How many workers the load asks for by the endpoint's policy. Idle workers beyond that are not its
 * business: they stay until their idle time-out.
 *
 * `serving` are the workers that count as capacity: ready, or on their way to it.
 */
export function neededWorkers(
  world: EndpointWorld,
  serving: readonly WorkerView[],
  startTimeMs: number | null,
  nowMs: number,
): Need {
  const { minReplicas, maxReplicas, policy } = world.settings;
  if (maxReplicas === 0)
    return { workers: 0, reason: reason('paused', 'max_replicas is 0'), lookAgainAtMs: null };
  const floor = minReplicas;
  const running = world.workers.reduce((sum, worker) => sum + worker.running, 0);
  const load =
    policy.type === 'concurrency'
      ? byConcurrency(world, running)
      : byQueue(world, serving, running, startTimeMs, nowMs);
  if (load.workers >= maxReplicas) {
    return {
      workers: maxReplicas,
      reason:
        load.workers > maxReplicas
          ? reason('max', `${load.reason.text}; max_replicas holds it at ${maxReplicas}`)
          : load.reason,
      lookAgainAtMs: load.lookAgainAtMs,
    };
  }
  if (load.workers < floor) {
    return {
      workers: floor,
      reason: reason('min', `min_replicas keeps ${floor}`),
      lookAgainAtMs: load.lookAgainAtMs,
    };
  }
  return load;
}

function byConcurrency(world: EndpointWorld, running: number): Need {
  const perWorker = Math.min(world.settings.policy.value, world.settings.maxConcurrentPerWorker);
  const demand = world.waiting + running;
  return {
    workers: Math.ceil(demand / perWorker),
    reason: reason(
      'concurrency',
      `${world.waiting} waiting and ${running} running at ${perWorker} per worker`,
    ),
    lookAgainAtMs: null,
  };
}

function byQueue(
  world: EndpointWorld,
  serving: readonly WorkerView[],
  running: number,
  startTimeMs: number | null,
  nowMs: number,
): Need {
  const slots = world.settings.maxConcurrentPerWorker;
  const busy = Math.ceil(running / slots);
  if (world.waiting === 0) {
    return {
      workers: busy,
      reason: reason('running', `${running} running, none waiting`),
      lookAgainAtMs: null,
    };
  }
  const limitMs = world.settings.policy.value * 1_000;
  const startMs = startTimeMs ?? UNKNOWN_START_MS;
  const slotFreeAtMs = serving.flatMap((worker) =>
    slotTimes(worker, slots, startMs, world.serviceTimeMs, nowMs),
  );
  const serviceTimeMs = world.serviceTimeMs ?? longestElapsedMs(world, nowMs);
  const outcome = (workers: number): { excessMs: number; longestMs: number } => {
    const extra = Array.from({ length: (workers - serving.length) * slots }, () => nowMs + startMs);
    const waits = predictedWaits({
      nowMs,
      waitingSinceMs: world.waitingSinceMs,
      slotFreeAtMs: [...slotFreeAtMs, ...extra],
      serviceTimeMs,
    });
    // The list of waiting requests is bounded; those beyond it wait behind the last listed one.
    const beyond = world.waiting - world.waitingSinceMs.length;
    const last = waits.at(-1) ?? 0;
    if (beyond > 0) waits.push(last + (beyond / Math.max(1, workers * slots)) * serviceTimeMs);
    return {
      excessMs: waits.reduce((sum, waitMs) => sum + Math.max(0, waitMs - limitMs), 0),
      longestMs: waits.reduce((longest, waitMs) => Math.max(longest, waitMs), 0),
    };
  };

  let workers = Math.max(serving.length, busy, 1);
  let best = outcome(workers);
  // One more as long as somebody would wait beyond the limit and the new worker takes some of that
  // excess away: where it would come too late for everyone who waits now, it would only cost.
  while (workers < world.settings.maxReplicas && best.excessMs > 0) {
    const withOneMore = outcome(workers + 1);
    if (withOneMore.excessMs >= best.excessMs) break;
    workers += 1;
    best = withOneMore;
  }
  const lookInMs = Math.min(LOOK_AGAIN_MAX_MS, Math.max(LOOK_AGAIN_MIN_MS, limitMs / 8));
  return {
    workers,
    reason:
      serving.length === 0
        ? reason('wake', `${world.waiting} waiting and no worker`)
        : reason(
            'queue',
            `${world.waiting} waiting; the longest predicted wait is ${seconds(best.longestMs)} with ${workers} workers, allowed are ${seconds(limitMs)}`,
          ),
    lookAgainAtMs: workers >= world.settings.maxReplicas ? null : nowMs + lookInMs,
  };
}

/** When each slot of a worker can take its next request. */
function slotTimes(
  worker: WorkerView,
  slots: number,
  startMs: number,
  serviceTimeMs: number | null,
  nowMs: number,
): number[] {
  if (worker.state !== 'ready') {
    const readyAtMs = nowMs + residualMs(nowMs - (worker.startedAtMs ?? nowMs), startMs);
    return Array.from({ length: slots }, () => readyAtMs);
  }
  return Array.from({ length: slots }, (_, index) => {
    const sinceMs = worker.runningSinceMs[index];
    if (sinceMs !== undefined) return nowMs + residualMs(nowMs - sinceMs, serviceTimeMs);
    // Slots beyond the listed ones: busy as long as the count says so, with no age known.
    return index < worker.running ? nowMs + (serviceTimeMs ?? 0) : nowMs;
  });
}

function longestElapsedMs(world: EndpointWorld, nowMs: number): number {
  let longest = 0;
  for (const worker of world.workers) {
    for (const sinceMs of worker.runningSinceMs) longest = Math.max(longest, nowMs - sinceMs);
  }
  return longest;
}
