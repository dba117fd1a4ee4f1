import { idleLimitMs } from './autoscale/idle-keep.ts';
import { LoadModel } from './autoscale/load-model.ts';
import { priceOfWaiting } from './autoscale/price.ts';
import type { EndpointId, WorkerId } from '../base/ids.ts';
import type { RolloutOptions } from '../model/rollout-options.ts';
import type { GuardReport } from '../model/guard-report.ts';
import type { EndpointWorld, PlanOptions, RevisionView, WorkerView } from './world.ts';
import type { EndpointSettings, Rollout } from '../model/endpoint.ts';

/** Worlds for the tests beside the decisions: one quiet endpoint, and parts to change about it. */
export const NOW_MS = 1_000_000;

export function settings(change: Partial<EndpointSettings> = {}): EndpointSettings {
  return {
    name: 'test',
    minReplicas: 0,
    maxReplicas: 10,
    idleTimeoutSeconds: 60,
    maxConcurrentPerWorker: 4,
    requestTimeoutSeconds: 60,
    policy: { type: 'queue', value: 4 },
    healthCheck: { path: '', port: 0 },
    ...change,
  };
}

export function worker(id: string, change: Partial<WorkerView> = {}): WorkerView {
  return {
    id: id as WorkerId,
    revision: 1,
    state: 'ready',
    running: 0,
    runningSinceMs: [],
    idleSinceMs: NOW_MS,
    createdAtMs: NOW_MS - 10_000,
    startedAtMs: NOW_MS - 10_000,
    readyAtMs: NOW_MS - 9_000,
    unhealthySinceMs: null,
    drainingSinceMs: null,
    ...change,
  };
}

export function revision(number: number, change: Partial<RevisionView> = {}): RevisionView {
  return {
    number,
    failed: false,
    startTimeMs: 1_000,
    roomWorkers: Infinity,
    productId: 'cpu',
    devicesPerWorker: 0,
    ...change,
  };
}

export function rollout(change: Partial<Rollout> = {}): Rollout {
  return {
    id: 'rollout' as Rollout['id'],
    state: 'waiting',
    fromRevision: 1,
    toRevision: 2,
    mode: null,
    startedAtMs: NOW_MS,
    endedAtMs: null,
    workersBefore: 1,
    startFailures: 0,
    postponements: 0,
    notBeforeMs: 0,
    message: '',
    options: rolloutOptions(),
    order: 'go',
    stateSinceMs: NOW_MS,
    ...change,
  };
}

export function rolloutOptions(change: Partial<RolloutOptions> = {}): RolloutOptions {
  return {
    maxSurge: { value: 1, unit: 'workers' },
    firstStep: { value: 1, unit: 'workers' },
    bakeMs: 10_000,
    bakeRequests: 20,
    watchMs: 60_000,
    drainDeadlineMs: 1_800_000,
    guard: { enabled: true, slowdown: 1.5, minFailures: 3 },
    ...change,
  };
}

export function guardReport(change: Partial<GuardReport> = {}): GuardReport {
  const none = { answered: 0, ended: 0, failed: 0, unanswered: 0, deaths: 0 };
  return {
    target: none,
    stable: none,
    failureEvidence: 1,
    slownessEvidence: 1,
    tripped: null,
    doubtful: false,
    failing: false,
    patienceEndsAtMs: null,
    ...change,
  };
}

export function planOptions(change: Partial<PlanOptions> = {}): PlanOptions {
  const { guard: _, ...options } = rolloutOptions();
  return { ...options, maxSurge: 1, firstStep: 1, startDeadlineMs: 600_000, ...change };
}

/** A model that has seen one request, long ago, of this length; null: none. */
export function taughtLoad(
  serviceMs: number | null,
  startMs = 1_000,
  given: EndpointSettings = settings(),
): LoadModel {
  const model = new LoadModel(
    {
      slotsPerWorker: given.maxConcurrentPerWorker,
      startMs,
      minWorkers: given.minReplicas,
      maxWorkers: given.maxReplicas,
      idleLimitMs: idleLimitMs(given),
      price: priceOfWaiting(given.policy),
    },
    0,
  );
  if (serviceMs === null) return model;
  model.arrived(0);
  model.served(0, serviceMs, serviceMs);
  return model;
}

/** One endpoint with revision 1 stable, on a machine without limits, with nothing going on. */
export function world(change: Partial<EndpointWorld> = {}): EndpointWorld {
  return {
    endpointId: 'endpoint' as EndpointId,
    settings: settings(),
    deleting: false,
    stableRevision: 1,
    targetRevision: null,
    rollout: null,
    revisions: new Map([[1, revision(1)]]),
    workers: [],
    waiting: 0,
    waitingSinceMs: [],
    earliestDeadlineMs: null,
    load: taughtLoad(null, 1_000, change.settings),
    guard: null,
    startFailures: 0,
    notBeforeMs: 0,
    options: planOptions(),
    ...change,
  };
}
