import type { Endpoint, Rollout } from '../model/endpoint.ts';

const MESSAGE_LENGTH_MAX = 2_000;

/** What the end of a rollout does to the endpoint's record. */
export function afterRollout(endpoint: Endpoint, rollout: Rollout, message: string): Partial<Endpoint> {
  if (rollout.state === 'done') {
    return { rollout, stableRevision: rollout.toRevision, targetRevision: null, message: '' };
  }
  if (rollout.state === 'failed') {
    return {
      rollout,
      targetRevision: null,
      message: clip(
        `The update to revision ${rollout.toRevision} failed and revision ${endpoint.stableRevision} serves: ${message}`,
      ),
    };
  }
  return { rollout };
}

/** Messages hold workers' output, which has no bound of its own. */
export function clip(text: string): string {
  return text.length <= MESSAGE_LENGTH_MAX ? text : `${text.slice(0, MESSAGE_LENGTH_MAX - 1)}…`;
}
