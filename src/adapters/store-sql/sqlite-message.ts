import type { BatchOutcome } from './batch-runner.ts';
import type { SqlStatement } from './sql-batch.ts';

/** What the thread is started with. */
export interface ThreadSetup {
  readonly path: string;
}

export type ThreadRequest =
  | { readonly kind: 'group'; readonly batches: readonly (readonly SqlStatement[])[] }
  | { readonly kind: 'close' };

export type ThreadReply =
  | { readonly kind: 'opened' }
  /** The database could not be opened; the thread ends. `message` is for the operator. */
  | { readonly kind: 'refused'; readonly message: string; readonly cause: unknown }
  /** The outcomes of the one group that was sent, in its order. */
  | { readonly kind: 'outcomes'; readonly outcomes: readonly BatchOutcome[] };
