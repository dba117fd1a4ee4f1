import type { OwnerId } from '../base/ids.ts';

/** The answer to a change that was asked for under an idempotency key, kept to be given again. */
export interface KeptAnswer {
  readonly ownerId: OwnerId;
  /** Chosen by the client; one key belongs to one request of one owner. */
  readonly key: string;
  /** Digest of method, path and body: tells a repeated request from another one. */
  readonly fingerprint: string;
  readonly createdAtMs: number;
  /** The body as JSON. Only changes that were made are kept, so its status is always 200. */
  readonly body: string;
}

/** An answer is given again for so long. */
export const ANSWER_KEPT_MS = 24 * 3_600_000;
/** Of one owner; beyond it the oldest go first. */
export const ANSWERS_KEPT_MAX = 5_000;
