import { transition, type StateTable } from './state-table.ts';

/** A gateway request's life. Spelled out in docs/states.md. */
export const REQUEST_STATES = ['arrived', 'waiting', 'forwarding', 'responding', 'ended'] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

export const REQUEST_EVENTS = ['queued', 'slotTaken', 'headReceived', 'retried', 'ended'] as const;
export type RequestEvent = (typeof REQUEST_EVENTS)[number];

/** `retried` leads back to waiting and only from forwarding: no byte of an answer was passed on yet. */
export const REQUEST_TABLE: StateTable<RequestState, RequestEvent> = {
  arrived: { queued: 'waiting', slotTaken: 'forwarding', headReceived: null, retried: null, ended: 'ended' },
  waiting: { queued: null, slotTaken: 'forwarding', headReceived: null, retried: null, ended: 'ended' },
  forwarding: {
    queued: null,
    slotTaken: null,
    headReceived: 'responding',
    retried: 'waiting',
    ended: 'ended',
  },
  responding: { queued: null, slotTaken: null, headReceived: null, retried: null, ended: 'ended' },
  ended: { queued: null, slotTaken: null, headReceived: null, retried: null, ended: null },
};

export function requestTransition(state: RequestState, event: RequestEvent): RequestState {
  return transition('request-state-2b90', REQUEST_TABLE, state, event);
}
