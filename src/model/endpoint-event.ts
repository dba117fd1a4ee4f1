import type { WorkerId } from '../base/ids.ts';

export const EVENT_KINDS = [
  /** Workers are started, or let go, because of the load or the settings. */
  'scale',
  /** A rollout changed its state. */
  'rollout',
  /** The guard began to doubt a new revision, let go of its doubt, or gave its verdict. */
  'guard',
  /** A device goes from one endpoint to another; told to both. */
  'eviction',
  /** A worker broke, and the next start waits. */
  'backoff',
  /** A worker changed its state. */
  'worker',
  /** Its owner asked something of the rollout, or of the endpoint. */
  'order',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export type EventFacts = Readonly<Record<string, string | number | boolean | null>>;

/** One decision about an endpoint, or one thing that happened to it, with the numbers it rests on. */
export interface EndpointEvent {
  /** Ascending for one endpoint, also over restarts of the server. */
  readonly id: number;
  readonly atMs: number;
  readonly kind: EventKind;
  /** Stable name of the reason, for programs. */
  readonly code: string;
  readonly message: string;
  readonly revision: number | null;
  readonly workerId: WorkerId | null;
  readonly facts: EventFacts;
}
