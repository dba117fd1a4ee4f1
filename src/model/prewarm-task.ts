import type { OwnerId, PrewarmTaskId } from '../base/ids.ts';
import type { PrewarmState } from './prewarm-state.ts';

/** An image that is to be on the machine before a worker needs it. */
export interface PrewarmTask {
  readonly id: PrewarmTaskId;
  readonly ownerId: OwnerId;
  /** For people; may be empty. */
  readonly name: string;
  readonly note: string;
  readonly image: string;
  readonly regionId: string;
  /** Empty: all of the region. */
  readonly productIds: readonly string[];
  /** Empty: the image is pulled without a credential. */
  readonly registryAuthId: string;
  readonly state: PrewarmState;
  /** Why it failed; empty else. */
  readonly reasons: readonly string[];
  /** Null until it is known. */
  readonly imageBytes: number | null;
  readonly createdAtMs: number;
  readonly completedAtMs: number | null;
}

/** An image that Pilotlight brought onto the machine, and may take away again. */
export interface PulledImage {
  /** What the driver names it by. */
  readonly id: string;
  /** Every reference it was asked for by. */
  readonly references: readonly string[];
  readonly sizeBytes: number;
  readonly pulledAtMs: number;
  /** When a worker or a prewarm task wanted it last. */
  readonly lastUsedAtMs: number;
}

/** Tasks at a time. */
export const PREWARMS_RUNNING_MAX = 5;
/** Tasks that are not over; the next is refused. */
export const PREWARMS_WAITING_MAX = 100;
/** Tasks that are kept; beyond it those that ended longest ago go. */
export const PREWARMS_KEPT_MAX = 500;
