import type { EndpointId, WorkerId } from '../../base/ids.ts';
import type { WorkerAddress } from '../../model/worker.ts';
import {
  ENDPOINT_VARIABLE,
  FENCE_VARIABLE,
  INSTANCE_VARIABLE,
  REVISION_VARIABLE,
  STARTED_VARIABLE,
  WORKER_VARIABLE,
} from '../worker-variables.ts';
import type { ProcessRecord } from './process-record.ts';
import { leadersWith, processStart } from './process-table.ts';
import { DEVICES_VARIABLE } from './worker-environment.ts';

/**
 * Workers of this server as the kernel's process list knows them. It finds those whose spawner died
 * between the spawn and the completed record; everything a record holds is in their environment.
 */
export async function strayWorkers(instance: string): Promise<Map<WorkerId, ProcessRecord>> {
  const found = new Map<WorkerId, ProcessRecord>();
  for (const { pid, environment } of await leadersWith(`${INSTANCE_VARIABLE}=${instance}`)) {
    const record = recordFromEnvironment(pid, processStart(pid), environment);
    if (record !== null) found.set(record.workerId, record);
  }
  return found;
}

/** Null when a variable is missing: then it is not a worker, or it rewrote its own environment. */
export function recordFromEnvironment(
  pid: number,
  pidStart: string | null,
  environment: readonly string[],
): ProcessRecord | null {
  const values = new Map<string, string>();
  for (const entry of environment) {
    const split = entry.indexOf('=');
    if (split > 0) values.set(entry.slice(0, split), entry.slice(split + 1));
  }
  const workerId = values.get(WORKER_VARIABLE);
  const endpointId = values.get(ENDPOINT_VARIABLE);
  const revision = Number(values.get(REVISION_VARIABLE));
  const fence = Number(values.get(FENCE_VARIABLE));
  const startedAtMs = Number(values.get(STARTED_VARIABLE));
  const complete = [revision, fence, startedAtMs].every(Number.isInteger);
  if (workerId === undefined || endpointId === undefined || !complete) return null;
  const addresses: Record<number, WorkerAddress> = {};
  for (const [name, value] of values) {
    const declared = /^PORT_(\d+)$/.exec(name)?.[1];
    if (declared !== undefined) addresses[Number(declared)] = { host: '127.0.0.1', port: Number(value) };
  }
  return {
    workerId: workerId as WorkerId,
    endpointId: endpointId as EndpointId,
    revision,
    fence,
    devices: (values.get(DEVICES_VARIABLE) ?? '').split(',').filter((id) => id !== ''),
    addresses,
    startedAtMs,
    pid,
    pidStart,
  };
}
