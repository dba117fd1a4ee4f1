import type { PlanOptions } from '../decide/world.ts';
import { workersOf, type RolloutOptions } from '../model/rollout-options.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { rolloutIsOver } from '../model/rollout-state.ts';
import type { ControlOptions } from './control-options.ts';

/** The running rollout's own options, or the server's. */
export function rolloutOptionsOf(endpoint: Endpoint, options: ControlOptions): RolloutOptions {
  const { rollout } = endpoint;
  return rollout === null || rolloutIsOver(rollout.state) ? options.rollout : rollout.options;
}

/** Workers above the wanted number that the endpoint may have now. */
export function maxSurgeOf(endpoint: Endpoint, options: ControlOptions): number {
  return workersOf(rolloutOptionsOf(endpoint, options).maxSurge, workersBefore(endpoint));
}

/** With shares counted out by the workers there were when the rollout began. */
export function planOptionsOf(endpoint: Endpoint, options: ControlOptions): PlanOptions {
  const { guard: _, ...rollout } = rolloutOptionsOf(endpoint, options);
  const workers = workersBefore(endpoint);
  return {
    ...rollout,
    maxSurge: workersOf(rollout.maxSurge, workers),
    firstStep: Math.min(workers, Math.max(1, workersOf(rollout.firstStep, workers))),
    startDeadlineMs: options.startDeadlineMs,
  };
}

function workersBefore(endpoint: Endpoint): number {
  return Math.max(1, endpoint.rollout?.workersBefore ?? 1);
}
