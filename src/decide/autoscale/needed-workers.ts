import type { EndpointSettings } from '../../model/endpoint.ts';
import { reason, seconds, type EndpointWorld, type Reason, type WorkerView } from '../world.ts';
import type { LoadModel } from './load-model.ts';
import type { StartDecision } from './marginal-rule.ts';
import { queueNeed, type ServingFleet } from './queue-need.ts';

export interface Need {
  /** Workers that should be ready or on their way now, within min and max. */
  readonly workers: number;
  /** Worked out when it is read, in the turn of the decision: most decisions start nobody, and tell nothing. */
  readonly reason: Reason;
  /** When the answer may change although nothing happens; null when it cannot. */
  readonly lookAgainAtMs: number | null;
}

class NeedWithReason implements Need {
  readonly workers: number;
  readonly lookAgainAtMs: number | null;
  readonly #why: () => Reason;
  #reason: Reason | null = null;

  constructor(workers: number, lookAgainAtMs: number | null, why: () => Reason) {
    this.workers = workers;
    this.lookAgainAtMs = lookAgainAtMs;
    this.#why = why;
  }

  get reason(): Reason {
    return (this.#reason ??= this.#why());
  }
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
  if (maxReplicas === 0) return new NeedWithReason(0, null, () => reason('paused', 'max_replicas is 0'));
  const running = world.workers.reduce((sum, worker) => sum + worker.running, 0) - runningBeside;
  const load =
    policy.type === 'concurrency' ? byConcurrency(world, running) : byQueue(world, serving, running, nowMs);
  if (load.workers > maxReplicas) {
    return new NeedWithReason(maxReplicas, load.lookAgainAtMs, () =>
      reason('max', `${load.reason.text}; max_replicas holds it at ${maxReplicas}`, load.reason.numbers),
    );
  }
  if (load.workers < minReplicas) {
    return new NeedWithReason(minReplicas, load.lookAgainAtMs, () =>
      reason('min', `min_replicas keeps ${minReplicas}`, load.reason.numbers),
    );
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
  const { waiting, settings } = world;
  const perWorker = requestsPerWorker(settings);
  return new NeedWithReason(workersFor(waiting + running, settings), null, () =>
    reason('concurrency', `${waiting} waiting and ${running} running at ${perWorker} per worker`, {
      waiting,
      running,
      perWorker,
    }),
  );
}

function byQueue(world: EndpointWorld, serving: readonly WorkerView[], running: number, nowMs: number): Need {
  const { settings } = world;
  const busy = workersFor(running, settings);
  if (world.waiting === 0) {
    return new NeedWithReason(busy, null, () =>
      reason('running', `${running} running, none waiting`, { waiting: 0, running }),
    );
  }
  const { load } = world;
  const fleet = servingFleet(world, serving, running, nowMs);
  const decision = queueNeed(fleet, load, nowMs);
  // Requests that run on workers which leave may have nowhere to go on: what runs now is always needed.
  const workers = Math.max(decision.workers, busy, 1);
  const lookInMs = Math.min(LOOK_AGAIN_MAX_MS, Math.max(LOOK_AGAIN_MIN_MS, load.startMs * LOOK_AGAIN_SHARE));
  const lookAgainAtMs = workers >= settings.maxReplicas ? null : nowMs + lookInMs;
  return new NeedWithReason(workers, lookAgainAtMs, () => queueReason(fleet, decision, load, nowMs));
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
