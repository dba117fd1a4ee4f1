import { earlier, seconds, type EndpointWorld, type WorkerView } from '../world.ts';
import { giveUp, NO_STEP, PAUSED, servingOthers, type RolloutStep } from './rollout-step.ts';

/** A bake or a watch that shows something doubtful goes on for so many times its length, or a minute. */
const DOUBT_FACTOR = 10;
const DOUBT_MIN_MS = 60_000;

/** The first worker serves beside the old ones and is held against them. */
export function bake(world: EndpointWorld, target: readonly WorkerView[], nowMs: number): RolloutStep {
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
  const doubt = doubtStep(world, target, { sinceMs, usualMs: options.bakeMs, what: 'being proven' }, nowMs);
  if (doubt !== null) return doubt;
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

/** Something doubtful holds the rollout up, and in the end, where it looks like a fault, ends it; null while nothing does. */
function doubtStep(
  world: EndpointWorld,
  target: readonly WorkerView[],
  span: { readonly sinceMs: number; readonly usualMs: number; readonly what: string },
  nowMs: number,
): RolloutStep | null {
  const untilMs = doubtUntilMs(world, span.sinceMs, span.usualMs);
  if (untilMs === null) return null;
  if (nowMs < untilMs) {
    return {
      ...NO_STEP,
      message: `${span.what} for longer: ${doubtText(world)}`,
      lookAgainAtMs: earlier(untilMs, world.guard?.patienceEndsAtMs ?? null),
    };
  }
  if (world.guard?.failing !== true) return null;
  return giveUp(world, target, `${doubtText(world)}, and no more requests came to tell chance from fault`);
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

/** Old workers leave one by one; the step is over when the last successor is ready. */
export function roll(
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
/** The target serves alone and is still held against what the old revision did. */
export function watch(world: EndpointWorld, target: readonly WorkerView[], nowMs: number): RolloutStep {
  const { guard, options, rollout } = world;
  const bad = verdict(world);
  if (bad !== null) return giveUp(world, target, bad);
  const lookAgainAtMs = guard?.patienceEndsAtMs ?? null;
  if (rollout === null || rollout.order === 'pause') return { ...PAUSED, lookAgainAtMs };
  const endMs = rollout.stateSinceMs + options.watchMs;
  if (rollout.order === 'promote')
    return { ...NO_STEP, event: 'watched', message: 'in force, promoted as asked' };
  if (nowMs < endMs) return { ...NO_STEP, lookAgainAtMs: earlier(endMs, lookAgainAtMs) };
  const span = { sinceMs: rollout.stateSinceMs, usualMs: options.watchMs, what: 'guarded' };
  const doubt = doubtStep(world, target, span, nowMs);
  if (doubt !== null) return doubt;
  return { ...NO_STEP, event: 'watched', message: 'in force: it served alone and nothing spoke against it' };
}
