import { workerIsLive } from '../../model/worker-state.ts';
import { swapVictims } from '../capacity/swap-victims.ts';
import { startBackoffMs } from '../retry/start-backoff.ts';
import { counted, earlier, seconds, type EndpointWorld, type WorkerView } from '../world.ts';
import { giveWayAtMs, swapIsSafe } from './give-way.ts';
import { giveUp, NO_STEP, servingOthers, type RolloutStep } from './rollout-step.ts';

/** A swap is put off this often before the rollout is given up. */
const POSTPONEMENTS_MAX = 3;
/** A free device is given out in the same turn; so long nobody waits for one who could have it. */
const SURGE_WAIT_MS = 1_000;

/** Where the first worker of the target starts: beside the old ones, in the place of some, or alone. */
export function placeFirstWorker(world: EndpointWorld, needed: number, nowMs: number): RolloutStep {
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

/** Until that worker is ready, or has to give way. */
export function watchStart(world: EndpointWorld, target: readonly WorkerView[], nowMs: number): RolloutStep {
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
