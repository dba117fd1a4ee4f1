import { transition, type StateTable } from './state-table.ts';

/** Spelled out in docs/states.md. */
export const ROLLOUT_STATES = [
  'waiting',
  'starting',
  'baking',
  'rolling',
  'done',
  'failed',
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
  'finished',
  'gaveUp',
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
  gaveUp: null,
  replacedByNewer: null,
};

export const ROLLOUT_TABLE: StateTable<RolloutState, RolloutEvent> = {
  waiting: { ...OVER, firstWorkerAsked: 'starting', gaveUp: 'failed', replacedByNewer: 'superseded' },
  starting: {
    ...OVER,
    firstWorkerReady: 'baking',
    firstWorkerLost: 'waiting',
    swapPostponed: 'waiting',
    gaveUp: 'failed',
    replacedByNewer: 'superseded',
  },
  baking: {
    ...OVER,
    firstWorkerLost: 'waiting',
    proven: 'rolling',
    gaveUp: 'failed',
    replacedByNewer: 'superseded',
  },
  rolling: { ...OVER, finished: 'done', gaveUp: 'failed', replacedByNewer: 'superseded' },
  done: OVER,
  failed: OVER,
  superseded: OVER,
};

export function rolloutTransition(state: RolloutState, event: RolloutEvent): RolloutState {
  return transition('rollout-state-51c7', ROLLOUT_TABLE, state, event);
}

export function rolloutIsOver(state: RolloutState): boolean {
  return state === 'done' || state === 'failed' || state === 'superseded';
}
