import type { WorkerId } from '../../base/ids.ts';
import { rolloutIsOver, type RolloutEvent } from '../../model/rollout-state.ts';
import { workerIsLive } from '../../model/worker-state.ts';
import { swapVictims } from '../capacity/swap-victims.ts';
import { startBackoffMs } from '../retry/start-backoff.ts';
import { counted, earlier, seconds, type EndpointWorld, type WorkerView } from '../world.ts';
import { giveWayAtMs, swapIsSafe } from './give-way.ts';

export interface RolloutStep {
  /** The one change of the rollout's state, or null: nothing to change now. */
  readonly event: RolloutEvent | null;
  readonly message: string;
  readonly mode?: 'surge' | 'swap' | 'cold';
  /** Start one worker of the target; it may use the devices of `claimFrom` once those are gone. */
  readonly startTarget: boolean;
  readonly drain: readonly WorkerId[];
  /** Workers of the target to stop, and swapped ones to take back into service. */
  readonly stop: readonly WorkerId[];
  readonly withdrawDrain: readonly WorkerId[];
  /** Start one stable worker in the target's place: a swap that failed gives the devices back. */
  readonly restoreStable: boolean;
  readonly lookAgainAtMs: number | null;
}

/** Failures of its workers after which a target is given up. */
const START_FAILURES_MAX = 2;
/** A swap is put off this often before the rollout is given up. */
const POSTPONEMENTS_MAX = 3;
/** A bake or a watch that shows something doubtful goes on for so many times its length, or a minute. */
const DOUBT_FACTOR = 10;
const DOUBT_MIN_MS = 60_000;
/** A free device is given out in the same turn; so long nobody waits for one who could have it. */
const SURGE_WAIT_MS = 1_000;

/** Nothing changes, and only an event can alter that. */
export const NO_STEP: RolloutStep = {
  event: null,
  message: '',
  startTarget: false,
  drain: [],
  stop: [],
  withdrawDrain: [],
  restoreStable: false,
  lookAgainAtMs: null,
};
export const PAUSED_MESSAGE = 'paused; it goes on when it is resumed';
const PAUSED: RolloutStep = { ...NO_STEP, message: PAUSED_MESSAGE };

/**
 * The next step of the running rollout. It proves the target with one worker first (surge, swap or
 * cold); how the rest is replaced after the proof is `scale/worker-plan.ts`.
 *
 * Called again after every event and at `lookAgainAtMs`, until it has nothing more to change.
 */
export function rolloutStep(world: EndpointWorld, needed: number, nowMs: number): RolloutStep {
  const { rollout, targetRevision } = world;
  if (rollout === null || targetRevision === null) return NO_STEP;
  const target = world.workers.filter((worker) => worker.revision === targetRevision);
  const over = rolloutIsOver(rollout.state);
  if (!over && rollout.order === 'abort') {
    return { ...giveUp(world, target, 'aborted on request'), event: 'abortAsked' };
  }
  // The server that gave it up died before all of that was stored.
  if (!over && world.revisions.get(targetRevision)?.failed === true) {
    return giveUp(world, target, rollout.message);
  }
  if (!over && rollout.startFailures >= START_FAILURES_MAX) {
    return giveUp(world, target, `${rollout.startFailures} of its workers failed: ${rollout.message}`);
  }
  switch (rollout.state) {
    case 'waiting':
      return rollout.order === 'pause' ? PAUSED : placeFirstWorker(world, needed, nowMs);
    case 'starting':
      return watchStart(world, target, nowMs);
    case 'baking':
      return bake(world, target, nowMs);
    case 'rolling':
      return roll(world, target, needed, nowMs);
    case 'watching':
      return watch(world, target, nowMs);
    case 'done':
    case 'failed':
    case 'aborted':
    case 'superseded':
      return NO_STEP;
  }
}

/** Workers that serve now and are not of the target: what a swap takes from and a surge stands beside. */
function servingOthers(world: EndpointWorld): readonly WorkerView[] {
  return world.workers.filter(
    (worker) =>
      worker.revision !== world.targetRevision &&
      (workerIsLive(worker.state) || worker.state === 'unhealthy') &&
      world.revisions.get(worker.revision)?.failed !== true,
  );
}

function placeFirstWorker(world: EndpointWorld, needed: number, nowMs: number): RolloutStep {
  const { rollout, options, settings } = world;
  const target = world.targetRevision === null ? undefined : world.revisions.get(world.targetRevision);
  if (rollout === null || target === undefined || settings.maxReplicas === 0) return NO_STEP;
  if (nowMs < rollout.notBeforeMs) return { ...NO_STEP, lookAgainAtMs: rollout.notBeforeMs };
  const others = servingOthers(world);
  // The server that asked for it died before the rollout's new state was stored.
  if (world.workers.some(({ revision, state }) => revision === target.number && workerIsLive(state))) {
    return {
      ...NO_STEP,
      event: 'firstWorkerAsked',
      mode: others.length === 0 ? 'cold' : options.maxSurge > 0 ? 'surge' : 'swap',
      message: 'the first worker of the new revision is on its way already',
    };
  }
  if (others.length === 0) {
    // At zero nothing starts for an update: the next request, or min_replicas, wakes the target.
    if (needed === 0) return NO_STEP;
    return {
      ...NO_STEP,
      event: 'firstWorkerAsked',
      mode: 'cold',
      startTarget: true,
      message: 'the first worker of the new revision starts; no old one runs',
    };
  }
  const placeLeft = world.workers.length < settings.maxReplicas + options.maxSurge;
  if (target.roomWorkers >= 1 && options.maxSurge > 0 && placeLeft) {
    return {
      ...NO_STEP,
      event: 'firstWorkerAsked',
      mode: 'surge',
      startTarget: true,
      message: 'a worker of the new revision starts beside the old ones',
    };
  }
  // Some leave already, and their places and devices come back: another one less would be a swap
  // without need.
  const leaving = world.workers.filter(({ state }) => state === 'draining' || state === 'stopping');
  if (leaving.length > 0)
    return { ...NO_STEP, message: `waits for ${counted(leaving.length, 'leaving worker')} to be gone` };
  const age = nowMs - rollout.startedAtMs;
  if (!swapIsSafe(world, nowMs)) {
    if (age > options.startDeadlineMs) {
      return giveUp(
        world,
        [],
        `no device was free and the waiting requests left no time for a swap during ${seconds(age)}; free a device, raise request_timeout, or update in a quieter moment`,
      );
    }
    return {
      ...NO_STEP,
      message: 'no device is free and the waiting requests would miss their deadlines in a swap',
      lookAgainAtMs: nowMs + 1_000,
    };
  }
  const drain = swapVictims(
    world,
    target.number,
    others.filter((worker) => worker.state !== 'pending' && worker.state !== 'pulling'),
  );
  return {
    ...NO_STEP,
    event: 'firstWorkerAsked',
    mode: 'swap',
    startTarget: true,
    drain,
    message:
      drain.length === 0
        ? 'the new revision starts beside old workers that have not started yet'
        : `no device is free: the new revision starts in the place of ${counted(drain.length, 'old worker')}`,
  };
}

function watchStart(world: EndpointWorld, target: readonly WorkerView[], nowMs: number): RolloutStep {
  const { rollout, options } = world;
  if (rollout === null) return NO_STEP;
  const first = target.find((worker) => workerIsLive(worker.state));
  if (first === undefined) {
    return {
      ...NO_STEP,
      event: 'firstWorkerLost',
      message: rollout.message,
      lookAgainAtMs: nowMs + startBackoffMs(rollout.startFailures),
    };
  }
  if (first.state === 'ready') {
    return {
      ...NO_STEP,
      event: 'firstWorkerReady',
      message: 'the first worker of the new revision is being proven',
    };
  }
  if (first.state === 'pending') {
    // Devices that others hold are not the target's fault: it keeps its place in the line for them.
    if (rollout.mode === 'surge') return watchSurge(first, nowMs);
    if (rollout.mode !== 'swap') return NO_STEP;
    const drain = watchDrain(world, first, nowMs);
    if (drain !== null) return drain;
  }
  const startedAtMs = first.startedAtMs ?? first.createdAtMs;
  const deadlineMs = startedAtMs + options.startDeadlineMs;
  if (nowMs >= deadlineMs) {
    return giveUp(world, target, `its first worker was not ready within ${seconds(options.startDeadlineMs)}`);
  }
  const stableServes = world.workers.some(
    (worker) => worker.revision !== world.targetRevision && worker.state === 'ready',
  );
  if (stableServes) return { ...NO_STEP, lookAgainAtMs: deadlineMs };
  const giveWay = giveWayAtMs(world, first);
  if (giveWay !== null && nowMs >= giveWay) {
    return giveUp(
      world,
      target,
      `its first worker was not ready after ${seconds(nowMs - startedAtMs)} and gave way to ${counted(world.waiting, 'waiting request')}, which the stable revision can still serve in time`,
    );
  }
  return { ...NO_STEP, lookAgainAtMs: earlier(deadlineMs, giveWay) };
}

/** Another endpoint may take the device that was free when the surge began: then the place is chosen anew. */
function watchSurge(first: WorkerView, nowMs: number): RolloutStep {
  const untilMs = first.createdAtMs + SURGE_WAIT_MS;
  if (nowMs < untilMs) return { ...NO_STEP, lookAgainAtMs: untilMs };
  return {
    ...NO_STEP,
    event: 'firstWorkerLost',
    stop: [first.id],
    message: 'the device that was free for the new revision has been taken',
    lookAgainAtMs: nowMs,
  };
}

/** The target waits for devices that a draining old worker still holds; null when none drains any more. */
function watchDrain(world: EndpointWorld, first: WorkerView, nowMs: number): RolloutStep | null {
  const { rollout } = world;
  const draining = world.workers.filter(
    (worker) => worker.revision !== world.targetRevision && worker.state === 'draining',
  );
  if (rollout === null || draining.length === 0) return null;
  if (swapIsSafe(world, nowMs)) return { ...NO_STEP, lookAgainAtMs: nowMs + 250 };
  const running = draining.reduce((sum, worker) => sum + worker.running, 0);
  const message = `the old worker still has ${counted(running, 'running request')} and those that wait would miss their deadlines`;
  if (rollout.postponements + 1 >= POSTPONEMENTS_MAX) {
    return {
      ...giveUp(world, [first], `the swap was put off ${POSTPONEMENTS_MAX} times: ${message}`),
      withdrawDrain: draining.map((worker) => worker.id),
      restoreStable: false,
    };
  }
  return {
    ...NO_STEP,
    event: 'swapPostponed',
    message: `put off: ${message}`,
    stop: [first.id],
    withdrawDrain: draining.map((worker) => worker.id),
  };
}

function bake(world: EndpointWorld, target: readonly WorkerView[], nowMs: number): RolloutStep {
  const { guard, options, rollout } = world;
  const bad = verdict(world);
  if (bad !== null) return giveUp(world, target, bad);
  const ready = target.filter((worker) => worker.state === 'ready');
  if (ready.length === 0) {
    const unhealthy = target.some((worker) => worker.state === 'unhealthy');
    if (unhealthy)
      return giveUp(world, target, 'its first worker became unhealthy while it was being proven');
    return { ...NO_STEP, event: 'firstWorkerLost', message: rollout?.message ?? '' };
  }
  const lookAgainAtMs = guard?.patienceEndsAtMs ?? null;
  if (rollout?.order === 'pause') return { ...PAUSED, lookAgainAtMs };
  if (rollout?.order === 'promote')
    return { ...NO_STEP, event: 'proven', message: 'promoted unproven, as asked' };
  // A first step of several workers is proven from the moment in which all of it stands.
  const growEndMs = (ready[0]?.readyAtMs ?? nowMs) + options.startDeadlineMs;
  const stableServes = servingOthers(world).some((worker) => worker.state === 'ready');
  if (ready.length < options.firstStep && stableServes && nowMs < growEndMs)
    return { ...NO_STEP, lookAgainAtMs: earlier(growEndMs, lookAgainAtMs) };
  const sinceMs = Math.max(...ready.map((worker) => worker.readyAtMs ?? nowMs));
  const answered = guard?.target.answered ?? 0;
  const endMs = sinceMs + options.bakeMs;
  const enough = answered >= options.bakeRequests;
  if (!enough && nowMs < endMs) return { ...NO_STEP, lookAgainAtMs: earlier(endMs, lookAgainAtMs) };
  const doubt = doubtUntilMs(world, sinceMs, options.bakeMs);
  if (doubt !== null && nowMs < doubt) {
    return {
      ...NO_STEP,
      message: `being proven for longer: ${doubtText(world)}`,
      lookAgainAtMs: earlier(doubt, lookAgainAtMs),
    };
  }
  if (doubt !== null && guard?.failing === true) {
    return giveUp(world, target, `${doubtText(world)}, and no more requests came to tell chance from fault`);
  }
  const failed = guard?.target.failed ?? 0;
  return {
    ...NO_STEP,
    event: 'proven',
    message: enough
      ? `proven by ${answered} answered requests, ${failed} of them failed`
      : `proven by ${seconds(options.bakeMs)} in service`,
  };
}

/** A promoted target is not held against the stable revision any more. */
function verdict({ guard, rollout }: EndpointWorld): string | null {
  return rollout?.order === 'promote' ? null : (guard?.tripped ?? null);
}

/** Until when something doubtful holds the rollout up; null while nothing is. */
function doubtUntilMs(world: EndpointWorld, sinceMs: number, usualMs: number): number | null {
  const { guard, settings } = world;
  if (guard === null || !guard.doubtful || usualMs === 0) return null;
  // Its first answer is waited for as long as a client would.
  const silentMs = guard.target.answered === 0 ? settings.requestTimeoutSeconds * 1_000 : 0;
  return sinceMs + Math.max(DOUBT_FACTOR * usualMs, DOUBT_MIN_MS, silentMs);
}

function doubtText({ guard }: EndpointWorld): string {
  if (guard === null) return '';
  const { target } = guard;
  if (target.answered === 0 && target.ended === 0) return 'it has answered no request yet';
  if (target.failed + target.unanswered > 0)
    return `${target.failed} of ${target.ended} requests failed on it, ${target.unanswered} wait for an answer`;
  return target.deaths > 0 ? `${target.deaths} of its workers died` : 'its answers seem slower';
}

function roll(
  world: EndpointWorld,
  target: readonly WorkerView[],
  needed: number,
  nowMs: number,
): RolloutStep {
  const { guard, rollout } = world;
  const bad = verdict(world);
  if (bad !== null) return giveUp(world, target, bad);
  const lookAgainAtMs = guard?.patienceEndsAtMs ?? null;
  if (rollout?.order === 'pause') return { ...PAUSED, lookAgainAtMs };
  const others = world.workers.filter(
    (worker) => worker.revision !== world.targetRevision && worker.state !== 'stopping',
  );
  const ready = target.filter((worker) => worker.state === 'ready').length;
  if (others.length > 0 || (ready === 0 && needed > 0)) return { ...NO_STEP, lookAgainAtMs };
  const untilMs = successorsUntilMs(world, target, ready, nowMs);
  if (untilMs !== null) return { ...NO_STEP, lookAgainAtMs: earlier(untilMs, lookAgainAtMs) };
  return {
    ...NO_STEP,
    event: 'finished',
    message: 'no old worker is left; the new revision is still guarded',
  };
}

/**
 * Until when the rollout waits for the workers that are to take the places of the last old ones; null
 * when none is on its way, or all places are taken. One that stands in line for a device that no old
 * worker gives back is not waited for: others may hold it for ever.
 */
function successorsUntilMs(
  world: EndpointWorld,
  target: readonly WorkerView[],
  ready: number,
  nowMs: number,
): number | null {
  const { rollout, settings, options } = world;
  if (rollout === null || ready >= Math.min(rollout.workersBefore, settings.maxReplicas)) return null;
  const devicesComeBack = world.workers.some(
    (worker) => worker.revision !== world.targetRevision && worker.state === 'stopping',
  );
  let untilMs: number | null = null;
  for (const { state, startedAtMs, createdAtMs } of target) {
    const comes = state === 'pulling' || state === 'starting' || (state === 'pending' && devicesComeBack);
    const deadlineMs = (startedAtMs ?? createdAtMs) + options.startDeadlineMs;
    if (comes && nowMs < deadlineMs) untilMs = earlier(untilMs, deadlineMs);
  }
  return untilMs;
}

/** The target serves alone. What goes wrong only now still leads back to the stable revision. */
function watch(world: EndpointWorld, target: readonly WorkerView[], nowMs: number): RolloutStep {
  const { guard, options, rollout } = world;
  const bad = verdict(world);
  if (bad !== null) return giveUp(world, target, bad);
  const lookAgainAtMs = guard?.patienceEndsAtMs ?? null;
  if (rollout === null || rollout.order === 'pause') return { ...PAUSED, lookAgainAtMs };
  const endMs = rollout.stateSinceMs + options.watchMs;
  if (rollout.order === 'promote')
    return { ...NO_STEP, event: 'watched', message: 'in force, promoted as asked' };
  if (nowMs < endMs) return { ...NO_STEP, lookAgainAtMs: earlier(endMs, lookAgainAtMs) };
  const doubt = doubtUntilMs(world, rollout.stateSinceMs, options.watchMs);
  if (doubt !== null && nowMs < doubt) {
    return {
      ...NO_STEP,
      message: `guarded for longer: ${doubtText(world)}`,
      lookAgainAtMs: earlier(doubt, lookAgainAtMs),
    };
  }
  if (doubt !== null && guard?.failing === true) {
    return giveUp(world, target, `${doubtText(world)}, and no more requests came to tell chance from fault`);
  }
  return { ...NO_STEP, event: 'watched', message: 'in force: it served alone and nothing spoke against it' };
}

function giveUp(world: EndpointWorld, target: readonly WorkerView[], why: string): RolloutStep {
  const { rollout } = world;
  // After a swap, and for a request that woke the endpoint, the stable revision takes the place back
  // at once; beside a surge it never left.
  const stableServes = world.workers.some(
    (worker) => worker.revision === world.stableRevision && workerIsLive(worker.state),
  );
  return {
    ...NO_STEP,
    event: 'gaveUp',
    message: why,
    stop: target.map((worker) => worker.id),
    restoreStable: rollout?.mode === 'swap' && !stableServes,
  };
}
