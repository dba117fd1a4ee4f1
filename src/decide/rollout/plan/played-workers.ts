import type { WorkerId } from '../../../base/ids.ts';
import type { TimeName } from '../../../model/update-forecast.ts';
import { workerTransition, type WorkerState } from '../../../model/worker-state.ts';
import type { EndpointWorld, WorkerView } from '../../world.ts';

/** A worker of a rollout that is only played. */
export interface PlayedWorker {
  readonly id: WorkerId;
  readonly revision: number;
  state: WorkerState;
  readonly createdAtMs: number;
  startedAtMs: number | null;
  readyAtMs: number | null;
  readonly unhealthySinceMs: number | null;
  drainingSinceMs: number | null;
  idleSinceMs: number | null;
  /** Requests it runs, as the load is spread now; of a draining one, as it was then. */
  running: number;
  devices: readonly string[];
  /** Devices that are kept for it while it is pending. */
  claimed: readonly string[];
  /** When its next change comes by itself; null: none does. */
  dueMs: number | null;
}

export interface PlayedTimes {
  of(revision: number, name: TimeName): number;
}

export function playedWorker(
  view: WorkerView,
  devices: readonly string[],
  times: PlayedTimes,
  nowMs: number,
): PlayedWorker {
  const worker: PlayedWorker = {
    ...newPlayedWorker(view.id, view.revision, view.createdAtMs, []),
    state: view.state,
    startedAtMs: view.startedAtMs,
    readyAtMs: view.readyAtMs,
    unhealthySinceMs: view.unhealthySinceMs,
    drainingSinceMs: view.drainingSinceMs,
    idleSinceMs: view.idleSinceMs,
    running: view.running,
    devices,
  };
  worker.dueMs = dueMs(worker, times, nowMs);
  return worker;
}

/** One that stands in line for its devices. */
export function newPlayedWorker(
  id: WorkerId,
  revision: number,
  nowMs: number,
  claimed: readonly string[],
): PlayedWorker {
  return {
    id,
    revision,
    state: 'pending',
    createdAtMs: nowMs,
    startedAtMs: null,
    readyAtMs: null,
    unhealthySinceMs: null,
    drainingSinceMs: null,
    idleSinceMs: null,
    running: 0,
    devices: [],
    claimed,
    dueMs: null,
  };
}

/** When the change that is under way has been made. */
function dueMs(worker: PlayedWorker, times: PlayedTimes, nowMs: number): number | null {
  const { state, revision, startedAtMs } = worker;
  const since = startedAtMs ?? nowMs;
  switch (state) {
    case 'pulling':
      return Math.max(nowMs, since + times.of(revision, 'pullMs'));
    case 'starting':
      return Math.max(nowMs, since + times.of(revision, 'startMs'));
    case 'draining':
      return worker.running === 0 ? nowMs : nowMs + times.of(revision, 'drainMs');
    case 'stopping':
      return nowMs + (worker.readyAtMs === null ? 0 : times.of(revision, 'stopMs'));
    case 'pending':
    case 'ready':
    case 'unhealthy':
    case 'stopped':
    case 'failed':
      return null;
  }
}

type PlayedEvent =
  | 'devicesAssigned'
  | 'prepared'
  | 'becameReady'
  | 'drainAsked'
  | 'drainWithdrawn'
  | 'stopAsked'
  | 'ended';

/** The worker's next state, and when the one after it comes. */
export function change(worker: PlayedWorker, event: PlayedEvent, times: PlayedTimes, nowMs: number): void {
  worker.state = workerTransition(worker.state, event);
  if (event === 'devicesAssigned' || event === 'prepared') worker.startedAtMs = nowMs;
  if (event === 'becameReady') worker.readyAtMs = nowMs;
  if (event === 'becameReady' || event === 'drainWithdrawn') worker.idleSinceMs = nowMs;
  worker.drainingSinceMs = worker.state === 'draining' ? nowMs : null;
  worker.dueMs = dueMs(worker, times, nowMs);
}

/** What comes by itself when a worker's time is up. */
export function dueEvent({ state }: PlayedWorker): PlayedEvent | null {
  switch (state) {
    case 'pulling':
      return 'prepared';
    case 'starting':
      return 'becameReady';
    case 'draining':
      return 'stopAsked';
    case 'stopping':
      return 'ended';
    case 'pending':
    case 'ready':
    case 'unhealthy':
    case 'stopped':
    case 'failed':
      return null;
  }
}

/** `count` requests spread over the ready workers, the earlier ones first, as the gateway chooses. */
export function spreadLoad(
  workers: readonly PlayedWorker[],
  count: number,
  { settings }: Pick<EndpointWorld, 'settings'>,
  nowMs: number,
): void {
  const ready = workers.filter((worker) => worker.state === 'ready');
  for (const [index, worker] of ready.entries()) {
    const share = Math.floor(count / ready.length) + (index < count % ready.length ? 1 : 0);
    worker.running = Math.min(settings.maxConcurrentPerWorker, share);
    worker.idleSinceMs = worker.running > 0 ? null : (worker.idleSinceMs ?? nowMs);
  }
}
