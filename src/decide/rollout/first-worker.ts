import { rolloutIsOver, rolloutIsProven } from '../../model/rollout-state.ts';
import type { EndpointWorld } from '../world.ts';

/**
 * Whether the target's first worker stands beside the old ones, as one more than are needed, and is
 * no part of what the load is to be served with. One that took an old one's place is, and so are the
 * several of a first step, of which each takes the place of an old one.
 */
export function firstIsExtra(world: Pick<EndpointWorld, 'rollout' | 'options'>): boolean {
  const { rollout } = world;
  if (rollout === null || rolloutIsOver(rollout.state) || rolloutIsProven(rollout.state)) return false;
  return rollout.mode === 'surge' && !(rollout.state === 'baking' && world.options.firstStep > 1);
}
