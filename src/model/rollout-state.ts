import { transition, type StateTable } from './state-table.ts';

/** Spelled out in docs/states.md. */
export const ROLLOUT_STATES = [
  'waiting',
  'starting',
  'baking',
  'rolling',
  'watching',
  'done',
  'failed',
  'aborted',
  'superseded',
] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];

export const ROLLOUT_EVENTS = [
  /** The first worker of the target was asked for. */
  'firstWorkerAsked',
  /** It became ready. */
  'firstWorkerReady',
  /** It went away without a verdict (lost, or its place was needed); another one is needed. */
  'firstWorkerLost',
  /** The swap was put off: the stable revision serves until a quieter moment. */
  'swapPostponed',
  'proven',
  /** No old worker is left. */
  'finished',
  /** The time in which the target is still guarded is over. */
  'watched',
  'gaveUp',
  'abortAsked',
  'replacedByNewer',
] as const;
export type RolloutEvent = (typeof ROLLOUT_EVENTS)[number];

const OVER: Record<RolloutEvent, null> = {
  firstWorkerAsked: null,
  firstWorkerReady: null,
  firstWorkerLost: null,
  swapPostponed: null,
  proven: null,
  finished: null,
  watched: null,
  gaveUp: null,
  abortAsked: null,
  replacedByNewer: null,
};

/** What ends a rollout in every state in which it is not over. */
const ENDS = { gaveUp: 'failed', abortAsked: 'aborted', replacedByNewer: 'superseded' } as const;

export const ROLLOUT_TABLE: StateTable<RolloutState, RolloutEvent> = {
  waiting: { ...OVER, ...ENDS, firstWorkerAsked: 'starting' },
  starting: {
    ...OVER,
    ...ENDS,
    firstWorkerReady: 'baking',
    firstWorkerLost: 'waiting',
    swapPostponed: 'waiting',
  },
  baking: { ...OVER, ...ENDS, firstWorkerLost: 'waiting', proven: 'rolling' },
  rolling: { ...OVER, ...ENDS, finished: 'watching' },
  // It has taken over wholly: what comes after starts from it.
  watching: { ...OVER, ...ENDS, watched: 'done', replacedByNewer: 'done' },
  done: OVER,
  failed: OVER,
  aborted: OVER,
  superseded: OVER,
};

export function rolloutTransition(state: RolloutState, event: RolloutEvent): RolloutState {
  return transition('rollout-state-51c7', ROLLOUT_TABLE, state, event);
}

export function rolloutIsOver(state: RolloutState): boolean {
  return state === 'done' || state === 'failed' || state === 'aborted' || state === 'superseded';
}

/** Workers are still to come or to go; while it is watched the target serves alone. */
export function rolloutIsMoving(state: RolloutState): boolean {
  return !rolloutIsOver(state) && state !== 'watching';
}

/** The target is proven: new workers are of it, and it is asked first. */
export function rolloutIsProven(state: RolloutState): boolean {
  return state === 'rolling' || state === 'watching' || state === 'done';
}
