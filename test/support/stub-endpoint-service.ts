import type { DeviceView } from '../../src/model/device-view.ts';
import { AppError } from '../../src/base/errors.ts';
import type { EndpointId, OwnerId, WorkerId } from '../../src/base/ids.ts';
import type { Revision } from '../../src/model/endpoint.ts';
import type { UpdateForecast } from '../../src/model/update-forecast.ts';
import type {
  EndpointView,
  EndpointService,
  RevisionView,
  UpdatePreview,
  RolloutView,
} from '../../src/ports/endpoint-service.ts';
import { guardReport, rollout as sampleRollout } from '../../src/decide/sample-world.ts';
import type { EndpointEvent } from '../../src/model/endpoint-event.ts';
import type { RequestTimeline } from '../../src/model/request-timeline.ts';
import type { Worker } from '../../src/model/worker.ts';

export const STUB_ENDPOINT_ID = 'abcdef123456';

/** A view with a value in every field. */
export function stubView(changes: Partial<EndpointView> = {}): EndpointView {
  const id = STUB_ENDPOINT_ID as EndpointId;
  return {
    endpoint: {
      id,
      type: 'sync',
      appName: 'chat',
      ownerId: 'owner-1' as OwnerId,
      createdAtMs: 1_700_000_000_999,
      generation: 3,
      settings: {
        name: 'Chat',
        minReplicas: 0,
        maxReplicas: 2,
        idleTimeoutSeconds: 60,
        maxConcurrentPerWorker: 4,
        requestTimeoutSeconds: 300,
        policy: { type: 'queue', value: 4 },
        healthCheck: { path: '/healthz', port: 0 },
      },
      settingsGeneration: 5,
      stableRevision: 1,
      targetRevision: null,
      lastRevision: 1,
      rollout: null,
      message: '',
      deleting: false,
    },
    revision: {
      endpointId: id,
      number: 1,
      spec: {
        productId: 'cpu',
        regionId: 'local',
        image: 'host:/srv',
        registryAuthId: '',
        entrypoint: '',
        command: 'node server.ts',
        envs: [{ key: 'A', value: '1' }],
        ports: [8000],
        volumes: [
          { id: 'v', type: 'network', size: null, mountPoint: '/data' },
          { id: '', type: 'local', size: 5, mountPoint: '/cache' },
        ],
        gpuNum: 1,
        rootfsSizeGb: 20,
        minCudaVersion: '',
      },
      createdAtMs: 1_700_000_000_999,
      createdBy: 'owner-1' as OwnerId,
      settings: null,
      fromRevision: null,
      restores: null,
      pinnedImage: null,
      stableAtMs: 1_700_000_000_999,
      failure: null,
      startTimeMs: null,
      pullTimeMs: null,
      drainTimeMs: null,
      stopTimeMs: null,
    },
    status: 'running',
    error: '',
    message: 'all well',
    url: `http://127.0.0.1:8080/e/${id}`,
    workers: [stubWorker()],
    ...changes,
  };
}

export function stubWorker(changes: Partial<Worker> = {}): Worker {
  return {
    id: 'worker123456' as WorkerId,
    endpointId: STUB_ENDPOINT_ID as EndpointId,
    revision: 1,
    state: 'ready',
    devices: ['GPU-0'],
    addresses: { 8000: { host: '127.0.0.1', port: 40_000 } },
    createdAtMs: 1_700_000_001_000,
    startedAtMs: 1_700_000_002_000,
    readyAtMs: 1_700_000_003_000,
    endedAtMs: null,
    reason: 'a request waited',
    exit: null,
    lastOutput: '',
    lastRequests: [],
    ...changes,
  };
}

export function stubRevisionView(
  changes: Partial<Revision> = {},
  view: Partial<RevisionView> = {},
): RevisionView {
  const stub = stubView();
  const { settings } = stub.endpoint;
  return {
    revision: {
      ...stub.revision,
      settings,
      startTimeMs: 1_500,
      fromRevision: 1,
      pinnedImage: `registry.example/app@sha256:${'ab'.repeat(32)}`,
      ...changes,
    },
    outcome: 'in_force',
    changed: { 'worker_config.gpu_num': { old: 1, new: 2, class: 'revision' } },
    workers: 2,
    ...view,
  };
}

/** A swap on one GPU, everything known. */
export function stubPreview(
  changes: Partial<UpdatePreview> = {},
  forecast: Partial<UpdateForecast> = {},
): UpdatePreview {
  const step = { revision: 2, mode: null, workerId: null, devices: [], replaces: [] } as const;
  const worker = 'worker123456' as WorkerId;
  const steps: UpdateForecast['steps'] = [
    {
      ...step,
      atMs: 0,
      action: 'drain',
      workerId: worker,
      revision: 1,
      devices: ['GPU-0'],
      why: 'no device is free',
    },
    {
      ...step,
      atMs: 0,
      action: 'start',
      workerId: 'new-1' as WorkerId,
      mode: 'swap',
      devices: ['GPU-0'],
      replaces: [worker],
      why: 'no device is free',
    },
    { ...step, atMs: 21_500, action: 'prove', why: 'proven by 10.0 s in service' },
    { ...step, atMs: 21_500, action: 'finish', why: 'no old worker is left' },
  ];
  return {
    revision: 2,
    changed: { image: { old: 'host:/srv', new: 'host:/new', class: 'revision' } },
    etag: '"1-5"',
    forecast: {
      outcome: 'replaced',
      message: 'no old worker is left',
      steps,
      stepsLeftOut: 0,
      workersToReplace: 1,
      durationMs: 21_500,
      atLeastMs: 21_500,
      unknown: [],
      waiting: { requests: 23, longestMs: 11_500 },
      extraWorkerMs: 0,
      ...forecast,
    },
    times: { pullMs: 0, startMs: 8_000, drainMs: 2_500, stopMs: 1_000 },
    guardedMs: 60_000,
    requestsPerSecond: 2,
    priceChange: { atMin: 0, atMax: 1.25 },
    ...changes,
  };
}

export function stubTimeline(changes: Partial<RequestTimeline> = {}): RequestTimeline {
  return {
    requestId: 'request12345',
    method: 'POST',
    path: '/v1/chat/completions',
    arrivedAtMs: 1_700_000_001_500,
    waitReason: 'noWorker',
    workerId: 'worker123456' as WorkerId,
    revision: 1,
    startedAtMs: 1_700_000_002_000,
    firstByteAtMs: 1_700_000_002_250,
    endedAtMs: null,
    status: 200,
    outcome: null,
    ...changes,
  };
}

export function stubEvent(id: number): EndpointEvent {
  return {
    id,
    atMs: 1_700_000_001_500,
    kind: 'scale',
    code: 'queue',
    message: 'a request waits',
    revision: null,
    workerId: null,
    facts: { start: 1 },
  };
}

/** In the middle of its proof, with a request that holds a drain. */
export function stubRolloutView(): RolloutView {
  return {
    rollout: {
      ...sampleRollout({ state: 'baking', mode: 'swap' }),
      startedAtMs: 1_700_000_000_000,
      stateSinceMs: 1_700_000_001_000,
    },
    guard: guardReport(),
    medians: { targetMs: 101.26, stableMs: null },
    waitsFor: '20 answers, 3 came',
    looksAgainAtMs: 1_700_000_009_500,
    workers: [stubWorker()],
    holders: [{ request: stubTimeline(), closedAtMs: 1_700_000_099_000 }],
  };
}

export function stubDevice(change: Partial<DeviceView> = {}): DeviceView {
  return {
    id: 'GPU-1',
    productId: 'h100',
    name: 'H100',
    memoryMib: 81_559,
    state: 'free',
    index: 0,
    usedMib: null,
    workerId: null,
    processes: [],
    ...change,
  };
}

export interface Call {
  readonly method: keyof EndpointService;
  readonly args: readonly unknown[];
}

/** A service that notes each call and answers plausibly; `overrides` replace single methods. */
export function stubService(
  overrides: Partial<EndpointService> = {},
): EndpointService & { readonly calls: Call[] } {
  const calls: Call[] = [];
  const note = (method: keyof EndpointService, args: readonly unknown[]): void => {
    calls.push({ method, args });
  };
  const mustExist = (endpointId: string): void => {
    if (endpointId !== STUB_ENDPOINT_ID) {
      throw new AppError('SERVERLESS_ENDPOINT_NOT_FOUND', `There is no endpoint ${endpointId}.`);
    }
  };
  return {
    calls,
    async create(body, caller, once) {
      note('create', [body, caller, once]);
      return { id: STUB_ENDPOINT_ID as EndpointId };
    },
    get(endpointId, caller) {
      note('get', [endpointId, caller]);
      mustExist(endpointId);
      return stubView();
    },
    list(query, caller) {
      note('list', [query, caller]);
      return { views: [stubView()], nextCursor: 'next', hasMore: true };
    },
    async update(endpointId, body, caller, terms) {
      note('update', [endpointId, body, caller, terms]);
      mustExist(endpointId);
      return {
        revision: 2,
        changed: { image: 'revision', name: 'settings' },
        rollout: { id: 'rollout12345', state: 'waiting' },
        etag: '"2-6"',
      };
    },
    async delete(endpointId, caller, ifMatch) {
      note('delete', [endpointId, caller, ifMatch]);
      mustExist(endpointId);
    },
    updatePlan(endpointId, body, caller, terms) {
      note('updatePlan', [endpointId, body, caller, terms]);
      mustExist(endpointId);
      return stubPreview();
    },
    rollbackPlan(endpointId, body, caller, terms) {
      note('rollbackPlan', [endpointId, body, caller, terms]);
      mustExist(endpointId);
      return stubPreview({ revision: 4 });
    },
    async rollback(endpointId, body, caller, terms) {
      note('rollback', [endpointId, body, caller, terms]);
      mustExist(endpointId);
      return { revision: 3, changed: { image: 'revision' }, rollout: null, etag: '"3-5"' };
    },
    revisionList(endpointId, caller) {
      note('revisionList', [endpointId, caller]);
      mustExist(endpointId);
      return [1, 2, 3].map((number) => stubRevisionView({ number }));
    },
    revision(endpointId, number, caller) {
      note('revision', [endpointId, number, caller]);
      mustExist(endpointId);
      return stubRevisionView({ number });
    },
    workerList(endpointId, caller) {
      note('workerList', [endpointId, caller]);
      mustExist(endpointId);
      return [stubWorker()];
    },
    worker(endpointId, workerId, caller) {
      note('worker', [endpointId, workerId, caller]);
      mustExist(endpointId);
      return stubWorker({ id: workerId as WorkerId });
    },
    async workerLog(endpointId, workerId, maxBytes, caller) {
      note('workerLog', [endpointId, workerId, maxBytes, caller]);
      mustExist(endpointId);
      return { text: 'hello\nworld\n', droppedBytes: 7 };
    },
    async rollout(endpointId, caller) {
      note('rollout', [endpointId, caller]);
      mustExist(endpointId);
      return stubRolloutView();
    },
    async rolloutOrder(endpointId, command, caller) {
      note('rolloutOrder', [endpointId, command, caller]);
      mustExist(endpointId);
      const view = stubRolloutView();
      const order = command === 'resume' ? 'go' : command;
      return { ...view, rollout: { ...view.rollout, order } };
    },
    async drainHolders(endpointId, caller) {
      note('drainHolders', [endpointId, caller]);
      mustExist(endpointId);
      return stubRolloutView().holders;
    },
    eventList(endpointId, afterId, caller) {
      note('eventList', [endpointId, afterId, caller]);
      mustExist(endpointId);
      return [stubEvent(1), stubEvent(2)].filter(({ id }) => id > (afterId ?? 0));
    },
    eventsFollow(endpointId, afterId, caller) {
      note('eventsFollow', [endpointId, afterId, caller]);
      mustExist(endpointId);
      return { past: [stubEvent(1)], missed: false, stop: () => undefined };
    },
    async requestList(endpointId, limit, caller) {
      note('requestList', [endpointId, limit, caller]);
      mustExist(endpointId);
      return { requests: [stubTimeline()], waitFor: 'no worker is ready' };
    },
    productList() {
      return [
        {
          id: 'cpu',
          name: 'CPU',
          type: 'cpu',
          regionIds: ['local'],
          memoryMib: 0,
          rootfsLimit: false,
          deviceCount: 0,
          pricePerHour: null,
          available: 0,
        },
        {
          id: 'h100',
          name: 'H100',
          type: 'gpu',
          regionIds: ['local'],
          memoryMib: 81_559,
          rootfsLimit: false,
          deviceCount: 4,
          pricePerHour: 2.5,
          available: 1,
        },
        {
          id: 'a10',
          name: 'A10',
          type: 'gpu',
          regionIds: ['local'],
          memoryMib: 23_028,
          rootfsLimit: false,
          deviceCount: 12,
          pricePerHour: null,
          available: 0,
        },
      ];
    },
    deviceList() {
      return {
        devices: [
          stubDevice({ state: 'held', usedMib: 70_000, workerId: 'worker123456' as WorkerId }),
          stubDevice({
            id: 'GPU-2',
            index: 1,
            state: 'usedByOthers',
            usedMib: 60_000,
            processes: [{ pid: 4711, name: 'python3', usedMib: 59_000 }],
          }),
          stubDevice({ id: 'GPU-3', index: null, state: 'gone' }),
        ],
        driverVersion: '570.124.06',
        cudaVersion: '12.8',
        seenAtMs: 1_700_000_000_000,
      };
    },
    regionList() {
      return [{ id: 'local', name: 'This machine' }];
    },
    ...overrides,
  };
}
