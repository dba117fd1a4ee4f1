import { isDeepStrictEqual } from 'node:util';
import type { Endpoint, EndpointWorker, UpdateAnswer } from '../client/schema.ts';

/** An update that was answered, and the endpoint as it was before. */
export interface WatchedUpdate {
  readonly before: Endpoint;
  readonly answer: UpdateAnswer;
}

export type RolloutOutcome =
  /** It goes on. */
  | 'moving'
  /** Every worker runs the new revision. */
  | 'done'
  /** No worker runs, so nothing moves: the next one to start has the new revision. */
  | 'asleep'
  /** The endpoint went back to the revision it had. */
  | 'failed'
  /** Somebody else's update took its place. */
  | 'superseded';

export interface RolloutProgress {
  readonly outcome: RolloutOutcome;
  /** Workers of the new revision that take requests. */
  readonly replaced: number;
  /** Workers there will be, as far as it can be told now. */
  readonly total: number;
  readonly oldServing: number;
  readonly draining: number;
  readonly message: string;
}

export function progressOf({ before, answer }: WatchedUpdate, now: Endpoint): RolloutProgress {
  const fresh = now.workers.filter((worker) => worker.revision >= answer.revision);
  const old = now.workers.filter((worker) => worker.revision < answer.revision);
  const replaced = fresh.filter(isReady).length;
  const oldServing = old.filter(isReady).length;
  return {
    outcome: outcomeOf({ before, answer }, now),
    replaced,
    // A new one beside the old ones takes the place of one of them; idle ones may leave meanwhile.
    total: Math.max(replaced, Math.min(before.workers.length, now.workers.length), 1),
    oldServing,
    draining: old.filter((worker) => worker.drain).length,
    message: now.status.message,
  };
}

function isReady(worker: EndpointWorker): boolean {
  return worker.status.status === 'ready';
}

/**
 * GET shows the fields of the new revision while it rolls out and after it came through, and those
 * of the old one again after it failed: so the fields themselves tell how it went.
 */
function outcomeOf({ before, answer }: WatchedUpdate, now: Endpoint): RolloutOutcome {
  if (now.workers.some((worker) => worker.revision > answer.revision)) return 'superseded';
  if (now.status.status === 'updating') return 'moving';
  if (revisionFieldsOf(before, answer).every(([path, old]) => isDeepStrictEqual(valueAt(now, path), old))) {
    return 'failed';
  }
  // This can be the old revision's own trouble, which this very update is meant to end.
  if (now.status.status === 'failed') return 'moving';
  if (now.workers.length === 0) return 'asleep';
  return now.workers.every((worker) => worker.revision === answer.revision) ? 'done' : 'moving';
}

function revisionFieldsOf(before: Endpoint, { changed }: UpdateAnswer): [string, unknown][] {
  return Object.entries(changed)
    .filter(([, changeClass]) => changeClass === 'revision')
    .map(([path]) => [path, valueAt(before, path)]);
}

function valueAt(endpoint: Endpoint, path: string): unknown {
  let value: unknown = endpoint;
  for (const key of path.split('.')) value = (value as Readonly<Record<string, unknown>> | undefined)?.[key];
  return value;
}
