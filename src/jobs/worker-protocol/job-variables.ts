import type { TokenHolder } from './worker-token.ts';

export interface JobVariablesOptions {
  /** Where workers reach this server, without a slash at the end. */
  readonly base: string;
  readonly token: string;
  readonly outputBytes: number;
}

/** How often a worker tells that it lives. */
export const PING_INTERVAL_MS = 10_000;

/**
 * The variables by which workers of RunPod's protocol find their service. `$ID` and `$RUNPOD_POD_ID`
 * are for the worker to fill in. The token stands in the addresses too, since small workers that people
 * write themselves send no Authorization.
 */
export function jobVariables(
  { endpointId, workerId }: TokenHolder,
  { base, token, outputBytes }: JobVariablesOptions,
): Record<string, string> {
  const at = `${base}/v2/${endpointId}`;
  return {
    RUNPOD_WEBHOOK_GET_JOB: `${at}/job-take/$ID?token=${token}`,
    RUNPOD_WEBHOOK_POST_OUTPUT: `${at}/job-done/$RUNPOD_POD_ID/$ID?token=${token}`,
    RUNPOD_WEBHOOK_POST_STREAM: `${at}/job-stream/$RUNPOD_POD_ID/$ID?token=${token}`,
    RUNPOD_WEBHOOK_PING: `${at}/ping/$RUNPOD_POD_ID`,
    RUNPOD_PING_INTERVAL: String(PING_INTERVAL_MS),
    RUNPOD_AI_API_KEY: token,
    RUNPOD_POD_ID: workerId,
    RUNPOD_ENDPOINT_ID: endpointId,
    PILOTLIGHT_OUTPUT_LIMIT_BYTES: String(outputBytes),
  };
}
