import { transition, type StateTable } from './state-table.ts';

/** A prewarm task's states; the names are the contract's. Spelled out in docs/states.md. */
export const PREWARM_STATES = ['pending', 'running', 'succeeded', 'failed'] as const;
export type PrewarmState = (typeof PREWARM_STATES)[number];

export const PREWARM_EVENTS = ['begun', 'pulled', 'broke'] as const;
export type PrewarmEvent = (typeof PREWARM_EVENTS)[number];

export const PREWARM_TABLE: StateTable<PrewarmState, PrewarmEvent> = {
  pending: { begun: 'running', pulled: null, broke: 'failed' },
  running: { begun: null, pulled: 'succeeded', broke: 'failed' },
  succeeded: { begun: null, pulled: null, broke: null },
  failed: { begun: null, pulled: null, broke: null },
};

export function prewarmTransition(state: PrewarmState, event: PrewarmEvent): PrewarmState {
  return transition('prewarm-state-60e2', PREWARM_TABLE, state, event);
}

export function prewarmIsOver(state: PrewarmState): boolean {
  return state === 'succeeded' || state === 'failed';
}
