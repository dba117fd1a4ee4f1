import type { WorkerId } from '../../base/ids.ts';
import { rolloutIsOver, rolloutIsProven } from '../../model/rollout-state.ts';
import { workerIsLive } from '../../model/worker-state.ts';
import type { Need } from '../autoscale/needed-workers.ts';
import { byLoad, swapVictims } from '../capacity/swap-victims.ts';
import { firstIsExtra } from '../rollout/first-worker.ts';
import { releaseIdle } from './idle-release.ts';
import { earlier, reason, seconds, type EndpointWorld, type Reason, type WorkerView } from '../world.ts';

/** An unhealthy worker gets this long to recover before it is stopped and counted as failed. */
const UNHEALTHY_GRACE_MS = 30_000;

export interface WorkerStart {
  readonly revision: number;
  readonly count: number;
  readonly reason: Reason;
  /** Workers of this endpoint that are leaving and whose devices the new ones take over. */
  readonly claimFrom: readonly WorkerId[];
}

export interface WorkerLeave {
  readonly workerId: WorkerId;
  readonly reason: Reason;
}

export interface WorkerPlan {
  readonly start: readonly WorkerStart[];
  /** No new request; stopped when the last one it runs has ended. */
  readonly drain: readonly WorkerLeave[];
  /** Stopped at once: they serve nothing, or nothing good. */
  readonly stop: readonly WorkerLeave[];
  /** Stopped at once, and counted as a failed worker. */
  readonly fail: readonly WorkerLeave[];
  /** Asked for a slot after all others, so that they fall idle. */
  readonly spare: readonly WorkerId[];
  readonly lookAgainAtMs: number | null;
}

/**
 * Which workers to start and which to let go, given how many are needed. New ones are of the `goal`:
 * the target once it is proven, else the stable revision. Ready workers of other revisions that are
 * not marked as failed serve on, each until a new one stands ready in its stead.
 */
export function workerPlan(world: EndpointWorld, need: Need, nowMs: number): WorkerPlan {
  const { rollout } = world;
  if (world.settings.maxReplicas === 0) return leaveAll(world, need.reason);
  const running = rollout !== null && !rolloutIsOver(rollout.state);
  const proving = running && !rolloutIsProven(rollout.state);
  const goal =
    running && !proving && world.targetRevision !== null ? world.targetRevision : world.stableRevision;

  const stop: WorkerLeave[] = [];
  const drain: WorkerLeave[] = [];
  const { fail, lookAgainAtMs: unhealthyLookMs } = unhealthyTooLong(world, nowMs);
  const goalLive: WorkerView[] = [];
  const others: WorkerView[] = [];
  const first: WorkerView[] = [];
  for (const worker of world.workers) {
    if (worker.state === 'draining' || worker.state === 'stopping') continue;
    if (world.revisions.get(worker.revision)?.failed === true && worker.revision !== goal) {
      const why = reason('failedRevision', `revision ${worker.revision} is marked as failed`);
      (worker.state === 'ready' || worker.state === 'unhealthy' ? drain : stop).push({
        workerId: worker.id,
        reason: why,
      });
    } else if (worker.revision === goal) {
      if (workerIsLive(worker.state)) goalLive.push(worker);
    } else if (proving && worker.revision === world.targetRevision) {
      // The first worker of the target belongs to the rollout's own step.
      if (workerIsLive(worker.state)) first.push(worker);
    } else if (worker.state === 'ready') {
      others.push(worker);
    } else if (worker.state !== 'unhealthy') {
      stop.push({
        workerId: worker.id,
        reason: reason('superseded', `revision ${worker.revision} is no longer wanted`),
      });
    }
  }

  const start: WorkerStart[] = [];
  let lookAgainAtMs = unhealthyLookMs;
  // A first worker that took an old one's place also fills it; one beside the old ones is extra.
  // A first step of several workers takes the places of as many old ones.
  const manyFirst = proving && rollout.state === 'baking' && world.options.firstStep > 1;
  const swapped = proving && !firstIsExtra(world) ? first.length : 0;
  const proven = goalLive.length + others.length;
  const live = proven + swapped;
  // While the only worker of a swapped or cold endpoint is being proven, its need is the rollout's.
  const provingAlone = proving && proven === 0 && rollout.state !== 'waiting';
  // A paused one starts nothing, and nobody is to wait for it.
  const targetPlaces = proving && rollout.state === 'waiting' && rollout.order !== 'pause' && live === 0;
  const mixed = others.length > 0 && !proving;
  const replacing = mixed && rollout?.order !== 'pause';
  if (!provingAlone && !targetPlaces) {
    const missing = need.workers - live;
    // Old workers hold devices: without room, replacing them comes before adding to them.
    const addable = mixed ? Math.min(missing, world.revisions.get(goal)?.roomWorkers ?? 0) : missing;
    if (nowMs < world.notBeforeMs && (missing > 0 || replacing)) {
      lookAgainAtMs = earlier(lookAgainAtMs, world.notBeforeMs);
    } else if (addable > 0) {
      start.push({ revision: goal, count: addable, reason: need.reason, claimFrom: [] });
    } else if (replacing) {
      const replace = replaceOne(world, goal, goalLive, others, need.workers);
      start.push(...replace.start);
      drain.push(...replace.drain);
      stop.push(...replace.stop);
    }
  }
  if (replacing) drain.push(...retire(world, goalLive, others, need.workers, drain));
  if (manyFirst && rollout.order !== 'pause' && world.targetRevision !== null) {
    const grow = growFirstStep(world, world.targetRevision, first, goalLive, need.workers);
    start.push(...grow.start);
    drain.push(...grow.drain);
    stop.push(...grow.stop);
  }

  // While old workers are being replaced, who leaves is decided by that alone.
  const idle =
    replacing || manyFirst
      ? { drain: [], stop: [], spare: [], lookAgainAtMs: null }
      : releaseIdle(world, [...goalLive, ...others], proven, need.workers, nowMs);
  drain.push(...idle.drain);
  stop.push(...idle.stop);
  lookAgainAtMs = earlier(lookAgainAtMs, idle.lookAgainAtMs);

  // While a revision is being proven, the place above the maximum is its first worker's. Where there is
  // no such place, it has one of the others': of one that had not started yet none was taken for it.
  let placesAbove = 0;
  if (mixed || manyFirst) placesAbove = world.options.maxSurge;
  else if (swapped > 0) placesAbove = Math.min(0, world.options.maxSurge - swapped);
  if (proven > world.settings.maxReplicas + placesAbove) {
    drain.push(...overMax(world, [...others, ...goalLive], placesAbove, drain));
  }
  drain.push(...outnumbered(world, fail));
  // A rollout has its own say in who is asked first.
  return { start, drain, stop, fail, spare: running ? [] : idle.spare, lookAgainAtMs };
}

/** Everything leaves, also the first worker of a rollout; running requests finish. */
export function leaveAll(world: EndpointWorld, why: Reason): WorkerPlan {
  const leaving = (states: readonly WorkerView['state'][]): WorkerLeave[] =>
    world.workers
      .filter((worker) => states.includes(worker.state))
      .map((worker) => ({ workerId: worker.id, reason: why }));
  return {
    start: [],
    drain: leaving(['ready', 'unhealthy']),
    stop: leaving(['pending', 'pulling', 'starting']),
    fail: [],
    spare: [],
    lookAgainAtMs: null,
  };
}

/** How many workers the replacement aims at: the needed ones, and idle ones kept since before the rollout. */
function replacementGoal(world: EndpointWorld, live: number, needed: number): number {
  const kept = Math.min(world.rollout?.workersBefore ?? 1, live, world.settings.maxReplicas);
  return Math.max(needed, kept);
}

/** The next worker of a first step, until all of it stands; an old one leaves for each. */
function growFirstStep(
  world: EndpointWorld,
  target: number,
  first: readonly WorkerView[],
  stable: readonly WorkerView[],
  needed: number,
): Pick<WorkerPlan, 'start' | 'drain' | 'stop'> {
  const serving = stable.filter((worker) => worker.state === 'ready');
  const grow =
    first.length < world.options.firstStep && serving.length > 0
      ? replaceOne(world, target, first, serving, needed)
      : { start: [], drain: [], stop: [] };
  return { ...grow, drain: [...grow.drain, ...retire(world, first, serving, needed, grow.drain)] };
}

/** Starts the next worker of the goal beside the old ones, or, without room, on the devices of one of them. */
function replaceOne(
  world: EndpointWorld,
  goal: number,
  goalLive: readonly WorkerView[],
  others: readonly WorkerView[],
  needed: number,
): Pick<WorkerPlan, 'start' | 'drain' | 'stop'> {
  const nothing = { start: [], drain: [], stop: [] };
  const want = replacementGoal(world, goalLive.length + others.length, needed);
  const inLine = goalLive.filter((worker) => worker.state === 'pending');
  const placed = goalLive.length - inLine.length;
  const coming = goalLive.some((worker) => worker.state === 'pulling' || worker.state === 'starting');
  if (placed >= want || coming) return nothing;
  const why = reason('replace', `revision ${goal} replaces the old workers, ${others.length} left`);
  const room = (world.revisions.get(goal)?.roomWorkers ?? 0) >= 1;
  const { maxSurge } = world.options;
  if (room && inLine.length > 0) return nothing;
  if (room && maxSurge > 0 && goalLive.length + others.length < want + maxSurge) {
    return { ...nothing, start: [{ revision: goal, count: 1, reason: why, claimFrom: [] }] };
  }
  const leaving = world.workers.some((worker) => worker.state === 'draining' || worker.state === 'stopping');
  const victims = swapVictims(world, goal, others);
  if (leaving || (victims.length === 0 && inLine.length > 0)) return nothing;
  return {
    start: [{ revision: goal, count: 1, reason: why, claimFrom: victims }],
    drain: victims.map((workerId) => ({
      workerId,
      reason: reason('swap', `its place goes to revision ${goal}`),
    })),
    // They would wait for the very devices that the old workers hold.
    stop: inLine.map((worker) => ({
      workerId: worker.id,
      reason: reason('swap', 'a new worker takes over the devices of an old one instead'),
    })),
  };
}

/** An old worker leaves only as a new one stands ready for it. */
function retire(
  world: EndpointWorld,
  goalLive: readonly WorkerView[],
  others: readonly WorkerView[],
  needed: number,
  already: readonly WorkerLeave[],
): WorkerLeave[] {
  const goalReady = goalLive.filter((worker) => worker.state === 'ready').length;
  const staying = others.filter((worker) => !already.some((leave) => leave.workerId === worker.id));
  const want = replacementGoal(world, goalLive.length + others.length, needed);
  const surplus = goalReady + staying.length - want;
  return byLoad(staying)
    .slice(0, Math.max(0, surplus))
    .map((worker) => ({
      workerId: worker.id,
      reason: reason('replaced', `a worker of the new revision took its place`),
    }));
}

/** A lowered max_replicas: the surplus drains even when it is busy; running requests finish. */
function overMax(
  world: EndpointWorld,
  workers: readonly WorkerView[],
  placesAbove: number,
  already: readonly WorkerLeave[],
): WorkerLeave[] {
  const staying = workers.filter((worker) => !already.some((leave) => leave.workerId === worker.id));
  const surplus = staying.length - world.settings.maxReplicas - placesAbove;
  if (surplus <= 0) return [];
  return byLoad(staying)
    .slice(0, surplus)
    .map((worker) => ({
      workerId: worker.id,
      reason: reason('max', `max_replicas is ${world.settings.maxReplicas}`),
    }));
}

/** Unhealthy workers whose successors have started go where together they are more than there may be. */
function outnumbered(world: EndpointWorld, already: readonly WorkerLeave[]): WorkerLeave[] {
  const { maxReplicas } = world.settings;
  const unhealthy = world.workers.filter(({ state }) => state === 'unhealthy');
  if (unhealthy.length === 0) return [];
  const placed = world.workers.filter(({ state }) => workerIsLive(state) && state !== 'pending').length;
  const surplus = placed + unhealthy.length - maxReplicas - world.options.maxSurge;
  return unhealthy
    .slice(0, Math.max(0, surplus))
    .filter((worker) => !already.some((leave) => leave.workerId === worker.id))
    .map((worker) => ({
      workerId: worker.id,
      reason: reason('max', `it is unhealthy, and max_replicas is ${maxReplicas}`),
    }));
}

function unhealthyTooLong(
  world: EndpointWorld,
  nowMs: number,
): { fail: WorkerLeave[]; lookAgainAtMs: number | null } {
  const fail: WorkerLeave[] = [];
  let lookAgainAtMs: number | null = null;
  for (const worker of world.workers) {
    if (worker.state === 'starting' && worker.startedAtMs !== null) {
      const deadlineMs = worker.startedAtMs + world.options.startDeadlineMs;
      if (deadlineMs <= nowMs) {
        const text = `not ready within ${seconds(world.options.startDeadlineMs)}`;
        fail.push({ workerId: worker.id, reason: reason('startDeadline', text) });
      } else {
        lookAgainAtMs = earlier(lookAgainAtMs, deadlineMs);
      }
    }
    if (worker.state !== 'unhealthy' || worker.unhealthySinceMs === null) continue;
    const endMs = worker.unhealthySinceMs + UNHEALTHY_GRACE_MS;
    if (endMs <= nowMs) {
      const text = `its health check failed for ${seconds(UNHEALTHY_GRACE_MS)}`;
      fail.push({ workerId: worker.id, reason: reason('unhealthy', text) });
    } else {
      lookAgainAtMs = earlier(lookAgainAtMs, endMs);
    }
  }
  return { fail, lookAgainAtMs };
}
