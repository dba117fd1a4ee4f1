import { AppError } from '../base/errors.ts';
import type { EndpointId } from '../base/ids.ts';
import { rolloutWaitsFor } from '../decide/rollout/waits-for.ts';
import { rolloutIsOver } from '../model/rollout-state.ts';
import type { DrainHolder, RolloutView } from '../ports/endpoint-service.ts';
import type { ControlPorts } from './control-options.ts';
import type { EndpointEntry } from './endpoint-entry.ts';
import { guardOf } from './guard-facts.ts';
import type { Inventory } from './inventory.ts';
import { rolloutOptionsOf } from './rollout-options.ts';
import { worldOf } from './world-view.ts';

/** Open requests that are looked through for those that hold a drain. */
const OPEN_LOOKED_AT = 10_000;
const HOLDERS_SHOWN = 100;

/** The running rollout, or the last one. Throws ROLLOUT_NOT_FOUND. */
export async function rolloutView(
  entry: EndpointEntry,
  entries: ReadonlyMap<EndpointId, EndpointEntry>,
  inventory: Inventory,
  ports: Pick<ControlPorts, 'clock' | 'traffic' | 'options'>,
): Promise<RolloutView> {
  const { endpoint } = entry;
  const rollout = endpoint.rollout ?? noRollout(entry);
  const { clock, traffic, options } = ports;
  const nowMs = clock.nowMs();
  const world = worldOf(entry, entries, inventory, traffic, options, nowMs);
  const over = rolloutIsOver(rollout.state);
  const kept = entry.lastGuard?.rolloutId === rollout.id ? entry.lastGuard : null;
  const guard = over ? (kept?.report ?? null) : world.guard;
  const medians = over ? (kept?.medians ?? null) : (guardOf(entry)?.medianFirstByte() ?? null);
  return {
    rollout,
    guard,
    medians,
    waitsFor: over ? '' : rolloutWaitsFor(world, nowMs),
    looksAgainAtMs:
      over || entry.wakeDueMs === null ? null : nowMs + Math.max(0, entry.wakeDueMs - clock.monotonicMs()),
    workers: [...entry.workers.values()].map(({ record }) => record),
    holders: await drainHolders(entry, ports),
  };
}

export function noRollout({ endpoint }: EndpointEntry): never {
  throw new AppError(
    'ROLLOUT_NOT_FOUND',
    `Endpoint ${endpoint.id} has had no rollout; an update of a field that needs new workers starts one.`,
  );
}

/** Running requests on workers that drain, the oldest first. */
export async function drainHolders(
  entry: EndpointEntry,
  { traffic, options }: Pick<ControlPorts, 'traffic' | 'options'>,
): Promise<readonly DrainHolder[]> {
  const { drainDeadlineMs } = rolloutOptionsOf(entry.endpoint, options);
  const draining = [...entry.workers.values()].filter(({ record }) => record.state === 'draining');
  if (draining.length === 0) return [];
  const deadlines = new Map(
    draining.map(({ record, drainingSinceMs }) => [
      record.id,
      drainingSinceMs === null || drainDeadlineMs === 0 ? null : drainingSinceMs + drainDeadlineMs,
    ]),
  );
  const open = await traffic.openRequests(entry.endpoint.id, OPEN_LOOKED_AT);
  return open
    .flatMap((request) => {
      const { workerId } = request;
      if (workerId === null || !deadlines.has(workerId)) return [];
      return [{ request, closedAtMs: deadlines.get(workerId) ?? null }];
    })
    .slice(0, HOLDERS_SHOWN);
}
