import type { EndpointStatus } from '../model/endpoint.ts';
import { rolloutIsMoving } from '../model/rollout-state.ts';
import { CRASH_LOOP_FAILURES } from './retry/start-backoff.ts';
import type { EndpointWorld } from './world.ts';

/** What of an endpoint decides the status it shows. */
export type StatusFacts = Pick<
  EndpointWorld,
  'settings' | 'deleting' | 'rollout' | 'startFailures' | 'waiting'
> & {
  readonly workers: readonly { readonly state: EndpointWorld['workers'][number]['state'] }[];
  /** Whether any worker of it has ever become ready. */
  readonly everReady: boolean;
};

/**
 * The status shown to the user: a function of the facts, not a state of its own, so that it can
 * never disagree with them. The first row that holds wins; docs/states.md has the table.
 */
export function endpointStatus(facts: StatusFacts): EndpointStatus {
  const { settings, rollout, workers } = facts;
  const ready = workers.filter((worker) => worker.state === 'ready').length;
  if (facts.deleting) return 'terminating';
  if (settings.maxReplicas === 0) return 'stopped';
  if (ready === 0 && facts.startFailures >= CRASH_LOOP_FAILURES) return 'failed';
  // At zero workers with nobody waiting the rollout goes on with the next request: nothing moves till then.
  const wanted = facts.waiting > 0 || settings.minReplicas > 0;
  const asleep = rollout?.state === 'waiting' && workers.length === 0 && !wanted;
  // While it is watched the new revision serves alone: nothing moves any more.
  const moving = rollout !== null && rolloutIsMoving(rollout.state);
  if (moving && !asleep) return 'updating';
  if (!facts.everReady && ready === 0 && settings.minReplicas > 0) return 'initializing';
  const unhealthy = workers.some((worker) => worker.state === 'unhealthy');
  if (ready < settings.minReplicas || unhealthy || facts.startFailures > 0) return 'degraded';
  return 'running';
}
