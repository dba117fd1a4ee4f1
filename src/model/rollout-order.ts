import { transition, type StateTable } from './state-table.ts';

/** What its owner asked of a running rollout. Spelled out in docs/states.md. */
export const ROLLOUT_ORDERS = ['go', 'pause', 'promote', 'abort'] as const;
export type RolloutOrder = (typeof ROLLOUT_ORDERS)[number];

export const ROLLOUT_COMMANDS = ['pause', 'resume', 'promote', 'abort'] as const;
export type RolloutCommand = (typeof ROLLOUT_COMMANDS)[number];

/** A null cell is refused: it is going back already. */
export const ROLLOUT_ORDER_TABLE: StateTable<RolloutOrder, RolloutCommand> = {
  go: { pause: 'pause', resume: 'go', promote: 'promote', abort: 'abort' },
  pause: { pause: 'pause', resume: 'go', promote: 'promote', abort: 'abort' },
  promote: { pause: 'pause', resume: 'promote', promote: 'promote', abort: 'abort' },
  abort: { pause: null, resume: null, promote: null, abort: 'abort' },
};

export function rolloutOrderTransition(order: RolloutOrder, command: RolloutCommand): RolloutOrder {
  return transition('rollout-order-3d94', ROLLOUT_ORDER_TABLE, order, command);
}
