import type {
  ArrivalChunkId,
  EndpointId,
  OwnerId,
  PrewarmTaskId,
  RegistryAuthId,
  RolloutId,
  VolumeId,
  WorkerId,
} from '../../src/base/ids.ts';
import { rolloutOptions } from '../../src/decide/sample-world.ts';
import type { Endpoint, Revision } from '../../src/model/endpoint.ts';
import type { KeptAnswer } from '../../src/model/kept-answer.ts';
import type { NetworkVolume } from '../../src/model/network-volume.ts';
import type { PrewarmTask, PulledImage } from '../../src/model/prewarm-task.ts';
import type { RegistryAuth } from '../../src/model/registry-auth.ts';
import type { Worker } from '../../src/model/worker.ts';
import type { ApiKey, ArrivalChunk } from '../../src/ports/store.ts';

const CREATED_AT_MS = 1_700_000_000_000;

/** Records with every field filled, so that none can be lost unseen on the way to a disk and back. */
export function storedEndpoint(id: string, change: Partial<Endpoint> = {}): Endpoint {
  return {
    id: id as EndpointId,
    type: 'sync',
    appName: `app-${id}`,
    ownerId: 'owner-1' as OwnerId,
    createdAtMs: CREATED_AT_MS,
    generation: 1,
    settings: {
      name: 'Ünïcode "quoted" \u{1f600}',
      minReplicas: 0,
      maxReplicas: 3,
      idleTimeoutSeconds: 60,
      maxConcurrentPerWorker: 2,
      requestTimeoutSeconds: 300,
      policy: { type: 'concurrency', value: 4 },
      healthCheck: { path: '/health', port: 9000 },
    },
    settingsGeneration: 4,
    stableRevision: 1,
    targetRevision: 2,
    lastRevision: 2,
    rollout: {
      id: 'rollout-1' as RolloutId,
      state: 'baking',
      fromRevision: 1,
      toRevision: 2,
      mode: 'swap',
      startedAtMs: CREATED_AT_MS + 1,
      endedAtMs: null,
      workersBefore: 2,
      startFailures: 1,
      postponements: 0,
      notBeforeMs: 0,
      message: '',
      options: rolloutOptions(),
      order: 'go',
      stateSinceMs: 1_700_000_000_000,
    },
    message: 'the last rollout failed',
    deleting: false,
    ...change,
  };
}

export function storedRevision(endpointId: string, number: number, change: Partial<Revision> = {}): Revision {
  return {
    endpointId: endpointId as EndpointId,
    number,
    spec: {
      productId: 'gpu',
      regionId: 'local',
      image: 'host',
      registryAuthId: '',
      entrypoint: '',
      command: "node server.js --greet 'hello world'",
      envs: [{ key: 'A', value: 'line\nbreak' }],
      ports: [9000, 9001],
      volumes: [{ id: 'v1', type: 'local', size: 10, mountPoint: '/data' }],
      gpuNum: 1,
      rootfsSizeGb: 20,
      minCudaVersion: '12.4',
    },
    createdAtMs: CREATED_AT_MS,
    createdBy: 'owner-1' as OwnerId,
    settings: storedEndpoint(endpointId).settings,
    fromRevision: number === 1 ? null : number - 1,
    restores: null,
    stableAtMs: null,
    pinnedImage: null,
    failure: null,
    startTimeMs: null,
    pullTimeMs: null,
    drainTimeMs: null,
    stopTimeMs: null,
    ...change,
  };
}

export function storedWorker(id: string, endpointId: string, change: Partial<Worker> = {}): Worker {
  return {
    id: id as WorkerId,
    endpointId: endpointId as EndpointId,
    revision: 1,
    state: 'ready',
    devices: ['GPU-1', 'GPU-2'],
    addresses: { 9000: { host: '127.0.0.1', port: 41_000 } },
    createdAtMs: CREATED_AT_MS,
    startedAtMs: CREATED_AT_MS + 1,
    readyAtMs: CREATED_AT_MS + 300.5,
    endedAtMs: null,
    reason: 'a request waits',
    exit: null,
    lastOutput: 'Traceback\nOut of memory',
    lastRequests: [
      {
        requestId: 'r1',
        method: 'POST',
        path: '/v1/é',
        startedAtMs: CREATED_AT_MS + 400.25,
        endedAtMs: CREATED_AT_MS + 500,
        status: 200,
        outcome: 'complete',
      },
      {
        requestId: 'r2',
        method: 'GET',
        path: '/',
        startedAtMs: null,
        endedAtMs: null,
        status: null,
        outcome: null,
      },
    ],
    ...change,
  };
}

export function storedAnswer(key: string, change: Partial<KeptAnswer> = {}): KeptAnswer {
  return {
    ownerId: 'owner-1' as OwnerId,
    key,
    fingerprint: 'abcdef',
    createdAtMs: CREATED_AT_MS,
    body: '{"id":"e1"}',
    ...change,
  };
}

export function storedApiKey(hash: string, change: Partial<ApiKey> = {}): ApiKey {
  return {
    hash,
    ownerId: 'owner-1' as OwnerId,
    name: 'first',
    admin: true,
    createdAtMs: CREATED_AT_MS,
    ...change,
  };
}

export function storedArrivalChunk(
  id: string,
  endpointId: string,
  change: Partial<ArrivalChunk> = {},
): ArrivalChunk {
  return {
    id: id as ArrivalChunkId,
    endpointId: endpointId as EndpointId,
    firstEndMs: CREATED_AT_MS,
    lastEndMs: CREATED_AT_MS + 60_000,
    count: 12,
    bytes: Uint8Array.from([0, 1, 127, 128, 255]),
    ...change,
  };
}

export function storedRegistryAuth(id: string, change: Partial<RegistryAuth> = {}): RegistryAuth {
  return {
    id: id as RegistryAuthId,
    ownerId: 'owner-1' as OwnerId,
    name: 'production',
    registry: 'registry.example:5000',
    username: 'robot$puller',
    sealedPassword: 'v1.00ff.AAAA.BBBB',
    createdAtMs: CREATED_AT_MS,
    ...change,
  };
}

export function storedVolume(id: string, change: Partial<NetworkVolume> = {}): NetworkVolume {
  return {
    id: id as VolumeId,
    ownerId: 'owner-1' as OwnerId,
    name: 'models',
    sizeGb: 200,
    regionId: 'local',
    createdAtMs: CREATED_AT_MS,
    ...change,
  };
}

export function storedPrewarmTask(id: string, change: Partial<PrewarmTask> = {}): PrewarmTask {
  return {
    id: id as PrewarmTaskId,
    ownerId: 'owner-1' as OwnerId,
    name: 'tonight',
    note: 'before the launch',
    image: 'registry.example:5000/llm:2',
    regionId: 'local',
    productIds: ['gpu'],
    registryAuthId: 'auth1',
    state: 'failed',
    reasons: ['the registry is down'],
    imageBytes: 12_000_000_000,
    createdAtMs: CREATED_AT_MS,
    completedAtMs: CREATED_AT_MS + 60_000,
    ...change,
  };
}

export function storedPulledImage(id: string, change: Partial<PulledImage> = {}): PulledImage {
  return {
    id,
    references: ['registry.example:5000/llm:2', 'registry.example:5000/llm@sha256:0a'],
    sizeBytes: 12_000_000_000,
    pulledAtMs: CREATED_AT_MS,
    lastUsedAtMs: CREATED_AT_MS + 5,
    ...change,
  };
}
