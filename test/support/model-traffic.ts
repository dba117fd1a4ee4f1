import type { AppError } from '../../src/base/errors.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { EndpointId, WorkerId } from '../../src/base/ids.ts';
import type {
  EndpointLoad,
  Traffic,
  TrafficEndpoint,
  TrafficListener,
  TrafficWorker,
} from '../../src/ports/traffic.ts';

export type RequestEnd = 'served' | 'refused' | 'timedOut' | 'broke' | 'answered5xx';

interface ModelRequest {
  readonly arrivedAtMs: number;
  readonly deadlineMs: number;
  readonly serviceMs: number;
  startedAtMs: number;
  worker: ModelWorker | null;
  end: RequestEnd | null;
  cancel: () => void;
}

interface ModelWorker extends TrafficWorker {
  running: Set<ModelRequest>;
  draining: boolean;
  idleSinceMs: number | null;
  given: number;
}

interface ModelEndpoint {
  endpoint: TrafficEndpoint;
  readonly queue: ModelRequest[];
  readonly workers: Map<WorkerId, ModelWorker>;
}

/**
 * The gateway's rules without sockets: first in, first out, exact slots, deadlines. Requests are
 * counted by how they ended, and every rule that may never break is asserted on the way.
 */
export class ModelTraffic implements Traffic {
  readonly #clock: Clock;
  readonly #endpoints = new Map<EndpointId, ModelEndpoint>();
  listener: TrafficListener | null = null;
  readonly ends: Record<RequestEnd, number> = {
    served: 0,
    refused: 0,
    timedOut: 0,
    broke: 0,
    answered5xx: 0,
  };
  readonly refusals: AppError[] = [];
  admitted = 0;
  /** What a worker answers; decided by its revision. */
  statusOf: (revision: number) => number = () => 200;
  maxConcurrentSeen = 0;
  /** Told of every request that a worker is given. */
  onGiven: (endpointId: EndpointId, revision: number) => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get #told(): TrafficListener {
    if (this.listener === null) throw new Error('no listener yet');
    return this.listener;
  }

  arrive(endpointId: EndpointId, serviceMs: number): void {
    const state = this.#endpoints.get(endpointId);
    if (state === undefined) return;
    if (state.endpoint.refusal !== null) {
      this.ends.refused += 1;
      this.admitted += 1;
      this.refusals.push(state.endpoint.refusal);
      return;
    }
    const nowMs = this.#clock.nowMs();
    const deadlineMs = nowMs + state.endpoint.requestTimeoutMs;
    const request: ModelRequest = {
      arrivedAtMs: nowMs,
      deadlineMs,
      serviceMs,
      startedAtMs: 0,
      worker: null,
      end: null,
      cancel: () => undefined,
    };
    this.admitted += 1;
    request.cancel = this.#clock.schedule(state.endpoint.requestTimeoutMs, () =>
      this.#expire(state, request),
    );
    state.queue.push(request);
    this.#fill(state);
    if (request.worker === null && request.end === null) this.#told.requestWaiting(endpointId);
  }

  #expire(state: ModelEndpoint, request: ModelRequest): void {
    if (request.worker === null) {
      state.queue.splice(state.queue.indexOf(request), 1);
      this.#end(request, 'timedOut');
      this.#told.requestGone(state.endpoint.endpointId);
      return;
    }
    this.#finish(state, request, 'timedOut');
  }

  #fill(state: ModelEndpoint): void {
    while (state.queue.length > 0) {
      const free = [...state.workers.values()]
        .filter(
          (worker) =>
            !worker.draining &&
            worker.running.size < state.endpoint.slotsPerWorker &&
            (worker.sampleLimit === null || worker.given < worker.sampleLimit),
        )
        .sort((a, b) => b.preference - a.preference || a.running.size - b.running.size)[0];
      const request = state.queue[0];
      if (free === undefined || request === undefined) return;
      state.queue.shift();
      this.#run(state, request, free);
    }
  }

  #run(state: ModelEndpoint, request: ModelRequest, worker: ModelWorker): void {
    this.onGiven(state.endpoint.endpointId, worker.revision);
    worker.running.add(request);
    worker.idleSinceMs = null;
    this.maxConcurrentSeen = Math.max(this.maxConcurrentSeen, worker.running.size);
    worker.given += 1;
    request.worker = worker;
    request.startedAtMs = this.#clock.nowMs();
    request.cancel();
    const restMs = Math.max(0, request.deadlineMs - request.startedAtMs);
    const served = request.serviceMs <= restMs;
    request.cancel = this.#clock.schedule(Math.min(request.serviceMs, restMs), () => {
      const status = this.statusOf(worker.revision);
      if (served) this.#told.requestAnswered(state.endpoint.endpointId, worker.workerId, status);
      this.#finish(state, request, served ? (status >= 500 ? 'answered5xx' : 'served') : 'timedOut');
    });
    this.#told.requestStarted(state.endpoint.endpointId, worker.workerId);
  }

  #finish(state: ModelEndpoint, request: ModelRequest, end: RequestEnd): void {
    const { worker } = request;
    if (worker === null) return;
    this.#end(request, end);
    worker.running.delete(request);
    if (worker.running.size === 0) worker.idleSinceMs = this.#clock.nowMs();
    this.#told.requestEnded(state.endpoint.endpointId, {
      workerId: worker.workerId,
      revision: worker.revision,
      status: end === 'served' ? 200 : end === 'answered5xx' ? 500 : null,
      end: end === 'broke' ? 'broke' : end === 'timedOut' ? 'timeout' : 'complete',
      waitedMs: request.startedAtMs - request.arrivedAtMs,
      runMs: this.#clock.nowMs() - request.startedAtMs,
    });
    this.#fill(state);
    if (worker.draining && worker.running.size === 0 && state.workers.has(worker.workerId)) {
      this.#told.workerDrained(state.endpoint.endpointId, worker.workerId);
    }
  }

  #end(request: ModelRequest, end: RequestEnd): void {
    if (request.end !== null) throw new Error(`a request ended twice: ${request.end}, then ${end}`);
    request.end = end;
    request.cancel();
    this.ends[end] += 1;
  }

  endpointPut(endpoint: TrafficEndpoint): void {
    const state = this.#endpoints.get(endpoint.endpointId);
    if (state === undefined) {
      this.#endpoints.set(endpoint.endpointId, { endpoint, queue: [], workers: new Map() });
      return;
    }
    state.endpoint = endpoint;
    this.#fill(state);
  }

  endpointRemove(endpointId: EndpointId, reason: AppError): void {
    this.waitingRefuse(endpointId, reason);
    this.#endpoints.delete(endpointId);
  }

  waitingRefuse(endpointId: EndpointId, reason: AppError): void {
    const state = this.#endpoints.get(endpointId);
    for (const request of state?.queue.splice(0) ?? []) {
      this.refusals.push(reason);
      this.#end(request, 'refused');
    }
  }

  workerPut(endpointId: EndpointId, worker: TrafficWorker): void {
    const state = this.#endpoints.get(endpointId);
    if (state === undefined) throw new Error('workerPut for an unknown endpoint');
    const known = state.workers.get(worker.workerId);
    if (known === undefined) {
      state.workers.set(worker.workerId, {
        ...worker,
        running: new Set(),
        draining: false,
        idleSinceMs: this.#clock.nowMs(),
        given: 0,
      });
    } else {
      Object.assign(known, worker, { draining: false });
    }
    this.#fill(state);
  }

  workerDrain(endpointId: EndpointId, workerId: WorkerId): void {
    const worker = this.#endpoints.get(endpointId)?.workers.get(workerId);
    // One that is not known here, as an unhealthy one found again, runs nothing.
    if (worker !== undefined) worker.draining = true;
    if ((worker?.running.size ?? 0) === 0) this.#told.workerDrained(endpointId, workerId);
  }

  workerRemove(endpointId: EndpointId, workerId: WorkerId): void {
    const state = this.#endpoints.get(endpointId);
    const worker = state?.workers.get(workerId);
    if (state === undefined || worker === undefined) return;
    state.workers.delete(workerId);
    for (const request of [...worker.running]) this.#finish(state, request, 'broke');
  }

  /** The gateway's process is gone: its clients see broken connections. */
  cutAll(): void {
    this.listener = null;
    for (const state of this.#endpoints.values()) {
      for (const request of state.queue.splice(0)) this.#end(request, 'broke');
      for (const worker of state.workers.values())
        for (const request of worker.running) this.#end(request, 'broke');
    }
    this.#endpoints.clear();
  }

  /** Requests that hold a slot of this worker now. */
  runningOn(endpointId: EndpointId, workerId: WorkerId): number {
    return this.#endpoints.get(endpointId)?.workers.get(workerId)?.running.size ?? 0;
  }

  load(endpointId: EndpointId): EndpointLoad {
    const state = this.#endpoints.get(endpointId);
    if (state === undefined) {
      return { waiting: 0, waitingSinceMs: [], earliestDeadlineMs: null, running: 0, workers: new Map() };
    }
    let running = 0;
    const workers = new Map(
      [...state.workers.values()].map((worker) => {
        running += worker.running.size;
        return [
          worker.workerId,
          {
            running: worker.running.size,
            runningSinceMs: [...worker.running].map((request) => request.startedAtMs),
            idleSinceMs: worker.idleSinceMs,
          },
        ] as const;
      }),
    );
    return {
      waiting: state.queue.length,
      waitingSinceMs: state.queue.slice(0, 1_000).map((request) => request.arrivedAtMs),
      earliestDeadlineMs: state.queue.reduce<number | null>(
        (earliest, request) =>
          earliest === null ? request.deadlineMs : Math.min(earliest, request.deadlineMs),
        null,
      ),
      running,
      workers,
    };
  }

  get open(): number {
    let open = 0;
    for (const state of this.#endpoints.values()) {
      open += state.queue.length;
      for (const worker of state.workers.values()) open += worker.running.size;
    }
    return open;
  }
}
