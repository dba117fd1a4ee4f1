import type { EndpointSettings } from '../../model/endpoint.ts';
import { reason, seconds, type EndpointWorld, type Reason, type WorkerView } from '../world.ts';
import type { LoadModel } from './load-model.ts';
import type { StartDecision } from './marginal-rule.ts';
import { queueNeed, type ServingFleet } from './queue-need.ts';

export interface Need {
  /** Workers that should be ready or on their way now, within min and max. */
  readonly workers: number;
  readonly reason: Reason;
  /** When the answer may change although nothing happens; null when it cannot. */
  readonly lookAgainAtMs: number | null;
}

/** The start time assumed for a revision of which none has ever become ready. */
export const UNKNOWN_START_MS = 10_000;

/** How often a queue that waits is looked at again: a share of a start time, within these bounds. */
const LOOK_AGAIN_SHARE = 1 / 8;
const LOOK_AGAIN_MIN_MS = 50;
const LOOK_AGAIN_MAX_MS = 1_000;

/**
 * How many workers the load asks for by the endpoint's policy. Idle workers beyond that are not its
 * business: see `idle-keep.ts`.
 *
 * `serving` are the workers that count as capacity: ready, or on their way to it. `runningBeside` are
 * requests on workers that are neither capacity nor leaving: they have their place already.
 */
export function neededWorkers(
  world: EndpointWorld,
  serving: readonly WorkerView[],
  nowMs: number,
  runningBeside = 0,
): Need {
  const { minReplicas, maxReplicas, policy } = world.settings;
  if (maxReplicas === 0)
    return { workers: 0, reason: reason('paused', 'max_replicas is 0'), lookAgainAtMs: null };
  const running = world.workers.reduce((sum, worker) => sum + worker.running, 0) - runningBeside;
  const load =
    policy.type === 'concurrency' ? byConcurrency(world, running) : byQueue(world, serving, running, nowMs);
  if (load.workers >= maxReplicas) {
    return {
      workers: maxReplicas,
      reason:
        load.workers > maxReplicas
          ? reason('max', `${load.reason.text}; max_replicas holds it at ${maxReplicas}`, load.reason.numbers)
          : load.reason,
      lookAgainAtMs: load.lookAgainAtMs,
    };
  }
  if (load.workers < minReplicas) {
    return {
      workers: minReplicas,
      reason: reason('min', `min_replicas keeps ${minReplicas}`, load.reason.numbers),
      lookAgainAtMs: load.lookAgainAtMs,
    };
  }
  return load;
}

/** Requests a worker is meant for: as many as it has slots, or fewer where the policy says so. */
function requestsPerWorker({ policy, maxConcurrentPerWorker }: EndpointSettings): number {
  return policy.type === 'concurrency'
    ? Math.min(policy.value, maxConcurrentPerWorker)
    : maxConcurrentPerWorker;
}

/** The fewest workers that are meant for so many requests at once. */
export function workersFor(requests: number, settings: EndpointSettings): number {
  return Math.ceil(requests / requestsPerWorker(settings));
}

function byConcurrency(world: EndpointWorld, running: number): Need {
  const perWorker = requestsPerWorker(world.settings);
  return {
    workers: workersFor(world.waiting + running, world.settings),
    reason: reason(
      'concurrency',
      `${world.waiting} waiting and ${running} running at ${perWorker} per worker`,
      { waiting: world.waiting, running, perWorker },
    ),
    lookAgainAtMs: null,
  };
}

function byQueue(world: EndpointWorld, serving: readonly WorkerView[], running: number, nowMs: number): Need {
  const busy = workersFor(running, world.settings);
  if (world.waiting === 0) {
    return {
      workers: busy,
      reason: reason('running', `${running} running, none waiting`, { waiting: 0, running }),
      lookAgainAtMs: null,
    };
  }
  const fleet = servingFleet(world, serving, running, nowMs);
  const decision = queueNeed(fleet, world.load, nowMs);
  // Requests that run on workers which leave may have nowhere to go on: what runs now is always needed.
  const workers = Math.max(decision.workers, busy, 1);
  const lookInMs = Math.min(
    LOOK_AGAIN_MAX_MS,
    Math.max(LOOK_AGAIN_MIN_MS, world.load.startMs * LOOK_AGAIN_SHARE),
  );
  return {
    workers,
    reason: queueReason(fleet, decision, world.load, nowMs),
    lookAgainAtMs: workers >= world.settings.maxReplicas ? null : nowMs + lookInMs,
  };
}

function servingFleet(
  world: EndpointWorld,
  serving: readonly WorkerView[],
  running: number,
  nowMs: number,
): ServingFleet {
  const startedAgoMs: number[] = [];
  for (const worker of serving) {
    if (worker.state !== 'ready') startedAgoMs.push(nowMs - (worker.startedAtMs ?? nowMs));
  }
  return { waiting: world.waiting, running, ready: serving.length - startedAgoMs.length, startedAgoMs };
}

/** The numbers are worker-seconds and request-seconds, and `score…` what each candidate would have cost lately. */
function queueReason(fleet: ServingFleet, decision: StartDecision, load: LoadModel, nowMs: number): Reason {
  const starting = fleet.startedAgoMs.length;
  const live = fleet.ready + starting;
  const added = decision.workers - live;
  const numbers: Record<string, number> = {
    waiting: fleet.waiting,
    running: fleet.running,
    ready: fleet.ready,
    starting,
    added,
    expectedWaitingSeconds: decision.waitingNow / 1_000,
    waitingThenSeconds: decision.waitingThen / 1_000,
    price: load.price,
    savesSeconds: decision.saves / 1_000,
    costsSeconds: decision.costs / 1_000,
    startSeconds: load.startMs / 1_000,
    serviceSeconds: load.serviceTimeMs / 1_000,
    arrivalsPerSecond: load.rateAt(nowMs) * 1_000,
    weight: load.weight,
    burstsGoOn: Number(load.burstsGoOn),
  };
  for (const { weight, burstsGoOn, score } of load.scores) {
    numbers[`score${weight}${burstsGoOn ? 'Bursts' : ''}`] = score / 1_000;
  }
  if (live === 0) return reason('wake', `${fleet.waiting} waiting and no worker`, numbers);
  const saved = `saves ${seconds(decision.saves)} of a worker's time where ${seconds(decision.costs)} is its cost`;
  const text = `${fleet.waiting} waiting; ${added > 1 ? `the last of ${added} more` : 'one more'} ${saved}`;
  return reason('queue', `${text} (a second of waiting counts ${load.price})`, numbers);
}
