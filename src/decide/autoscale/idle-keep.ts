import { IDLE_TIMEOUT_MAX_SECONDS, type EndpointSettings } from '../../model/endpoint.ts';
import { HOUR_MS, SECOND_MS } from '../../base/units.ts';
import type { EndpointWorld } from '../world.ts';

/**
 * The longest that an idle worker is kept where `idle_timeout` says nothing: keeping it was cheaper
 * than starting it again, by what was measured, but measurements can be of another day.
 */
export const IDLE_KEEP_MAX_MS = 2 * HOUR_MS;

/**
 * What `idle_timeout` allows. The contract has no value for "as long as it pays", and an endpoint that
 * nobody gave one shows the largest: so the largest is none, and every other is the bound it looks like.
 */
export function idleLimitMs({ idleTimeoutSeconds }: Pick<EndpointSettings, 'idleTimeoutSeconds'>): number {
  return idleTimeoutSeconds >= IDLE_TIMEOUT_MAX_SECONDS ? IDLE_KEEP_MAX_MS : idleTimeoutSeconds * SECOND_MS;
}

/**
 * How long the longest idle of `live` workers is kept without a request: never longer than
 * `idle_timeout` allows, and sooner let go where keeping it is not worth its cost. None leaves sooner
 * while another starts, as then more are wanted, not fewer.
 */
export function idleKeepMs(world: EndpointWorld, live: number, nowMs: number): number {
  const limitMs = idleLimitMs(world.settings);
  const starts = world.workers.some(({ state }) => state === 'starting' || state === 'pulling');
  return starts ? limitMs : Math.min(limitMs, world.load.keepIdleMs(live, nowMs));
}
