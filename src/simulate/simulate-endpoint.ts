import { AppError, impossible } from '../base/errors.ts';
import type { EndpointId, OwnerId } from '../base/ids.ts';
import { seededRandom } from '../base/random.ts';
import { newEndpoint } from '../control/endpoint-entry.ts';
import type { EndpointSettings, Revision } from '../model/endpoint.ts';
import { CPU_PRODUCT_ID, GPU_PRODUCT_ID, LOCAL_REGION } from '../model/product.ts';
import { MemoryStore } from './memory-store.ts';
import { Quantiles } from './quantiles.ts';
import { replay, type ReplayedRequest, type ReplayOptions } from './replay.ts';
import type { EndedRequest } from './request-flight.ts';
import { Timeline, type TimelineBucket } from './timeline.ts';
import { drawStartMs } from './worker-behaviour.ts';
import { SimulatedWorld } from './world.ts';

export type TraceRequest = ReplayedRequest;

export interface SimulatedEndpoint {
  readonly settings: EndpointSettings;
  /** Devices of the machine, all of them free for this endpoint; null: its workers need none. */
  readonly devices: number | null;
  readonly devicesPerWorker: number;
  /** Measured times from the start of a worker to ready; each start takes one of them. At least one. */
  readonly startTimesMs: readonly number[];
  readonly seed: number;
}

export interface SimulationOptions extends Pick<ReplayOptions, 'signal' | 'onProgress'> {
  /** Without it the run begins with the first request and ends with the last one. */
  readonly span?: SimulatedSpan;
}

/** The time a run covers: workers that are kept cost something in silence too. */
export interface SimulatedSpan {
  /** From its begin to the first arrival. */
  readonly beforeMs: number;
  /** From its begin to its end; longer when the requests are not over by then. */
  readonly totalMs: number;
}

export interface SimulationResult {
  readonly requests: number;
  readonly served: number;
  /** `request_timeout` passed, while they waited or while they ran. */
  readonly timedOut: number;
  /** The queue was full, or the endpoint takes no requests. */
  readonly refused: number;
  /** Requests that waited for a worker to start. */
  readonly coldStarts: number;
  readonly workerStarts: number;
  /** From the start of each worker's process to its end, within the time that the run covers. */
  readonly workerSeconds: number;
  /** From the arrival to a slot; for those that never had one, to their end. Refused ones do not count. */
  readonly waits: {
    readonly p50Ms: number;
    readonly p95Ms: number;
    readonly p99Ms: number;
    readonly maxMs: number;
  };
  /** From the first arrival to the end of the last request, or the span that was asked for. */
  readonly durationMs: number;
  readonly timeline: readonly TimelineBucket[];
}

const STOP_MS = 20;
const ID = 'simulated000' as EndpointId;

/**
 * What an endpoint with these settings would do with these requests: the real control loops and
 * queues, on a clock that jumps. Memory is bounded by what is under way, not by the number of
 * requests. Rejects with VALIDATOR_PARAM where the requests are not in order or not numbers.
 */
export async function simulateEndpoint(
  endpoint: SimulatedEndpoint,
  requests: Iterable<TraceRequest> | AsyncIterable<TraceRequest>,
  options: SimulationOptions = {},
): Promise<SimulationResult> {
  options.signal?.throwIfAborted();
  const run = await EndpointRun.open(endpoint);
  return await run.play(requests, options);
}

class EndpointRun {
  readonly #world: SimulatedWorld;
  readonly #waits = new Quantiles();
  readonly #timeline = new Timeline();
  #coldStarts = 0;
  #workerMs = 0;
  /** Monotonic time up to which the running workers have been counted. */
  #countedMs: number;
  /** Monotonic times of the first arrival and of the end of the last request. */
  #beginMs: number;
  #endMs: number;

  private constructor(world: SimulatedWorld) {
    this.#world = world;
    this.#beginMs = world.clock.monotonicMs();
    this.#endMs = this.#beginMs;
    this.#countedMs = this.#beginMs;
    world.traffic.onEnded = (request) => this.#ended(request);
    world.machine.onRunning = () => this.#countWorkers();
  }

  static async open(endpoint: SimulatedEndpoint): Promise<EndpointRun> {
    const random = seededRandom(endpoint.seed);
    const times = { kind: 'samples', ms: endpoint.startTimesMs } as const;
    const world = await SimulatedWorld.open({
      devices: endpoint.devices ?? 0,
      seed: endpoint.seed,
      store: await storeOf(endpoint),
      behaviourOf: () => ({ readyMs: drawStartMs(times, random), stopMs: STOP_MS, endsMs: null }),
    });
    const run = new EndpointRun(world);
    // Workers that min_replicas keeps stand ready before the first request comes.
    await world.advance(Math.max(0, ...endpoint.startTimesMs) + 1_000);
    return run;
  }

  async play(
    requests: Iterable<TraceRequest> | AsyncIterable<TraceRequest>,
    { span, ...options }: SimulationOptions,
  ): Promise<SimulationResult> {
    const { clock, machine, errors } = this.#world;
    this.#countWorkers();
    this.#workerMs = 0;
    this.#beginMs = clock.monotonicMs();
    this.#endMs = this.#beginMs;
    const startsBefore = machine.starts - machine.running;
    if (span !== undefined) await this.#world.advance(span.beforeMs);
    const count = await replay(this.#world, requests, () => ID, {
      ...options,
      onArrival: (atMs) => this.#timeline.arrival(atMs - this.#beginMs),
    });
    if (span !== undefined) {
      await this.#world.advance(Math.max(0, this.#beginMs + span.totalMs - clock.monotonicMs()));
      this.#endMs = clock.monotonicMs();
    }
    this.#countWorkers();
    if (errors.length > 0) impossible('simulate-endpoint-77c2', JSON.stringify(errors[0]));
    return this.#result(count, machine.starts - startsBefore);
  }

  #result(requests: number, workerStarts: number): SimulationResult {
    const { ends } = this.#world.traffic;
    const durationMs = this.#endMs - this.#beginMs;
    return {
      requests,
      served: ends.served,
      timedOut: ends.timedOut,
      refused: ends.refused,
      coldStarts: this.#coldStarts,
      workerStarts,
      workerSeconds: this.#workerMs / 1_000,
      waits: {
        p50Ms: this.#waits.at(0.5),
        p95Ms: this.#waits.at(0.95),
        p99Ms: this.#waits.at(0.99),
        maxMs: this.#waits.largest,
      },
      durationMs,
      timeline: this.#timeline.buckets(durationMs),
    };
  }

  #ended(request: EndedRequest): void {
    this.#endMs = this.#world.clock.monotonicMs();
    if (request.coldStart) this.#coldStarts += 1;
    if (request.end === 'refused') return;
    this.#waits.add(request.waitedMs);
    this.#timeline.wait(request.arrivedMonotonicMs - this.#beginMs, request.waitedMs);
  }

  #countWorkers(): void {
    const nowMs = this.#world.clock.monotonicMs();
    const { running } = this.#world.machine;
    this.#workerMs += (nowMs - this.#countedMs) * running;
    this.#timeline.workers(this.#countedMs - this.#beginMs, nowMs - this.#beginMs, running);
    this.#countedMs = nowMs;
  }
}

async function storeOf(simulated: SimulatedEndpoint): Promise<MemoryStore> {
  const startTimeMs = median(simulated.startTimesMs);
  const endpoint = newEndpoint({
    id: ID,
    type: 'sync',
    appName: ID,
    ownerId: 'owner' as OwnerId,
    createdAtMs: 0,
    settings: simulated.settings,
  });
  const revision: Revision = {
    endpointId: ID,
    number: 1,
    spec: {
      productId: simulated.devices === null ? CPU_PRODUCT_ID : GPU_PRODUCT_ID,
      regionId: LOCAL_REGION.id,
      image: 'host',
      registryAuthId: '',
      entrypoint: '',
      command: '',
      envs: [],
      ports: [],
      volumes: [],
      gpuNum: simulated.devicesPerWorker,
      rootfsSizeGb: 0,
      minCudaVersion: '',
    },
    createdAtMs: 0,
    createdBy: null,
    settings: null,
    fromRevision: null,
    restores: null,
    pinnedImage: null,
    stableAtMs: 0,
    failure: null,
    startTimeMs,
    pullTimeMs: null,
    drainTimeMs: null,
    stopTimeMs: null,
  };
  const store = new MemoryStore();
  await store.endpointInsert(endpoint, revision);
  return store;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) {
    throw new AppError(
      'VALIDATOR_PARAM',
      'startTimesMs is empty; give at least one measured or assumed start time',
    );
  }
  return middle;
}
