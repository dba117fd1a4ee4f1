import type { WorkerId } from '../base/ids.ts';
import { proofShareOf } from '../decide/rollout/proof-share.ts';
import type { EndpointWorld } from '../decide/world.ts';
import { mainPort } from '../model/endpoint.ts';
import { jobTargetOf } from '../model/job-target.ts';
import { rolloutIsOver, rolloutIsProven } from '../model/rollout-state.ts';
import type { Worker, WorkerAddress } from '../model/worker.ts';
import type { ControlPorts } from './control-options.ts';
import { specOf, type EndpointEntry, type WorkerEntry } from './endpoint-entry.ts';

/** A spare worker comes behind those of its own revision, and not behind those of an older one. */
const SPARE_AFTER = 0.5;

/** Gives a ready worker to the gateway, or changes how requests go to it. */
export function routeWorker(
  { traffic }: Pick<ControlPorts, 'traffic'>,
  entry: EndpointEntry,
  worker: WorkerEntry,
): void {
  const { record } = worker;
  const address = addressOf(entry, record, mainPort(specOf(entry, record.revision)));
  if (record.state !== 'ready' || address === null) return;
  traffic.workerPut(entry.endpoint.id, {
    workerId: record.id,
    revision: record.revision,
    address,
    ...(entry.endpoint.type === 'async' ? { jobTarget: jobTargetOf(specOf(entry, record.revision)) } : {}),
    startedAtMs: record.startedAtMs ?? record.createdAtMs,
    ...routeOf(entry, worker),
  });
}

/** What the gateway was told of all of them may no longer hold. */
export function routeWorkers(ports: Pick<ControlPorts, 'traffic'>, entry: EndpointEntry): void {
  for (const worker of entry.workers.values()) routeWorker(ports, entry, worker);
}

/** How the target is given requests while it is being proven; told to the gateway when it changes. */
export function routeProof(
  ports: Pick<ControlPorts, 'traffic'>,
  entry: EndpointEntry,
  world: EndpointWorld,
): void {
  const share = world.rollout?.state === 'baking' ? proofShareOf(world) : 'sample';
  if (share === entry.proofShare) return;
  entry.proofShare = share;
  routeWorkers(ports, entry);
}

/** Who is asked last; told to the gateway when it changes. */
export function routeSpare(
  ports: Pick<ControlPorts, 'traffic'>,
  entry: EndpointEntry,
  spare: readonly WorkerId[],
): void {
  const before = entry.spare;
  if (before.size === 0 && spare.length === 0) return;
  entry.spare = new Set(spare);
  for (const workerId of new Set([...before, ...spare])) {
    const worker = entry.workers.get(workerId);
    if (worker === undefined || before.has(workerId) === entry.spare.has(workerId)) continue;
    routeWorker(ports, entry, worker);
  }
}

/** Where it is reached; its main port's address where that of another is not known. */
export function addressOf(entry: EndpointEntry, record: Worker, port: number): WorkerAddress | null {
  return record.addresses[port] ?? record.addresses[mainPort(specOf(entry, record.revision))] ?? null;
}

/** How requests are given to it now. */
function routeOf(
  entry: EndpointEntry,
  worker: WorkerEntry,
): { preference: number; sampleLimit: number | null } {
  const { rollout, targetRevision } = entry.endpoint;
  if (rollout === null || rolloutIsOver(rollout.state)) {
    const preference = worker.record.revision === entry.endpoint.stableRevision ? 1 : 0;
    const after = entry.spare.has(worker.record.id) ? SPARE_AFTER : 0;
    return { preference: preference - after, sampleLimit: null };
  }
  if (worker.record.revision !== targetRevision) return { preference: 0, sampleLimit: null };
  if (rolloutIsProven(rollout.state)) return { preference: 1, sampleLimit: null };
  switch (entry.proofShare) {
    case 'sample':
      return { preference: 1, sampleLimit: rollout.options.bakeRequests };
    case 'more':
      return { preference: 1, sampleLimit: null };
    case 'even':
      return { preference: 0, sampleLimit: null };
  }
}
