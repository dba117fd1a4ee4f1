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
  /** Of these, long ones that were there in the beginning and stay. */
  held: number;
  /** Requests that it was given before others were preferred have ended by then. */
  busyUntilMs: number;
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
    held: 0,
    busyUntilMs: 0,
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
      return worker.running === 0
        ? Math.max(nowMs, worker.busyUntilMs)
        : nowMs + times.of(revision, 'drainMs');
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

/** What runs beyond the load that the rate of requests explains is long, and stays where it is. */
export function holdLongRequests(workers: readonly PlayedWorker[], explained: number): void {
  let excess = workers.reduce((sum, { running }) => sum + running, 0) - explained;
  for (const worker of workers) {
    worker.held = Math.max(0, Math.min(worker.running, excess));
    excess -= worker.held;
  }
}

/**
 * `count` requests given to the ready workers as the gateway gives them: those of the `preferred` revision
 * first, the least loaded before the others, the earlier one on a tie.
 */
export function spreadLoad(
  workers: readonly PlayedWorker[],
  count: number,
  preferred: number | null,
  { settings, load }: Pick<EndpointWorld, 'settings' | 'load'>,
  nowMs: number,
): void {
  const ready = workers.filter((worker) => worker.state === 'ready');
  const first = ready.filter(({ revision }) => revision === preferred);
  const others = ready.filter(({ revision }) => revision !== preferred);
  const slots = settings.maxConcurrentPerWorker;
  const given = Math.min(count, first.length * slots);
  const endMs = nowMs + (load.measuredServiceMs ?? 0);
  for (const [group, share] of [
    [first, given],
    [others, count - given],
  ] as const) {
    for (const [index, worker] of group.entries()) {
      const own = Math.floor(share / group.length) + (index < share % group.length ? 1 : 0);
      giveLoad(worker, Math.min(slots, own + worker.held), nowMs, endMs);
    }
  }
}

function giveLoad(worker: PlayedWorker, running: number, nowMs: number, endMs: number): void {
  // What it had been given runs on where it is.
  if (running === 0 && worker.running > 0) worker.busyUntilMs = endMs;
  worker.running = running;
  worker.idleSinceMs = running > 0 ? null : (worker.idleSinceMs ?? nowMs);
}
