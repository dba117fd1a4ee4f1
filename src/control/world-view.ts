import type { EndpointId } from '../base/ids.ts';
import type { EndpointWorld, RevisionView, WorkerView } from '../decide/world.ts';
import type { Traffic } from '../ports/traffic.ts';
import type { ControlOptions } from './control-options.ts';
import type { EndpointEntry } from './endpoint-entry.ts';
import type { Inventory } from './inventory.ts';

/** The endpoint as the pure decisions see it, at this moment. */
export function worldOf(
  entry: EndpointEntry,
  entries: ReadonlyMap<EndpointId, EndpointEntry>,
  inventory: Inventory,
  traffic: Traffic,
  options: ControlOptions,
): EndpointWorld {
  const load = traffic.load(entry.endpoint.id);
  const workers: WorkerView[] = [];
  const shown = new Set([entry.endpoint.stableRevision]);
  if (entry.endpoint.targetRevision !== null) shown.add(entry.endpoint.targetRevision);
  for (const worker of entry.workers.values()) {
    const { record } = worker;
    const workerLoad = load.workers.get(record.id);
    shown.add(record.revision);
    workers.push({
      id: record.id,
      revision: record.revision,
      state: record.state,
      running: workerLoad?.running ?? 0,
      runningSinceMs: workerLoad?.runningSinceMs ?? [],
      idleSinceMs: workerLoad?.idleSinceMs ?? null,
      createdAtMs: record.createdAtMs,
      startedAtMs: record.startedAtMs,
      readyAtMs: record.readyAtMs,
      unhealthySinceMs: worker.unhealthySinceMs,
    });
  }
  const revisions = new Map<number, RevisionView>();
  for (const number of shown) {
    const revision = entry.revisions.get(number);
    if (revision === undefined) continue;
    revisions.set(number, {
      number,
      failed: revision.failure !== null,
      startTimeMs: revision.startTimeMs,
      roomWorkers: inventory.room(revision.spec, entries.values()),
      productId: revision.spec.productId,
      devicesPerWorker: inventory.devicesWanted(revision.spec),
    });
  }
  return {
    endpointId: entry.endpoint.id,
    settings: entry.endpoint.settings,
    deleting: entry.endpoint.deleting,
    stableRevision: entry.endpoint.stableRevision,
    targetRevision: entry.endpoint.targetRevision,
    rollout: entry.endpoint.rollout,
    revisions,
    workers,
    waiting: load.waiting,
    waitingSinceMs: load.waitingSinceMs,
    earliestDeadlineMs: load.earliestDeadlineMs,
    serviceTimeMs: entry.serviceTimeMs,
    bake: entry.bake,
    startFailures: entry.startFailures,
    notBeforeMs: entry.notBeforeMs,
    options,
  };
}
