import type { EndpointWorld } from '../world.ts';

/**
 * How long the longest idle of `live` workers is kept without a request: never longer than
 * `idle_timeout`, and sooner let go where keeping it is not worth its cost. None leaves sooner while
 * another starts, as then more are wanted, not fewer.
 */
export function idleKeepMs(world: EndpointWorld, live: number, nowMs: number): number {
  const timeoutMs = world.settings.idleTimeoutSeconds * 1_000;
  const starts = world.workers.some(({ state }) => state === 'starting' || state === 'pulling');
  return starts ? timeoutMs : Math.min(timeoutMs, world.load.keepIdleMs(live, nowMs));
}
