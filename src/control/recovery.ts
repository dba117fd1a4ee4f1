import type { EndpointId } from '../base/ids.ts';
import type { Endpoint, Revision } from '../model/endpoint.ts';
import type { Worker } from '../model/worker.ts';
import { workerIsOver, workerTransition, type WorkerState } from '../model/worker-state.ts';
import type { FoundWorker, StartedWorker } from '../ports/driver.ts';
import type { ControlPorts } from './control-options.ts';
import { newEntry, type EndpointEntry } from './endpoint-entry.ts';
import { putEndpoint } from './endpoint-refusal.ts';
import type { EndpointRecords } from './endpoint-records.ts';
import type { WorkerLifecycle } from './worker-lifecycle.ts';

/** From SIGTERM to SIGKILL for a worker nobody knows. */
const ORPHAN_GRACE_MS = 5_000;

/**
 * Brings memory, store and the driver's workers together when a server starts:
 *
 *   record | found running | then
 *   live   | yes           | adopted: it goes on in the state its record says
 *   live   | no            | marked as failed: it ended while no server watched
 *   none   | yes           | adopted when its endpoint still has that revision, else stopped: an orphan
 *   ended  | yes           | stopped: its end had been decided
 *   none   | no            | forgotten
 */
export async function recover(
  ports: ControlPorts,
  entries: Map<EndpointId, EndpointEntry>,
  records: EndpointRecords,
  lifecycle: WorkerLifecycle,
): Promise<void> {
  for (const endpoint of await ports.store.endpointList()) {
    const stored = await ports.store.revisionList(endpoint.id);
    const revisions = stored.map((revision) => sharingSettings(revision, endpoint));
    entries.set(endpoint.id, newEntry(endpoint, revisions, ports.clock.nowMs()));
  }
  for (const entry of entries.values()) putEndpoint(ports.traffic, entry.endpoint, null);

  const found = new Map((await ports.driver.list()).map((worker) => [worker.workerId, worker]));
  const stored = [...(await ports.store.workerList())].sort((a, b) => a.createdAtMs - b.createdAtMs);
  const orphans: FoundWorker[] = [];
  for (const record of stored) {
    const entry = entries.get(record.endpointId);
    const seen = found.get(record.id);
    found.delete(record.id);
    if (entry === undefined) {
      if (seen?.running === true) orphans.push(seen);
      continue;
    }
    if (workerIsOver(record.state)) {
      if (seen?.running === true) orphans.push(seen);
      lifecycle.ended.keep(entry, record);
    } else if (seen?.running !== true || !(await adopt(ports, lifecycle, entry, record, seen))) {
      markGone(ports, records, lifecycle, entry, record, seen);
    }
  }
  for (const seen of found.values()) {
    const entry = entries.get(seen.endpointId);
    const known = entry?.revisions.has(seen.revision) === true && !entry.endpoint.deleting;
    const adopted = seen.running && known && (await adopt(ports, lifecycle, entry, recordOf(seen), seen));
    if (!adopted) orphans.push(seen);
  }
  for (const entry of entries.values()) markFailed(entry, records);
  // Awaited before anything starts: the devices they hold are not free before they are gone.
  await Promise.all(orphans.map((seen) => removeOrphan(ports, seen)));
}

/** The end of a rollout was stored, and what it says of the revision was not. */
function markFailed(entry: EndpointEntry, records: EndpointRecords): void {
  const { rollout } = entry.endpoint;
  if (rollout?.state !== 'failed' && rollout?.state !== 'aborted') return;
  const revision = entry.revisions.get(rollout.toRevision);
  if (revision === undefined || revision.failure !== null) return;
  records.revisionChange(entry, rollout.toRevision, { failure: rollout.message });
}

/** False when it ended since it was found. */
/** Most revisions were made with the settings that are in force: in memory they are one thing, as they were before. */
function sharingSettings(revision: Revision, { settings }: Endpoint): Revision {
  if (revision.settings === null || JSON.stringify(revision.settings) !== JSON.stringify(settings))
    return revision;
  return { ...revision, settings };
}

async function adopt(
  ports: ControlPorts,
  lifecycle: WorkerLifecycle,
  entry: EndpointEntry,
  record: Worker,
  seen: FoundWorker,
): Promise<boolean> {
  let started: StartedWorker;
  try {
    started = await ports.driver.recover(record.id);
  } catch (error) {
    ports.log.warn('a worker ended while it was being taken back', { workerId: record.id, error });
    return false;
  }
  // The crash may have come between the driver's start and the record of it, even of its first step.
  let { state } = record;
  if (state === 'pending') state = workerTransition(state, 'devicesAssigned');
  if (state === 'pulling') state = workerTransition(state, 'prepared');
  const startedAtMs = record.startedAtMs ?? seen.startedAtMs;
  lifecycle.adopt(entry, { ...record, state, startedAtMs }, { ...seen, addresses: started.addresses });
  ports.log.info('worker adopted', { endpointId: entry.endpoint.id, workerId: record.id, state });
  return true;
}

function markGone(
  ports: ControlPorts,
  records: EndpointRecords,
  lifecycle: WorkerLifecycle,
  entry: EndpointEntry,
  record: Worker,
  seen: FoundWorker | undefined,
): void {
  const state = goneState(record.state);
  const ended: Worker = {
    ...record,
    state,
    devices: [],
    endedAtMs: ports.clock.nowMs(),
    exit: seen?.exit ?? null,
    reason: state === 'stopped' ? record.reason : 'it ended while the server was not running',
  };
  records.workerPut(ended);
  lifecycle.ended.keep(entry, ended);
  if (seen !== undefined) void lifecycle.ended.keepOutput(entry, record.id);
}

/** A worker that was on its way out, or had no process yet, has only reached its end; any other broke. */
function goneState(state: WorkerState): WorkerState {
  switch (state) {
    case 'pending':
      return workerTransition(state, 'stopAsked');
    case 'draining':
      return workerTransition(workerTransition(state, 'stopAsked'), 'ended');
    case 'stopping':
      return workerTransition(state, 'ended');
    default:
      return workerTransition(state, 'broke');
  }
}

async function removeOrphan(ports: ControlPorts, seen: FoundWorker): Promise<void> {
  if (seen.running) {
    ports.log.warn('a worker that no endpoint knows is stopped', {
      workerId: seen.workerId,
      endpointId: seen.endpointId,
    });
    await ports.driver.stop(seen.workerId, ORPHAN_GRACE_MS);
  }
  await ports.driver.forget(seen.workerId);
}

function recordOf(seen: FoundWorker): Worker {
  return {
    id: seen.workerId,
    endpointId: seen.endpointId,
    revision: seen.revision,
    state: 'starting',
    devices: seen.devices,
    addresses: seen.addresses,
    createdAtMs: seen.startedAtMs,
    startedAtMs: seen.startedAtMs,
    readyAtMs: null,
    endedAtMs: null,
    reason: 'found running when the server came back',
    exit: null,
    lastOutput: '',
    lastRequests: [],
  };
}
