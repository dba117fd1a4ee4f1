import type { EndpointWorld } from '../world.ts';

/**
 * How a target that is being proven is given requests.
 *
 * `sample`: before all others, and no more than the sample. How many of its answers it takes to tell a
 * bad revision does not depend on how they are spread over time, so they are had at once, also under a
 * load that the old workers could carry alone.
 * `more`: likewise without a limit: the sample left a doubt, and only more answers can tell.
 * `even`: as any other worker.
 */
export type ProofShare = 'sample' | 'more' | 'even';

export function proofShareOf({ guard, options, rollout }: EndpointWorld): ProofShare {
  if (rollout?.order === 'pause') return 'even';
  const used = (guard?.target.answered ?? 0) >= options.bakeRequests;
  if (used && guard?.doubtful === true) return 'more';
  // A first step of several workers has taken places of old ones: it carries their load.
  if (options.firstStep > 1) return used ? 'even' : 'more';
  return 'sample';
}
