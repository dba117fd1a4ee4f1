import type { EndpointSettings } from '../../model/endpoint.ts';

type Policy = EndpointSettings['policy'];

/** A wait as long as the value is worth so many worker-seconds, whatever the value. */
const WORTH_OF_LONG_WAIT = 16;
/** For policies that say nothing about waiting. */
const QUEUE_VALUE_DEFAULT = 4;

/**
 * What a second of waiting is worth under policy `queue`, in worker-seconds. The value is the wait that
 * is held to be much: 1 s makes waiting dear (16), the default of 4 s puts it at 4, 16 s at 1.
 */
export function priceOfWaiting(policy: Policy): number {
  return WORTH_OF_LONG_WAIT / (policy.type === 'queue' ? policy.value : QUEUE_VALUE_DEFAULT);
}
