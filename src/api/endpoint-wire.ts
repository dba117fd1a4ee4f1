import { endpointFields, unixSeconds } from '../model/endpoint-fields.ts';
import type { EndpointObject, EndpointWorker, Status } from '../model/endpoint-schema.ts';
import type { WorkerObject } from '../model/answer-schema.ts';
import type { Rollout } from '../model/endpoint.ts';
import type { WorkerExit } from '../model/worker-exit.ts';
import type { RolloutObject } from '../model/rollout-schema.ts';
import { endpointEtag } from '../model/etag.ts';
import type { WorkerRequest } from '../model/request-schema.ts';
import type { LastRequest, Worker } from '../model/worker.ts';
import type { EndpointView } from '../ports/endpoint-service.ts';
import { fractionalSeconds } from './request-wire.ts';

/** An endpoint as the API answers it. */
export function endpointObject(view: EndpointView): EndpointObject {
  const { endpoint, revision } = view;
  return {
    id: endpoint.id,
    type: endpoint.type,
    app_name: endpoint.appName,
    status: { status: view.status, error: view.error, message: view.message },
    url: view.url,
    ...endpointFields(endpoint.settings, revision.spec),
    workers: view.workers.map(endpointWorker),
    revision: revision.number,
    etag: endpointEtag(revision.number, endpoint.settingsGeneration),
    rollout: endpoint.rollout === null ? null : rolloutObject(endpoint.rollout),
    // The vendor tells apart who made it and whose account it is; here both are the key's owner.
    member_id: endpoint.ownerId,
    owner_id: endpoint.ownerId,
    created_at: unixSeconds(endpoint.createdAtMs),
  };
}

export function rolloutObject(rollout: Rollout): RolloutObject {
  return {
    id: rollout.id,
    state: rollout.state,
    from_revision: rollout.fromRevision,
    to_revision: rollout.toRevision,
    mode: rollout.mode,
    message: rollout.message,
    started_at: unixSeconds(rollout.startedAtMs),
    ended_at: rollout.endedAtMs === null ? null : unixSeconds(rollout.endedAtMs),
  };
}

export function endpointWorker(worker: Worker): EndpointWorker {
  return {
    id: worker.id,
    status: workerStatus(worker),
    log: workerLogPath(worker),
    // A draining worker still serves what it runs, so it is not shown as ill.
    health: worker.state === 'ready' || worker.state === 'draining',
    drain: worker.state === 'draining' || worker.state === 'stopping',
    revision: worker.revision,
  };
}

/** A worker with its history, as the list of workers answers it. */
export function workerObject(worker: Worker): WorkerObject {
  return {
    ...endpointWorker(worker),
    devices: [...worker.devices],
    created_at: unixSeconds(worker.createdAtMs),
    ...(worker.startedAtMs === null ? {} : { started_at: unixSeconds(worker.startedAtMs) }),
    ...(worker.readyAtMs === null ? {} : { ready_at: unixSeconds(worker.readyAtMs) }),
    ...(worker.endedAtMs === null ? {} : { ended_at: unixSeconds(worker.endedAtMs) }),
    ...(worker.exit === null ? {} : { exit: exitObject(worker.exit) }),
    ...(worker.lastOutput === '' ? {} : { last_output: worker.lastOutput }),
    ...(worker.lastRequests.length === 0 ? {} : { last_requests: worker.lastRequests.map(workerRequest) }),
  };
}

function exitObject({ code, signal, outOfMemory, peakMemoryMib }: WorkerExit) {
  return { code, signal, out_of_memory: outOfMemory, peak_memory_mib: peakMemoryMib };
}

function workerRequest(request: LastRequest): WorkerRequest {
  return {
    id: request.requestId,
    method: request.method,
    path: request.path,
    started_at: fractionalSeconds(request.startedAtMs),
    ended_at: fractionalSeconds(request.endedAtMs),
    status: request.status,
    outcome: request.outcome,
  };
}

function workerStatus(worker: Worker): Status {
  const failed = worker.state === 'failed';
  return { status: worker.state, error: failed ? exitText(worker.exit) : '', message: worker.reason };
}

function exitText(exit: WorkerExit | null): string {
  if (exit === null) return 'failed';
  if (exit.outOfMemory === true) return 'out of memory';
  return exit.signal === null ? `exit code ${exit.code ?? 'unknown'}` : `signal ${exit.signal}`;
}

function workerLogPath(worker: Worker): string {
  const endpoint = encodeURIComponent(worker.endpointId);
  return `/gpus/v2/endpoints/${endpoint}/workers/${encodeURIComponent(worker.id)}/log`;
}
