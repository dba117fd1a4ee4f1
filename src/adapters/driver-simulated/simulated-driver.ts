import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { WorkerId } from '../../base/ids.ts';
import type { Random } from '../../base/random.ts';
import { mainPort, type RevisionSpec } from '../../model/endpoint.ts';
import { UNSEEN_EXIT, type WorkerExit } from '../../model/worker-exit.ts';
import { GPU_PRODUCT_ID, type Device } from '../../model/product.ts';
import type { WorkerAddress } from '../../model/worker.ts';
import type {
  Driver,
  DriverCapabilities,
  Fingerprint,
  FoundWorker,
  PreparedImage,
  PullContext,
  Readiness,
  StartedWorker,
  WorkerLog,
  WorkerOrder,
} from '../../ports/driver.ts';
import { listenOnLoopback } from './answer-server.ts';
import { SimulatedImages } from './simulated-images.ts';
import { DEFAULT_KNOBS, knobsOf, type SimulatedKnobs } from './simulated-knobs.ts';
import { SimulatedWorker } from './simulated-worker.ts';

export interface SimulatedDriverOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** A number makes so many devices of the product `gpu`. */
  readonly devices: number | readonly Device[];
  readonly cudaVersion?: string | null;
  /** What an endpoint's `SIMULATED_…` variables do not say. */
  readonly knobs?: Partial<SimulatedKnobs>;
  /** True: each worker answers HTTP on a port of the loopback. False: no socket, addresses lead nowhere. */
  readonly answer?: boolean;
}

/** Fake host ports, out of the range real ones are likely to be asked in. */
const FIRST_FAKE_PORT = 40_000;
const FAKE_PORTS = 20_000;

export function createSimulatedDriver(options: SimulatedDriverOptions): SimulatedDriver {
  return new SimulatedDriver(options);
}

/**
 * Workers without processes, for a trial without a GPU, for tests and for what-if runs. All that
 * happens comes from the clock, `random` and the knobs, so a run can be repeated exactly. It is kept
 * in memory: after a restart of the server `list` is empty and nothing is recovered.
 */
export class SimulatedDriver implements Driver {
  readonly kind = 'simulated';
  /** Tells readiness from the knobs, on the same clock and without sockets. */
  readonly readiness: Readiness;
  readonly images: SimulatedImages;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #devices: readonly Device[];
  readonly #cudaVersion: string | null;
  readonly #knobs: SimulatedKnobs;
  readonly #answers: boolean;
  readonly #workers = new Map<WorkerId, SimulatedWorker>();
  readonly #listeners: ((workerId: WorkerId, exit: WorkerExit) => void)[] = [];
  /** `<endpoint>/<revision>` → starts refused so far; only of those that have `startFailures`. */
  readonly #startFailures = new Map<string, number>();
  #fakePorts = 0;

  constructor(options: SimulatedDriverOptions) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#devices = typeof options.devices === 'number' ? gpuDevices(options.devices) : options.devices;
    this.#cudaVersion = options.cudaVersion ?? null;
    this.#knobs = { ...DEFAULT_KNOBS, ...options.knobs };
    this.#answers = options.answer ?? false;
    this.images = new SimulatedImages(options.clock, this.#knobs.prepareMs, (image) =>
      [...this.#workers.values()].some((worker) => worker.order.spec.image === image && worker.exit === null),
    );
    this.readiness = { watch: (target, onChange, signal) => this.#watch(target.workerId, onChange, signal) };
  }

  fingerprint(): Promise<Fingerprint> {
    const capabilities: DriverCapabilities = {
      images: 'container',
      volumes: true,
      registryAuth: true,
      rootfsLimit: true,
    };
    return Promise.resolve({ devices: this.#devices, cudaVersion: this.#cudaVersion, capabilities });
  }

  refusal(spec: RevisionSpec): AppError | null {
    const read = knobsOf(spec.envs, this.#knobs);
    return 'fault' in read ? read.fault : null;
  }

  async prepare(spec: RevisionSpec, context: PullContext): Promise<PreparedImage> {
    const { prepareMs } = this.#knobsOf(spec);
    return await this.images.take(spec.image, prepareMs, context);
  }

  async start(order: WorkerOrder): Promise<StartedWorker> {
    const knobs = this.#knobsOf(order.spec);
    this.#refuseByChance(order, knobs);
    const worker = new SimulatedWorker(order, knobs, this.#clock);
    this.#workers.set(order.workerId, worker);
    void worker.ended.promise.then((exit) => {
      for (const listener of this.#listeners) listener(order.workerId, exit);
    });
    await this.#place(worker);
    return { addresses: worker.addresses };
  }

  list(): Promise<readonly FoundWorker[]> {
    return Promise.resolve([...this.#workers.values()].map((worker) => worker.found()));
  }

  async recover(workerId: WorkerId): Promise<StartedWorker> {
    const worker = this.#workers.get(workerId);
    if (worker === undefined || worker.exit !== null) throw notFound(workerId);
    return { addresses: worker.addresses };
  }

  async stop(workerId: WorkerId, graceMs: number): Promise<WorkerExit> {
    const worker = this.#workers.get(workerId);
    if (worker === undefined) return UNSEEN_EXIT;
    if (worker.exit === null) worker.stop(graceMs);
    return worker.ended.promise;
  }

  async logs(workerId: WorkerId, maxBytes: number): Promise<WorkerLog> {
    const worker = this.#workers.get(workerId);
    if (worker === undefined) throw notFound(workerId);
    return worker.log(maxBytes);
  }

  async forget(workerId: WorkerId): Promise<void> {
    const worker = this.#workers.get(workerId);
    if (worker !== undefined && worker.exit === null) {
      throw new AppError('CONFLICT', `worker "${workerId}" runs; stop it before it is forgotten`);
    }
    this.#workers.delete(workerId);
  }

  onExit(listener: (workerId: WorkerId, exit: WorkerExit) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    for (const worker of this.#workers.values()) worker.close();
  }

  async #place(worker: SimulatedWorker): Promise<void> {
    const { spec, workerId } = worker.order;
    if (!this.#answers) {
      worker.run(
        addressesOf(spec, () => this.#nextFakePort()),
        null,
      );
      return;
    }
    try {
      const { server, port } = await listenOnLoopback((request, response) =>
        worker.answer(request, response),
      );
      worker.run(
        addressesOf(spec, () => port),
        server,
      );
    } catch (cause) {
      this.#workers.delete(workerId);
      throw new AppError('WORKER_START_FAILED', 'the simulated worker found no port to answer on', { cause });
    }
  }

  #knobsOf(spec: RevisionSpec): SimulatedKnobs {
    const read = knobsOf(spec.envs, this.#knobs);
    if ('fault' in read) throw read.fault;
    return read.knobs;
  }

  #refuseByChance(order: WorkerOrder, knobs: SimulatedKnobs): void {
    const key = `${order.endpointId}/${order.revision}`;
    const refused = this.#startFailures.get(key) ?? 0;
    if (refused < knobs.startFailures) {
      this.#startFailures.set(key, refused + 1);
      throw new AppError(
        'WORKER_START_FAILED',
        `simulated start failure ${refused + 1} of ${knobs.startFailures}`,
      );
    }
    if (knobs.startFailureRate > 0 && this.#random.next() < knobs.startFailureRate) {
      throw new AppError('WORKER_START_FAILED', 'simulated start failure by chance');
    }
  }

  #watch(
    workerId: WorkerId,
    onChange: (healthy: boolean, detail: string) => void,
    signal: AbortSignal,
  ): void {
    const worker = this.#workers.get(workerId);
    const untilReadyMs = worker?.untilReadyMs() ?? null;
    if (worker === undefined || untilReadyMs === null || signal.aborted) return;
    const cancels = [
      worker.after(untilReadyMs, () => {
        onChange(true, 'simulated worker is ready');
        const untilUnhealthyMs = worker.untilUnhealthyMs();
        if (untilUnhealthyMs === null || signal.aborted) return;
        cancels.push(worker.after(untilUnhealthyMs, () => onChange(false, 'simulated health checks fail')));
      }),
    ];
    signal.addEventListener('abort', () => cancels.forEach((cancel) => cancel()), { once: true });
  }

  #nextFakePort(): number {
    this.#fakePorts = (this.#fakePorts + 1) % FAKE_PORTS;
    return FIRST_FAKE_PORT + this.#fakePorts;
  }
}

function addressesOf(spec: RevisionSpec, hostPort: () => number): Record<number, WorkerAddress> {
  const addresses: Record<number, WorkerAddress> = {};
  for (const declared of new Set([mainPort(spec), ...spec.ports])) {
    addresses[declared] = { host: '127.0.0.1', port: hostPort() };
  }
  return addresses;
}

function gpuDevices(count: number): Device[] {
  return Array.from({ length: count }, (_, index) => ({
    id: String(index),
    productId: GPU_PRODUCT_ID,
    name: 'GPU',
    memoryMib: 0,
  }));
}

function notFound(workerId: WorkerId): AppError {
  return new AppError('SERVERLESS_WORKER_NOT_FOUND', `no worker "${workerId}" is known here`);
}
