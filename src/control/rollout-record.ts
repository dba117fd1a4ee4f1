import type { Endpoint, Rollout } from '../model/endpoint.ts';
import { rolloutTransition } from '../model/rollout-state.ts';
import type { EndpointEntry } from './endpoint-entry.ts';
import type { EndpointRecords } from './endpoint-records.ts';

const MESSAGE_LENGTH_MAX = 2_000;

/** What the end of a rollout does to the endpoint's record. */
export function afterRollout(endpoint: Endpoint, rollout: Rollout, message: string): Partial<Endpoint> {
  if (rollout.state === 'done') {
    return { rollout, stableRevision: rollout.toRevision, targetRevision: null, message: '' };
  }
  if (rollout.state === 'failed' || rollout.state === 'aborted') {
    return {
      rollout,
      targetRevision: null,
      message: clip(
        rollout.state === 'failed'
          ? `The update to revision ${rollout.toRevision} failed and revision ${endpoint.stableRevision} serves: ${message}`
          : `The update to revision ${rollout.toRevision} was aborted and revision ${endpoint.stableRevision} serves.`,
      ),
    };
  }
  return { rollout };
}

/** A target that has taken over wholly is what a newer update starts from, also while it is still watched. */
export function settledEndpoint(endpoint: Endpoint): Endpoint {
  const { rollout } = endpoint;
  if (rollout?.state !== 'watching') return endpoint;
  const state = rolloutTransition(rollout.state, 'replacedByNewer');
  return { ...endpoint, ...afterRollout(endpoint, { ...rollout, state }, '') };
}

/** A message about a rollout that stands still; kept in memory of the record without a new state. */
export function sayOfRollout(records: EndpointRecords, entry: EndpointEntry, message: string): void {
  const { rollout } = entry.endpoint;
  if (rollout === null || rollout.message === message) return;
  records.endpointChange(entry, () => ({ rollout: { ...rollout, message } }));
}

/** Messages hold workers' output, which has no bound of its own. */
export function clip(text: string): string {
  return text.length <= MESSAGE_LENGTH_MAX ? text : `${text.slice(0, MESSAGE_LENGTH_MAX - 1)}…`;
}
