import { rolloutIsOver } from '../../model/rollout-state.ts';
import type { EndpointWorld } from '../world.ts';
import { placeFirstWorker, watchStart } from './first-worker-step.ts';
import { bake, roll, watch } from './proof-step.ts';
import { giveUp, NO_STEP, PAUSED, type RolloutStep } from './rollout-step.ts';

/** Failures of its workers after which a target is given up. */
const START_FAILURES_MAX = 2;

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
