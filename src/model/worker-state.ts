import { transition, type StateTable } from './state-table.ts';

/** Spelled out in docs/states.md. */
export const WORKER_STATES = [
  'pending',
  'pulling',
  'starting',
  'ready',
  'unhealthy',
  'draining',
  'stopping',
  'stopped',
  'failed',
] as const;
export type WorkerState = (typeof WORKER_STATES)[number];

export const WORKER_EVENTS = [
  'devicesAssigned',
  'prepared',
  'becameReady',
  'healthLost',
  'healthRestored',
  'drainAsked',
  'drainWithdrawn',
  'stopAsked',
  'ended',
  'broke',
] as const;
export type WorkerEvent = (typeof WORKER_EVENTS)[number];

const ENDED: Record<WorkerEvent, null> = {
  devicesAssigned: null,
  prepared: null,
  becameReady: null,
  healthLost: null,
  healthRestored: null,
  drainAsked: null,
  drainWithdrawn: null,
  stopAsked: null,
  ended: null,
  broke: null,
};

/**
 * `ended` is the end we asked for; `broke` is any other: a start that failed, an exit on its own,
 * a process that vanished. A worker that has no process yet goes from stopAsked straight to stopped.
 */
export const WORKER_TABLE: StateTable<WorkerState, WorkerEvent> = {
  pending: { ...ENDED, devicesAssigned: 'pulling', stopAsked: 'stopped', broke: 'failed' },
  pulling: { ...ENDED, prepared: 'starting', stopAsked: 'stopping', broke: 'failed' },
  starting: { ...ENDED, becameReady: 'ready', stopAsked: 'stopping', broke: 'failed' },
  ready: {
    ...ENDED,
    healthLost: 'unhealthy',
    drainAsked: 'draining',
    stopAsked: 'stopping',
    broke: 'failed',
  },
  unhealthy: {
    ...ENDED,
    healthRestored: 'ready',
    drainAsked: 'draining',
    stopAsked: 'stopping',
    broke: 'failed',
  },
  draining: { ...ENDED, drainWithdrawn: 'ready', stopAsked: 'stopping', broke: 'failed' },
  stopping: { ...ENDED, stopAsked: 'stopping', ended: 'stopped', broke: 'failed' },
  stopped: ENDED,
  failed: ENDED,
};

export function workerTransition(state: WorkerState, event: WorkerEvent): WorkerState {
  return transition('worker-state-8d1f', WORKER_TABLE, state, event);
}

/** The worker's end is known: it holds no device and takes no place. */
export function workerIsOver(state: WorkerState): boolean {
  return state === 'stopped' || state === 'failed';
}

/** On its way to serve, or serving: it counts as capacity, now or soon. */
export function workerIsLive(state: WorkerState): boolean {
  return state === 'pending' || state === 'pulling' || state === 'starting' || state === 'ready';
}
