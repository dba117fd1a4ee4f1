import { impossible } from '../base/errors.ts';

/**
 * A total state machine: every state × event cell is present or the table does not compile.
 * A cell is the next state, or `null` when the event cannot happen in that state.
 */
export type StateTable<State extends string, Event extends string> = {
  readonly [S in State]: { readonly [E in Event]: State | null };
};

/** The only door through which a state changes. Throws, with the machine's id, on an impossible cell. */
export function transition<State extends string, Event extends string>(
  id: string,
  table: StateTable<State, Event>,
  state: State,
  event: Event,
): State {
  const next = table[state][event];
  return next ?? impossible(id, `event "${event}" in state "${state}"`);
}
