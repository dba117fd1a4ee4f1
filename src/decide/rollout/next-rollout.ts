import type { Rollout } from '../../model/endpoint.ts';
import { rolloutIsOver, rolloutTransition, type RolloutEvent } from '../../model/rollout-state.ts';
import type { RolloutStep } from './rollout-step.ts';

/** How long a swapped-out endpoint that could not be updated waits before it tries the swap again. */
const POSTPONED_MS = 10_000;

/** The rollout after a step that has an event. `oldReady`: ready workers that are not of the target. */
export function nextRollout(
  rollout: Rollout,
  step: RolloutStep & { readonly event: RolloutEvent },
  oldReady: number,
  nowMs: number,
): Rollout {
  const state = rolloutTransition(rollout.state, step.event);
  return {
    ...rollout,
    state,
    stateSinceMs: nowMs,
    mode: step.mode ?? rollout.mode,
    message: step.message === '' ? rollout.message : step.message,
    endedAtMs: rolloutIsOver(state) ? nowMs : null,
    // Those that came while the target was being proven are replaced like those before them.
    workersBefore:
      step.event === 'proven' ? Math.max(rollout.workersBefore, oldReady) : rollout.workersBefore,
    postponements: rollout.postponements + (step.event === 'swapPostponed' ? 1 : 0),
    notBeforeMs: notBeforeMs(rollout, step, nowMs),
  };
}

function notBeforeMs(rollout: Rollout, step: RolloutStep, nowMs: number): number {
  if (step.event === 'swapPostponed') return nowMs + POSTPONED_MS * 2 ** rollout.postponements;
  if (step.event === 'firstWorkerLost') return step.lookAgainAtMs ?? nowMs;
  return rollout.notBeforeMs;
}
