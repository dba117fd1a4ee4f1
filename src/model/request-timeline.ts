import type { WorkerId } from '../base/ids.ts';

/** Why a request found no slot when it looked for one. */
const WAIT_REASONS = [
  /** No worker is ready. */
  'noWorker',
  /** Others came before it and wait too. */
  'behindOthers',
  /** All slots are in use, or what is free belongs to a worker that drains or rests. */
  'slotsInUse',
  /** The worker it was given to could not be reached: it waits again, at the front. */
  'notSent',
] as const;
export type WaitReason = (typeof WAIT_REASONS)[number];

export const TIMELINE_OUTCOMES = ['complete', 'broke', 'clientGone', 'timeout', 'cut', 'refused'] as const;
export type TimelineOutcome = (typeof TIMELINE_OUTCOMES)[number];

/** What a request is known by. Neither its headers nor its body nor its query is kept. */
export interface RequestName {
  readonly requestId: string;
  readonly method: string;
  /** At the worker, without its query, of bounded length. */
  readonly path: string;
}

/** The way of one admitted request, as far as it has come. */
export interface RequestTimeline extends RequestName {
  readonly arrivedAtMs: number;
  /** The last reason it had to wait for; null: it never did. */
  readonly waitReason: WaitReason | null;
  /** The worker it was given to last; null while it waits for its first. */
  readonly workerId: WorkerId | null;
  readonly revision: number | null;
  /** When that worker got it; null while it waits. */
  readonly startedAtMs: number | null;
  readonly firstByteAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly status: number | null;
  /** Null while it goes on. */
  readonly outcome: TimelineOutcome | null;
}
