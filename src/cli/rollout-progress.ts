import type { Endpoint, EndpointWorker } from '../client/schema.ts';

/** The rollout that an update began or joined, as its answer names it. */
export interface WatchedRollout {
  readonly rolloutId: string;
  /** The revision it leads to. */
  readonly revision: number;
  /** The endpoint as it was before the update. */
  readonly before: Endpoint;
}

export type RolloutOutcome =
  /** It goes on. */
  | 'moving'
  /** The new revision is in force. */
  | 'done'
  /** No worker runs, so nothing moves: the next one to start has the new revision. */
  | 'asleep'
  /** The endpoint went back to the revision it had, by itself or because that was asked for. */
  | 'failed'
  /** Another update took its place, or took it back. */
  | 'superseded';

export interface RolloutProgress {
  readonly outcome: RolloutOutcome;
  /** Workers of the new revision that take requests. */
  readonly replaced: number;
  /** Workers there will be, as far as it can be told now. */
  readonly total: number;
  readonly oldServing: number;
  readonly draining: number;
  /** What it does, or why it ended so; may be empty. */
  readonly message: string;
}

export function progressOf(watched: WatchedRollout, now: Endpoint): RolloutProgress {
  const { revision, before } = watched;
  const fresh = now.workers.filter((worker) => worker.revision === revision);
  const old = now.workers.filter((worker) => worker.revision !== revision);
  const replaced = fresh.filter(isReady).length;
  return {
    outcome: outcomeOf(watched, now),
    replaced,
    // A new one beside the old ones takes the place of one of them; idle ones may leave meanwhile.
    total: Math.max(replaced, Math.min(before.workers.length, now.workers.length), 1),
    oldServing: old.filter(isReady).length,
    draining: old.filter((worker) => worker.drain).length,
    message: messageOf(watched, now),
  };
}

function isReady(worker: EndpointWorker): boolean {
  return worker.status.status === 'ready';
}

function outcomeOf(
  { rolloutId, revision }: WatchedRollout,
  { rollout, status, workers }: Endpoint,
): RolloutOutcome {
  if (rollout?.id !== rolloutId) {
    // Of the rollouts that are over only the last is shown: what the next one starts from tells the end of this one.
    return rollout?.from_revision === revision ? 'done' : 'superseded';
  }
  switch (rollout.state) {
    case 'done':
    case 'failed':
    case 'superseded':
      return rollout.state;
    case 'aborted':
      return 'failed';
    // All of it is replaced. That it is still guarded is nothing to wait for.
    case 'watching':
      return 'done';
    case 'waiting':
      return workers.length === 0 && status.status !== 'updating' ? 'asleep' : 'moving';
    case 'starting':
    case 'baking':
    case 'rolling':
      return 'moving';
  }
}

function messageOf({ rolloutId, revision }: WatchedRollout, { rollout, status }: Endpoint): string {
  if (rollout?.id !== rolloutId) return '';
  // After a failure the endpoint tells more than the reason: what serves now, and the worker's last output.
  if (status.message.includes(rollout.message)) return status.message;
  return rollout.state === 'failed' || rollout.state === 'aborted'
    ? `revision ${revision} failed: ${rollout.message}`
    : rollout.message;
}
