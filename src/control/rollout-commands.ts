import { AppError } from '../base/errors.ts';
import { PAUSED_MESSAGE } from '../decide/rollout/rollout-step.ts';
import { ROLLOUT_ORDER_TABLE, rolloutOrderTransition, type RolloutCommand } from '../model/rollout-order.ts';
import { rolloutIsOver } from '../model/rollout-state.ts';
import type { ControlPorts } from './control-options.ts';
import type { EndpointEntry } from './endpoint-entry.ts';
import type { EndpointRecords } from './endpoint-records.ts';
import type { Reconciler } from './reconciler.ts';
import { noRollout } from './rollout-view.ts';
import { routeWorkers } from './worker-route.ts';

/**
 * What a client asks of a running rollout. It is on disk before it is answered, and carried out by the
 * loops. Throws ROLLOUT_NOT_FOUND, ROLLOUT_OVER, or ROLLOUT_ABORTING.
 */
export async function orderRollout(
  entry: EndpointEntry,
  command: RolloutCommand,
  parts: {
    readonly ports: Pick<ControlPorts, 'clock' | 'traffic'>;
    readonly records: EndpointRecords;
    readonly reconciler: Reconciler;
  },
): Promise<void> {
  const rollout = entry.endpoint.rollout ?? noRollout(entry);
  if (rolloutIsOver(rollout.state)) {
    throw new AppError(
      'ROLLOUT_OVER',
      `The rollout to revision ${rollout.toRevision} is over (${rollout.state}), so it cannot be changed; roll back to a revision, or update the endpoint.`,
      { metadata: { state: rollout.state, order: command } },
    );
  }
  if (ROLLOUT_ORDER_TABLE[rollout.order][command] === null) {
    throw new AppError(
      'ROLLOUT_ABORTING',
      `The rollout to revision ${rollout.toRevision} is being aborted, so "${command}" comes too late; update the endpoint to try again.`,
      { metadata: { order: command } },
    );
  }
  const order = rolloutOrderTransition(rollout.order, command);
  if (order === rollout.order) return;
  // No longer true; where there is more to say, the next look says it.
  const message = rollout.message === PAUSED_MESSAGE ? '' : rollout.message;
  await parts.records.endpointCommit(entry, { rollout: { ...rollout, order, message } });
  entry.events.note(parts.ports.clock.nowMs(), {
    kind: 'order',
    code: command,
    message: `the rollout to revision ${rollout.toRevision} in the state ${rollout.state}: ${command}`,
    revision: rollout.toRevision,
  });
  routeWorkers(parts.ports, entry);
  parts.reconciler.reconcile(entry);
}
