import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { AppError } from '../../base/errors.ts';
import type { Endpoint, Revision } from '../../model/endpoint.ts';
import type { KeptAnswer } from '../../model/kept-answer.ts';
import type { NetworkVolume } from '../../model/network-volume.ts';
import type { PrewarmTask, PulledImage } from '../../model/prewarm-task.ts';
import type { RegistryAuth } from '../../model/registry-auth.ts';
import type { Worker } from '../../model/worker.ts';
import type { ApiKey, ArrivalChunk } from '../../ports/store.ts';
import {
  ApiKeyRecord,
  ArrivalChunkRecord,
  EndpointRecord,
  KeptAnswerRecord,
  NetworkVolumeRecord,
  PrewarmTaskRecord,
  PulledImageRecord,
  RegistryAuthRecord,
  RevisionRecord,
  WorkerRecord,
} from './record-schema.ts';
import type {
  ApiKeyRow,
  ArrivalChunkRow,
  EndpointRow,
  KeptAnswerRow,
  PrewarmTaskRow,
  PulledImageRow,
  RegistryAuthRow,
  RevisionRow,
  VolumeRow,
  WorkerRow,
} from './tables.ts';

/** A fault of a record can repeat for each of its fields; the first ones tell enough. */
const FAULTS_SHOWN = 3;

export function endpointToRow(endpoint: Endpoint): EndpointRow {
  const { id, ownerId, appName, createdAtMs, generation, settingsGeneration, deleting, ...record } = endpoint;
  return {
    id,
    owner_id: ownerId,
    app_name: appName,
    created_at_ms: createdAtMs,
    generation,
    deleting: deleting ? 1 : 0,
    settings_generation: settingsGeneration,
    record: JSON.stringify(record),
  };
}

export function endpointFromRow(row: EndpointRow): Endpoint {
  const place = `endpoint ${row.id}`;
  return checked(EndpointRecord, place, {
    ...parsedObject(row.record, place),
    id: row.id,
    ownerId: row.owner_id,
    appName: row.app_name,
    createdAtMs: row.created_at_ms,
    generation: row.generation,
    settingsGeneration: row.settings_generation,
    deleting: row.deleting === 1,
  });
}

export function revisionToRow(revision: Revision): RevisionRow {
  return {
    endpoint_id: revision.endpointId,
    number: revision.number,
    created_at_ms: revision.createdAtMs,
    created_by: revision.createdBy,
    settings: revision.settings === null ? null : JSON.stringify(revision.settings),
    from_revision: revision.fromRevision,
    restores: revision.restores,
    stable_at_ms: revision.stableAtMs,
    pinned_image: revision.pinnedImage,
    failure: revision.failure,
    start_time_ms: revision.startTimeMs,
    pull_time_ms: revision.pullTimeMs,
    drain_time_ms: revision.drainTimeMs,
    stop_time_ms: revision.stopTimeMs,
    spec: JSON.stringify(revision.spec),
  };
}

export function revisionFromRow(row: RevisionRow): Revision {
  const place = `revision ${row.number} of endpoint ${row.endpoint_id}`;
  return checked(RevisionRecord, place, {
    endpointId: row.endpoint_id,
    number: row.number,
    spec: parsedObject(row.spec, place),
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
    settings: row.settings === null ? null : parsedObject(row.settings, place),
    fromRevision: row.from_revision,
    restores: row.restores,
    stableAtMs: row.stable_at_ms,
    pinnedImage: row.pinned_image,
    failure: row.failure,
    startTimeMs: row.start_time_ms,
    pullTimeMs: row.pull_time_ms,
    drainTimeMs: row.drain_time_ms,
    stopTimeMs: row.stop_time_ms,
  });
}

export function workerToRow(worker: Worker): WorkerRow {
  const { id, endpointId, revision, state, createdAtMs, ...record } = worker;
  return {
    id,
    endpoint_id: endpointId,
    revision,
    state,
    created_at_ms: createdAtMs,
    record: JSON.stringify(record),
  };
}

export function workerFromRow(row: WorkerRow): Worker {
  const place = `worker ${row.id}`;
  return checked(WorkerRecord, place, {
    ...parsedObject(row.record, place),
    id: row.id,
    endpointId: row.endpoint_id,
    revision: row.revision,
    state: row.state,
    createdAtMs: row.created_at_ms,
  });
}

export function keptAnswerToRow(answer: KeptAnswer): KeptAnswerRow {
  return {
    owner_id: answer.ownerId,
    key: answer.key,
    fingerprint: answer.fingerprint,
    created_at_ms: answer.createdAtMs,
    body: answer.body,
  };
}

export function keptAnswerFromRow(row: KeptAnswerRow): KeptAnswer {
  return checked(KeptAnswerRecord, `answer under the key "${row.key}"`, {
    ownerId: row.owner_id,
    key: row.key,
    fingerprint: row.fingerprint,
    createdAtMs: row.created_at_ms,
    body: row.body,
  });
}

export function apiKeyToRow(key: ApiKey): ApiKeyRow {
  return {
    hash: key.hash,
    owner_id: key.ownerId,
    name: key.name,
    admin: key.admin ? 1 : 0,
    created_at_ms: key.createdAtMs,
  };
}

export function apiKeyFromRow(row: ApiKeyRow): ApiKey {
  return checked(ApiKeyRecord, `API key "${row.name}"`, {
    hash: row.hash,
    ownerId: row.owner_id,
    name: row.name,
    admin: row.admin === 1,
    createdAtMs: row.created_at_ms,
  });
}

export function arrivalChunkToRow(chunk: ArrivalChunk): ArrivalChunkRow {
  return {
    id: chunk.id,
    endpoint_id: chunk.endpointId,
    first_end_ms: chunk.firstEndMs,
    last_end_ms: chunk.lastEndMs,
    count: chunk.count,
    size_bytes: chunk.bytes.length,
    bytes: chunk.bytes,
  };
}

export function arrivalChunkFromRow(row: ArrivalChunkRow): ArrivalChunk {
  return checked(ArrivalChunkRecord, `arrival chunk ${row.id} of endpoint ${row.endpoint_id}`, {
    id: row.id,
    endpointId: row.endpoint_id,
    firstEndMs: row.first_end_ms,
    lastEndMs: row.last_end_ms,
    count: row.count,
    bytes: row.bytes,
  });
}

export function registryAuthToRow(auth: RegistryAuth): RegistryAuthRow {
  return {
    id: auth.id,
    owner_id: auth.ownerId,
    name: auth.name,
    registry: auth.registry,
    username: auth.username,
    sealed_password: auth.sealedPassword,
    created_at_ms: auth.createdAtMs,
  };
}

export function registryAuthFromRow(row: RegistryAuthRow): RegistryAuth {
  return checked(RegistryAuthRecord, `registry credential ${row.id}`, {
    id: row.id,
    ownerId: row.owner_id,
    name: row.name,
    registry: row.registry,
    username: row.username,
    sealedPassword: row.sealed_password,
    createdAtMs: row.created_at_ms,
  });
}

export function volumeToRow(volume: NetworkVolume): VolumeRow {
  return {
    id: volume.id,
    owner_id: volume.ownerId,
    name: volume.name,
    size_gb: volume.sizeGb,
    region_id: volume.regionId,
    created_at_ms: volume.createdAtMs,
  };
}

export function volumeFromRow(row: VolumeRow): NetworkVolume {
  return checked(NetworkVolumeRecord, `volume ${row.id}`, {
    id: row.id,
    ownerId: row.owner_id,
    name: row.name,
    sizeGb: row.size_gb,
    regionId: row.region_id,
    createdAtMs: row.created_at_ms,
  });
}

export function prewarmTaskToRow(task: PrewarmTask): PrewarmTaskRow {
  const { id, ownerId, state, createdAtMs, ...record } = task;
  return { id, owner_id: ownerId, state, created_at_ms: createdAtMs, record: JSON.stringify(record) };
}

export function prewarmTaskFromRow(row: PrewarmTaskRow): PrewarmTask {
  const place = `prewarm task ${row.id}`;
  return checked(PrewarmTaskRecord, place, {
    ...parsedObject(row.record, place),
    id: row.id,
    ownerId: row.owner_id,
    state: row.state,
    createdAtMs: row.created_at_ms,
  });
}

export function pulledImageToRow(image: PulledImage): PulledImageRow {
  const { id, lastUsedAtMs, ...record } = image;
  return { id, last_used_at_ms: lastUsedAtMs, record: JSON.stringify(record) };
}

export function pulledImageFromRow(row: PulledImageRow): PulledImage {
  const place = `image ${row.id}`;
  return checked(PulledImageRecord, place, {
    ...parsedObject(row.record, place),
    id: row.id,
    lastUsedAtMs: row.last_used_at_ms,
  });
}

function parsedObject(json: string, place: string): object {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw unreadable(place, `its JSON is broken: ${(cause as Error).message}`, cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw unreadable(place, 'its JSON is not an object', undefined);
  }
  return value;
}

function checked<Schema extends TSchema>(schema: Schema, place: string, value: unknown): Static<Schema> {
  if (Value.Check(schema, value)) return value;
  const faults = Value.Errors(schema, value).map(
    (fault) => `${fault.instancePath === '' ? 'the record' : fault.instancePath} ${fault.message}`,
  );
  throw unreadable(place, faults.slice(0, FAULTS_SHOWN).join('; '), undefined);
}

function unreadable(place: string, what: string, cause: unknown): AppError {
  return new AppError(
    'STORE_FAILED',
    `The stored ${place} cannot be read: ${what}. It was changed by hand, damaged, or written by another version; restore a backup or start the version that wrote it.`,
    { cause },
  );
}
