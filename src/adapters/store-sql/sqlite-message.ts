/** What the thread is started with. */
export interface ThreadSetup {
  readonly path: string;
}

/** Why a batch has no answer: the database failed at it. */
export interface BatchFailure {
  readonly failure: unknown;
}

export type Outcome<Answer> = Answer | BatchFailure;

export type ThreadRequest<Batch> =
  | { readonly kind: 'group'; readonly batches: readonly Batch[] }
  | { readonly kind: 'close' };

export type ThreadReply<Answer> =
  | { readonly kind: 'opened' }
  /** The database could not be opened; the thread ends. `message` is for the operator. */
  | { readonly kind: 'refused'; readonly message: string; readonly cause: unknown }
  /** The outcomes of the one group that was sent, in its order. */
  | { readonly kind: 'outcomes'; readonly outcomes: readonly Outcome<Answer>[] };
