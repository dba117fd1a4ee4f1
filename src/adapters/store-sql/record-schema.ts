import { Type, type Static, type TSchema } from 'typebox';
import type {
  ArrivalChunkId,
  EndpointId,
  OwnerId,
  PrewarmTaskId,
  RegistryAuthId,
  RolloutId,
  VolumeId,
  WorkerId,
} from '../../base/ids.ts';
import type { Endpoint, Revision } from '../../model/endpoint.ts';
import { ROLLOUT_ORDERS } from '../../model/rollout-order.ts';
import { ROLLOUT_STATES } from '../../model/rollout-state.ts';
import { TIMELINE_OUTCOMES } from '../../model/request-timeline.ts';
import { WORKER_STATES } from '../../model/worker-state.ts';
import type { KeptAnswer } from '../../model/kept-answer.ts';
import type { NetworkVolume } from '../../model/network-volume.ts';
import { PREWARM_STATES } from '../../model/prewarm-state.ts';
import type { PrewarmTask, PulledImage } from '../../model/prewarm-task.ts';
import type { RegistryAuth } from '../../model/registry-auth.ts';
import type { Worker } from '../../model/worker.ts';
import type { ApiKey, ArrivalChunk } from '../../ports/store.ts';

/**
 * What a stored record must look like. Unknown fields are refused as missing ones are: a record of
 * another shape was written by another version without a migration, and the next write would drop
 * what is not known here. A field added to a record of the model needs a place here and a migration.
 */
function record<Properties extends Record<string, TSchema>>(properties: Properties) {
  return Type.Object(properties, { additionalProperties: false });
}

function id<Id extends string>() {
  return Type.Unsafe<Id>(Type.String({ minLength: 1 }));
}

const count = Type.Integer({ minimum: 0 });
const ordinal = Type.Integer({ minimum: 1 });
const timeMs = Type.Number();
const maybeTimeMs = Type.Union([timeMs, Type.Null()]);
const maybeOrdinal = Type.Union([ordinal, Type.Null()]);
const text = Type.String();
const exit = record({
  code: Type.Union([Type.Integer(), Type.Null()]),
  signal: Type.Union([text, Type.Null()]),
  outOfMemory: Type.Union([Type.Boolean(), Type.Null()]),
  peakMemoryMib: Type.Union([count, Type.Null()]),
});

const RevisionSpecRecord = record({
  productId: text,
  regionId: text,
  image: text,
  registryAuthId: text,
  entrypoint: text,
  command: text,
  envs: Type.Array(record({ key: text, value: text })),
  ports: Type.Array(count),
  volumes: Type.Array(
    record({
      id: text,
      type: Type.Enum(['local', 'network']),
      size: Type.Union([Type.Number(), Type.Null()]),
      mountPoint: text,
    }),
  ),
  gpuNum: count,
  rootfsSizeGb: Type.Number(),
  minCudaVersion: text,
});

const SettingsRecord = record({
  name: text,
  minReplicas: count,
  maxReplicas: count,
  idleTimeoutSeconds: Type.Number(),
  maxConcurrentPerWorker: ordinal,
  requestTimeoutSeconds: Type.Number(),
  policy: record({ type: Type.Enum(['queue', 'concurrency']), value: Type.Number() }),
  healthCheck: record({ path: text, port: count }),
});

const workerAmount = record({ value: count, unit: Type.Enum(['workers', 'percent']) });

const RolloutOptionsRecord = record({
  maxSurge: workerAmount,
  firstStep: workerAmount,
  bakeMs: count,
  bakeRequests: count,
  watchMs: count,
  drainDeadlineMs: count,
  guard: record({ enabled: Type.Boolean(), slowdown: Type.Number(), minFailures: ordinal }),
});

const RolloutRecord = record({
  id: id<RolloutId>(),
  state: Type.Enum([...ROLLOUT_STATES]),
  fromRevision: ordinal,
  toRevision: ordinal,
  mode: Type.Union([Type.Enum(['surge', 'swap', 'cold']), Type.Null()]),
  startedAtMs: timeMs,
  endedAtMs: maybeTimeMs,
  workersBefore: count,
  startFailures: count,
  postponements: count,
  notBeforeMs: timeMs,
  message: text,
  options: RolloutOptionsRecord,
  order: Type.Enum([...ROLLOUT_ORDERS]),
  stateSinceMs: timeMs,
});

export const EndpointRecord = record({
  id: id<EndpointId>(),
  type: Type.Enum(['sync', 'async']),
  appName: text,
  ownerId: id<OwnerId>(),
  createdAtMs: timeMs,
  generation: count,
  settings: SettingsRecord,
  settingsGeneration: ordinal,
  stableRevision: ordinal,
  targetRevision: maybeOrdinal,
  lastRevision: ordinal,
  rollout: Type.Union([RolloutRecord, Type.Null()]),
  message: text,
  deleting: Type.Boolean(),
});

export const RevisionRecord = record({
  endpointId: id<EndpointId>(),
  number: ordinal,
  spec: RevisionSpecRecord,
  createdAtMs: timeMs,
  createdBy: Type.Union([id<OwnerId>(), Type.Null()]),
  settings: Type.Union([SettingsRecord, Type.Null()]),
  fromRevision: maybeOrdinal,
  restores: maybeOrdinal,
  stableAtMs: maybeTimeMs,
  pinnedImage: Type.Union([text, Type.Null()]),
  failure: Type.Union([text, Type.Null()]),
  startTimeMs: maybeTimeMs,
  pullTimeMs: maybeTimeMs,
  drainTimeMs: maybeTimeMs,
  stopTimeMs: maybeTimeMs,
});

export const WorkerRecord = record({
  id: id<WorkerId>(),
  endpointId: id<EndpointId>(),
  revision: ordinal,
  state: Type.Enum([...WORKER_STATES]),
  devices: Type.Array(text),
  addresses: Type.Record(
    Type.String({ pattern: '^[0-9]+$' }),
    record({ host: text, port: count, throughProxy: Type.Optional(Type.Literal(true)) }),
    {
      additionalProperties: false,
    },
  ),
  createdAtMs: timeMs,
  startedAtMs: maybeTimeMs,
  readyAtMs: maybeTimeMs,
  endedAtMs: maybeTimeMs,
  reason: text,
  exit: Type.Union([exit, Type.Null()]),
  lastOutput: text,
  lastRequests: Type.Array(
    record({
      requestId: text,
      method: text,
      path: text,
      startedAtMs: maybeTimeMs,
      endedAtMs: maybeTimeMs,
      status: Type.Union([Type.Integer(), Type.Null()]),
      outcome: Type.Union([Type.Enum([...TIMELINE_OUTCOMES]), Type.Null()]),
    }),
  ),
});

export const ArrivalChunkRecord = record({
  id: id<ArrivalChunkId>(),
  endpointId: id<EndpointId>(),
  firstEndMs: timeMs,
  lastEndMs: timeMs,
  count: ordinal,
  // Checked by who reads what is packed in it.
  bytes: Type.Unsafe<Uint8Array>({}),
});

export const KeptAnswerRecord = record({
  ownerId: id<OwnerId>(),
  key: text,
  fingerprint: text,
  createdAtMs: timeMs,
  body: text,
});

export const RegistryAuthRecord = record({
  id: id<RegistryAuthId>(),
  ownerId: id<OwnerId>(),
  name: text,
  registry: text,
  username: text,
  sealedPassword: text,
  createdAtMs: timeMs,
});

export const NetworkVolumeRecord = record({
  id: id<VolumeId>(),
  ownerId: id<OwnerId>(),
  name: text,
  sizeGb: ordinal,
  regionId: text,
  createdAtMs: timeMs,
});

export const PrewarmTaskRecord = record({
  id: id<PrewarmTaskId>(),
  ownerId: id<OwnerId>(),
  name: text,
  note: text,
  image: text,
  regionId: text,
  productIds: Type.Array(text),
  registryAuthId: text,
  state: Type.Enum([...PREWARM_STATES]),
  reasons: Type.Array(text),
  imageBytes: Type.Union([count, Type.Null()]),
  createdAtMs: timeMs,
  completedAtMs: maybeTimeMs,
});

export const PulledImageRecord = record({
  id: text,
  references: Type.Array(text),
  sizeBytes: count,
  pulledAtMs: timeMs,
  lastUsedAtMs: timeMs,
});

export const ApiKeyRecord = record({
  hash: text,
  ownerId: id<OwnerId>(),
  name: text,
  admin: Type.Boolean(),
  createdAtMs: timeMs,
});

/** Does not compile when a schema and its record part ways. */
type Covers<Stored, Model> = Stored extends Model
  ? [keyof Model] extends [keyof Stored]
    ? true
    : never
  : never;
export const SCHEMAS_COVER_MODEL: readonly [
  Covers<Static<typeof EndpointRecord>, Endpoint>,
  Covers<Static<typeof RevisionRecord>, Revision>,
  Covers<Static<typeof WorkerRecord>, Worker>,
  Covers<Static<typeof ArrivalChunkRecord>, ArrivalChunk>,
  Covers<Static<typeof KeptAnswerRecord>, KeptAnswer>,
  Covers<Static<typeof RegistryAuthRecord>, RegistryAuth>,
  Covers<Static<typeof NetworkVolumeRecord>, NetworkVolume>,
  Covers<Static<typeof PrewarmTaskRecord>, PrewarmTask>,
  Covers<Static<typeof PulledImageRecord>, PulledImage>,
  Covers<Static<typeof ApiKeyRecord>, ApiKey>,
] = [true, true, true, true, true, true, true, true, true, true];
