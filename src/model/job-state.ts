import { transition, type StateTable } from './state-table.ts';

/** A job's life, in the words of the job API. Spelled out in docs/states.md. */
export const JOB_STATES = [
  'IN_QUEUE',
  'IN_PROGRESS',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TIMED_OUT',
] as const;
export type JobState = (typeof JOB_STATES)[number];

export const JOB_EVENTS = [
  'taken',
  'completed',
  'failed',
  'attemptLost',
  'cancelAsked',
  'expired',
  'overran',
  'retryAsked',
] as const;
export type JobEvent = (typeof JOB_EVENTS)[number];

/** `failed` is both the worker's error and the last attempt's loss; `attemptLost` leaves attempts to be made. */
export const JOB_TABLE: StateTable<JobState, JobEvent> = {
  IN_QUEUE: {
    taken: 'IN_PROGRESS',
    completed: null,
    failed: null,
    attemptLost: null,
    cancelAsked: 'CANCELLED',
    expired: 'TIMED_OUT',
    overran: null,
    retryAsked: null,
  },
  IN_PROGRESS: {
    taken: null,
    completed: 'COMPLETED',
    failed: 'FAILED',
    attemptLost: 'IN_QUEUE',
    cancelAsked: 'CANCELLED',
    expired: null,
    overran: 'TIMED_OUT',
    retryAsked: null,
  },
  COMPLETED: {
    taken: null,
    completed: null,
    failed: null,
    attemptLost: null,
    cancelAsked: null,
    expired: null,
    overran: null,
    retryAsked: null,
  },
  FAILED: {
    taken: null,
    completed: null,
    failed: null,
    attemptLost: null,
    cancelAsked: null,
    expired: null,
    overran: null,
    retryAsked: 'IN_QUEUE',
  },
  CANCELLED: {
    taken: null,
    completed: null,
    failed: null,
    attemptLost: null,
    cancelAsked: null,
    expired: null,
    overran: null,
    retryAsked: null,
  },
  TIMED_OUT: {
    taken: null,
    completed: null,
    failed: null,
    attemptLost: null,
    cancelAsked: null,
    expired: null,
    overran: null,
    retryAsked: 'IN_QUEUE',
  },
};

export function jobTransition(state: JobState, event: JobEvent): JobState {
  return transition('job-state-a6e3', JOB_TABLE, state, event);
}

/** The states in which the event can happen: what a store's condition is made of. */
export function jobStatesBefore(event: JobEvent): readonly JobState[] {
  return JOB_STATES.filter((state) => JOB_TABLE[state][event] !== null);
}

/** It has a result, or will have none; only its owner's `retry` brings it back. */
export function jobHasEnded(state: JobState): boolean {
  return state !== 'IN_QUEUE' && state !== 'IN_PROGRESS';
}
