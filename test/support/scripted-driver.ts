import { AppError } from '../../src/base/errors.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { WorkerId } from '../../src/base/ids.ts';
import type { WorkerExit } from '../../src/model/endpoint.ts';
import type {
  Driver,
  Fingerprint,
  FoundWorker,
  Readiness,
  ReadinessTarget,
  StartedWorker,
  WorkerLog,
  WorkerOrder,
} from '../../src/ports/driver.ts';

/** How the workers of a spec behave, read from its command: "start=300 stop=50", "never", "exit", "dies=1500". */
interface Script {
  readonly startMs: number;
  readonly stopMs: number;
  readonly never: boolean;
  readonly exit: boolean;
  readonly diesMs: number | null;
}

function scriptOf(command: string): Script {
  const words = new Map(
    command.split(' ').map((word): [string, string] => {
      const [name = '', value = ''] = word.split('=');
      return [name, value];
    }),
  );
  return {
    startMs: Number(words.get('start') ?? 300),
    stopMs: Number(words.get('stop') ?? 20),
    never: words.has('never'),
    exit: words.has('exit'),
    diesMs: words.has('dies') ? Number(words.get('dies')) : null,
  };
}

interface ScriptedWorker {
  readonly order: WorkerOrder;
  readonly script: Script;
  readonly startedAtMs: number;
  running: boolean;
  healthy: boolean;
  onHealth: ((healthy: boolean, detail: string) => void) | null;
  cancels: (() => void)[];
}

/** A driver and its readiness on a manual clock: nothing happens that the test's script does not say. */
export class ScriptedDriver implements Driver, Readiness {
  readonly kind = 'simulated';
  readonly #clock: Clock;
  readonly #devices: number;
  readonly workers = new Map<WorkerId, ScriptedWorker>();
  #onExit: (workerId: WorkerId, exit: WorkerExit) => void = () => undefined;
  starts = 0;
  /** What a worker does where it is not what its spec's command says; by the number of starts before it. */
  commandOf: (order: WorkerOrder, startsBefore: number) => string = (order) => order.spec.command;
  /** Workers that `list` still shows as running and that are gone when they are to be taken back. */
  readonly lostAtRecovery = new Set<WorkerId>();
  /** Workers start, and it is not told until the driver is closed. */
  holdsStarts = false;
  readonly #released = Promise.withResolvers<void>();

  constructor(clock: Clock, devices: number) {
    this.#clock = clock;
    this.#devices = devices;
  }

  async fingerprint(): Promise<Fingerprint> {
    return await Promise.resolve({
      devices: Array.from({ length: this.#devices }, (_, index) => ({
        id: String(index),
        productId: 'gpu',
        name: 'GPU',
        memoryMib: 0,
      })),
      cudaVersion: null,
      capabilities: { images: 'host', volumes: false, registryAuth: false, rootfsLimit: false },
    });
  }

  refusal(): AppError | null {
    return null;
  }

  async prepare(): Promise<void> {
    await Promise.resolve();
  }

  async start(order: WorkerOrder): Promise<StartedWorker> {
    const command = this.commandOf(order, this.starts);
    this.starts += 1;
    for (const id of order.devices) {
      const holder = [...this.workers.values()].find(
        (other) => other.running && other.order.devices.includes(id),
      );
      if (holder !== undefined)
        throw new Error(`device ${id} was given twice, to ${holder.order.workerId} and ${order.workerId}`);
    }
    const worker: ScriptedWorker = {
      order,
      script: scriptOf(command),
      startedAtMs: this.#clock.nowMs(),
      running: true,
      healthy: true,
      onHealth: null,
      cancels: [],
    };
    this.workers.set(order.workerId, worker);
    if (worker.script.exit) worker.cancels.push(this.#clock.schedule(1, () => this.end(order.workerId, 1)));
    if (worker.script.diesMs !== null) {
      worker.cancels.push(this.#clock.schedule(worker.script.diesMs, () => this.end(order.workerId, 1)));
    }
    if (this.holdsStarts) await this.#released.promise;
    return await Promise.resolve({ addresses: { 8080: { host: '127.0.0.1', port: 1 } } });
  }

  /** The worker's process ends by itself. */
  end(workerId: WorkerId, code: number): void {
    const worker = this.workers.get(workerId);
    if (worker === undefined || !worker.running) return;
    worker.running = false;
    for (const cancel of worker.cancels) cancel();
    this.#onExit(workerId, { code, signal: null });
  }

  watch(
    target: ReadinessTarget,
    onChange: (healthy: boolean, detail: string) => void,
    signal: AbortSignal,
  ): void {
    const worker = this.workers.get(target.workerId);
    if (worker === undefined || worker.script.never || worker.script.exit) return;
    const sinceStartMs = this.#clock.nowMs() - worker.startedAtMs;
    const cancel = this.#clock.schedule(worker.script.startMs - sinceStartMs, () => {
      if (!worker.running) return;
      worker.onHealth = onChange;
      if (worker.healthy !== (target.wasHealthy ?? false)) onChange(worker.healthy, 'its probe');
    });
    worker.cancels.push(cancel);
    signal.addEventListener('abort', cancel, { once: true });
  }

  /** What the probes of a worker see from now on. */
  health(workerId: WorkerId, healthy: boolean): void {
    const worker = this.workers.get(workerId);
    if (worker === undefined || worker.healthy === healthy) return;
    worker.healthy = healthy;
    worker.onHealth?.(healthy, 'its probe');
  }

  async list(): Promise<readonly FoundWorker[]> {
    return await Promise.resolve(
      [...this.workers.values()].map((worker) => ({
        workerId: worker.order.workerId,
        endpointId: worker.order.endpointId,
        revision: worker.order.revision,
        devices: worker.order.devices,
        fence: worker.order.fence,
        running: worker.running,
        startedAtMs: worker.startedAtMs,
        exit: null,
        addresses: { 8080: { host: '127.0.0.1', port: 1 } },
      })),
    );
  }

  async recover(workerId: WorkerId): Promise<StartedWorker> {
    if (this.lostAtRecovery.has(workerId)) {
      this.workers.delete(workerId);
      throw new AppError('SERVERLESS_WORKER_NOT_FOUND', `no running worker "${workerId}" is known here`);
    }
    return await Promise.resolve({ addresses: { 8080: { host: '127.0.0.1', port: 1 } } });
  }

  async stop(workerId: WorkerId): Promise<WorkerExit> {
    const worker = this.workers.get(workerId);
    if (worker === undefined || !worker.running) return await Promise.resolve({ code: 0, signal: null });
    return await new Promise((resolve) => {
      this.#clock.schedule(worker.script.stopMs, () => {
        const wasRunning = worker.running;
        worker.running = false;
        for (const cancel of worker.cancels) cancel();
        if (wasRunning) this.#onExit(workerId, { code: 0, signal: null });
        resolve({ code: 0, signal: null });
      });
    });
  }

  async logs(): Promise<WorkerLog> {
    return await Promise.resolve({ text: 'its last line', droppedBytes: 0 });
  }

  async forget(workerId: WorkerId): Promise<void> {
    this.workers.delete(workerId);
    return await Promise.resolve();
  }

  onExit(listener: (workerId: WorkerId, exit: WorkerExit) => void): void {
    this.#onExit = listener;
  }

  async close(): Promise<void> {
    this.#released.promise.catch(() => undefined);
    this.#released.reject(new AppError('SHUTTING_DOWN', 'the driver was closed'));
    await Promise.resolve();
  }

  get running(): number {
    return [...this.workers.values()].filter((worker) => worker.running).length;
  }
}
