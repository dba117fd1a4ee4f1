import type { TokenHolder } from './worker-token.ts';

/** Where a worker that takes requests may POST, without a body, that it is ready. `base` as for jobs. */
export function readyVariables(
  { endpointId, workerId }: TokenHolder,
  { base, token }: { readonly base: string; readonly token: string },
): Record<string, string> {
  return { PILOTLIGHT_READY_URL: `${base}/v2/${endpointId}/ready/${workerId}?token=${token}` };
}
