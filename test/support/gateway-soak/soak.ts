import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../../../src/adapters/system-clock.ts';
import { forwardClock } from '../../../src/base/clock.ts';
import type { EndpointId, OwnerId, WorkerId } from '../../../src/base/ids.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { DEFAULT_LIMITS } from '../../../src/gateway/limits.ts';
import { GatewayThreads } from '../../../src/main/gateways/gateway-threads.ts';
import type { Metrics } from '../../../src/ports/metrics.ts';
import type { TrafficListener, TrafficWorker } from '../../../src/ports/traffic.ts';
import { silentLog } from '../silent-log.ts';
import type { LoadCounts, LoadOrder, LoadReport, LoadSetup } from './load-message.ts';

const ENDPOINT = 'soak0endpoint' as EndpointId;
const OWNER = 'owner0' as OwnerId;
const KEY = 'key-of-the-soak';
const NOTHING = (): void => undefined;

export interface SoakOptions {
  readonly threads: number;
  readonly workers: number;
  readonly clients: number;
  /** Slots of a worker, one phase after the other. */
  readonly slots: readonly number[];
  /** Of each phase. */
  readonly requests: number;
  /** Of each phase: threads that are killed. */
  readonly kills: number;
  /** Of each phase: workers that are drained, and taken back once they are. */
  readonly drains: number;
  readonly leaveShare: number;
  readonly seed: number;
}

export interface PhaseResult extends LoadCounts {
  readonly slots: number;
  readonly killed: number;
  readonly drained: number;
  /** Requests that were told to have ended on a worker. */
  readonly ended: number;
  readonly took: number;
}

/**
 * Real gateway threads, clients that leave at random, threads that are killed under load, workers that
 * drain and come back. Resolves with what the workers saw; rejects when the line or a slot is not
 * given back at the end of a phase.
 */
export async function soakGateways(options: SoakOptions): Promise<readonly PhaseResult[]> {
  const soak = new Soak(options);
  try {
    const results: PhaseResult[] = [];
    for (const slots of options.slots) results.push(await soak.phase(slots));
    return results;
  } finally {
    await soak.close();
  }
}

class Soak {
  readonly #options: SoakOptions;
  readonly #random;
  readonly #front: GatewayThreads;
  readonly #load: Worker;
  readonly #clock = forwardClock(systemClock());
  readonly #draining = new Set<WorkerId>();
  #port: Promise<number> | null = null;
  #ports: readonly number[] = [];
  #ended = 0;
  #killed = 0;
  #drained = 0;
  #onEvent: () => void = NOTHING;

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    const { workers, clients, seed, leaveShare } = options;
    const setup: LoadSetup = { workers, clients, seed, leaveShare };
    this.#load = new Worker(new URL('./load-thread.ts', import.meta.url), {
      workerData: setup,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    const hash = createHash('sha256').update(KEY).digest('hex');
    this.#front = new GatewayThreads({
      threads: options.threads,
      clock: this.#clock,
      log: silentLog,
      logLevel: 'silent',
      listener: this.#listener(),
      metrics: COUNTS_NOTHING,
      arrivals: { arrivalRecord: NOTHING },
      // A worker here closes when its client leaves: it need not be given two seconds for it.
      limits: { ...DEFAULT_LIMITS, closeGraceMs: 250, restMs: 5 },
      domain: null,
      apiKeys: [{ hash, ownerId: OWNER, name: 'soak', admin: true, createdAtMs: 0 }],
    });
  }

  async phase(slots: number): Promise<PhaseResult> {
    const { requests, kills, drains } = this.#options;
    if (this.#ports.length === 0) this.#ports = await this.#workerPorts();
    this.#port ??= this.#front.listen('127.0.0.1', 0);
    this.#putAll(slots);
    this.#ended = 0;
    this.#killed = 0;
    this.#drained = 0;
    const beganMs = this.#clock.monotonicMs();
    let killsLeft = kills;
    let drainsLeft = drains;
    const counts = await this.#run(await this.#port, (begun) => {
      // Evenly over the phase, and none so late that nothing comes after it.
      const due = (left: number, all: number): boolean =>
        left > 0 && begun > (requests * (all - left + 1)) / (all + 2);
      if (due(killsLeft, kills)) {
        killsLeft -= 1;
        this.#kill();
      }
      if (due(drainsLeft, drains)) {
        drainsLeft -= 1;
        this.#drain();
      }
    });
    await this.#quiet();
    return {
      ...counts,
      slots,
      killed: this.#killed,
      drained: this.#drained,
      ended: this.#ended,
      took: (this.#clock.monotonicMs() - beganMs) / 1_000,
    };
  }

  async close(): Promise<void> {
    await this.#load.terminate();
    await this.#front.close();
  }

  #listener(): TrafficListener {
    const event = (): void => this.#onEvent();
    return {
      requestWaiting: event,
      requestGone: event,
      requestStarted: event,
      requestAnswered: event,
      requestEnded: () => {
        this.#ended += 1;
        this.#onEvent();
      },
      workerDrained: (_endpointId, workerId) => {
        const running = this.#front.traffic.load(ENDPOINT).workers.get(workerId)?.running;
        if (!this.#draining.delete(workerId) || running !== 0)
          throw new Error(`${workerId} was told to be drained, unasked or with ${running} running`);
        this.#drained += 1;
        this.#front.traffic.workerPut(ENDPOINT, this.#worker(Number(workerId.slice(1))));
        this.#onEvent();
      },
      workerLeft: event,
      workerSpent: event,
    };
  }

  #worker(index: number): TrafficWorker {
    return {
      workerId: `w${index}` as WorkerId,
      revision: 1,
      address: { host: '127.0.0.1', port: this.#ports[index] ?? 0 },
      preference: 0,
      sampleLimit: null,
      startedAtMs: 0,
    };
  }

  #putAll(slotsPerWorker: number): void {
    const { traffic } = this.#front;
    traffic.endpointPut({
      endpointId: ENDPOINT,
      type: 'sync',
      appName: 'soak',
      healthCheckPath: '',
      ownerId: OWNER,
      slotsPerWorker,
      requestTimeoutMs: 60_000,
      refusal: null,
    });
    for (let index = 0; index < this.#options.workers; index += 1) {
      traffic.workerPut(ENDPOINT, this.#worker(index));
    }
  }

  #kill(): void {
    const running = [...this.#front.workers.values()];
    const one = running[Math.floor(this.#random.next() * running.length)];
    if (one === undefined) return;
    this.#killed += 1;
    void one.terminate();
  }

  #drain(): void {
    const workerId = `w${Math.floor(this.#random.next() * this.#options.workers)}` as WorkerId;
    if (this.#draining.has(workerId)) return;
    this.#draining.add(workerId);
    this.#front.traffic.workerDrain(ENDPOINT, workerId);
  }

  async #workerPorts(): Promise<readonly number[]> {
    return await new Promise((resolve) => {
      this.#load.once('message', (report: LoadReport) => {
        if (report.kind === 'ports') resolve(report.ports);
      });
    });
  }

  async #run(port: number, onProgress: (requests: number) => void): Promise<LoadCounts> {
    const { requests } = this.#options;
    const order: LoadOrder = { kind: 'run', port, path: `/e/${ENDPOINT}/`, key: KEY, requests };
    return await new Promise((resolve, reject) => {
      this.#load.on('error', reject);
      const onMessage = (report: LoadReport): void => {
        if (report.kind === 'progress') onProgress(report.requests);
        if (report.kind !== 'done') return;
        this.#load.off('message', onMessage);
        resolve(report);
      };
      this.#load.on('message', onMessage);
      this.#load.postMessage(order);
    });
  }

  /** Until nothing waits and nothing runs; what was lost with a thread comes back after a while. */
  async #quiet(): Promise<void> {
    const load = this.#front.traffic.load(ENDPOINT);
    const isQuiet = (): boolean => load.waiting === 0 && load.running === 0 && this.#draining.size === 0;
    await new Promise<void>((resolve, reject) => {
      const cancel = this.#clock.schedule(20_000, () => {
        reject(new Error(`${load.running} slots and ${load.waiting} places were not given back`));
      });
      this.#onEvent = () => {
        if (!isQuiet()) return;
        cancel();
        this.#onEvent = NOTHING;
        resolve();
      };
      this.#onEvent();
    });
  }
}

const COUNTS_NOTHING: Metrics = {
  requestEnded: NOTHING,
  forwardOverhead: NOTHING,
  coldStart: NOTHING,
  scaleDecision: NOTHING,
  workerStarted: NOTHING,
  workerFailed: NOTHING,
  arrivalsDropped: NOTHING,
  endpointForgotten: NOTHING,
  onScrape: NOTHING,
};
