import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import type { WorkerId } from '../base/ids.ts';
import { mainPort, type RevisionSpec } from '../model/endpoint.ts';
import { UNSEEN_EXIT, type WorkerExit } from '../model/worker-exit.ts';
import { GPU_PRODUCT_ID } from '../model/product.ts';
import type { WorkerAddress } from '../model/worker.ts';
import type {
  Driver,
  DriverImages,
  Fingerprint,
  FoundWorker,
  PullContext,
  Readiness,
  ReadinessTarget,
  StartedWorker,
  WorkerLog,
  WorkerOrder,
} from '../ports/driver.ts';
import type { Turns } from './turns.ts';
import { behaviourOfCommand, pullMsOfCommand, type WorkerBehaviour } from './worker-behaviour.ts';

const EXITED: WorkerExit = { ...UNSEEN_EXIT, code: 0 };

/** Until three probes in a row have failed. */
const PROBES_MISSED_MS = 3_000;

/** One worker's process. */
export interface SimulatedProcess {
  readonly order: WorkerOrder;
  readonly behaviour: WorkerBehaviour;
  readonly startedAtMs: number;
  running: boolean;
  /** What its health checks say, once it is past its start. */
  healthy: boolean;
  onHealth: ((healthy: boolean, detail: string) => void) | null;
  cancels: (() => void)[];
}

export interface SimulatedMachineOptions {
  readonly clock: Clock;
  readonly turns: Turns;
  readonly devices: number;
  /** What it can pull; it has none unless given. */
  readonly images?: DriverImages;
  /** How long the answer of a call takes. */
  readonly callMs?: number;
  /** By the number of starts before it; what the spec's command says by default. */
  readonly behaviourOf?: (order: WorkerOrder, startsBefore: number) => WorkerBehaviour;
}

/** How a driver call goes wrong: it does nothing and says so, or does its work and its answer is lost. */
export type CallFault = 'failed' | 'answerLost';

/**
 * A host with devices and the processes of its workers; they outlive the server that started them.
 * It is the driver and the readiness probes at once: nothing happens that the behaviours and the
 * faults do not say.
 */
export class SimulatedMachine implements Driver, Readiness {
  readonly kind = 'simulated';
  readonly images: DriverImages | null;
  readonly #clock: Clock;
  readonly #turns: Turns;
  readonly devices: number;
  readonly #callMs: number;
  readonly processes = new Map<WorkerId, SimulatedProcess>();
  readonly #holders = new Map<string, SimulatedProcess>();
  #onExit: (workerId: WorkerId, exit: WorkerExit) => void = () => undefined;
  #behaviourOf: (order: WorkerOrder, startsBefore: number) => WorkerBehaviour;
  /** Calls of `start`. */
  starts = 0;
  /** Starts on devices that another process held: nothing may ever be here. */
  readonly clashes: string[] = [];
  /** The highest fencing number that came with a start. */
  #fence = 0;
  /** Processes that run now. */
  running = 0;
  /** Told before `running` changes. */
  onRunning: () => void = () => undefined;
  /** Told when a process has ended, before its server knows. */
  onEnded: (workerId: WorkerId) => void = () => undefined;
  /** What the next calls meet, in order. */
  readonly startFaults: CallFault[] = [];
  readonly stopFaults: CallFault[] = [];
  /** Workers that `list` still shows as running and that are gone when they are to be taken back. */
  readonly lostAtRecovery = new Set<WorkerId>();
  /** Workers start, and it is not told until the driver is closed. */
  holdsStarts = false;
  readonly #released = Promise.withResolvers<void>();

  constructor(options: SimulatedMachineOptions) {
    this.#clock = options.clock;
    this.#turns = options.turns;
    this.devices = options.devices;
    this.images = options.images ?? null;
    this.#callMs = options.callMs ?? 0;
    this.#behaviourOf = options.behaviourOf ?? ((order) => behaviourOfCommand(order.spec.command));
  }

  set behaviourOf(behaviourOf: (order: WorkerOrder, startsBefore: number) => WorkerBehaviour) {
    this.#behaviourOf = behaviourOf;
  }

  async fingerprint(): Promise<Fingerprint> {
    return await Promise.resolve({
      devices: Array.from({ length: this.devices }, (_, index) => ({
        id: String(index),
        productId: GPU_PRODUCT_ID,
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

  async prepare(spec: RevisionSpec, { signal }: PullContext): Promise<null> {
    signal.throwIfAborted();
    const pullMs = pullMsOfCommand(spec.command);
    if (pullMs === 0) return null;
    // A pull that cannot be broken off.
    await new Promise<void>((resolve) => {
      this.#clock.schedule(pullMs, () => {
        this.#turns.touch();
        resolve();
      });
    });
    return null;
  }

  async start(order: WorkerOrder): Promise<StartedWorker> {
    const behaviour = this.#behaviourOf(order, this.starts);
    this.starts += 1;
    const fault = this.startFaults.shift();
    if (fault === 'failed') {
      await this.#answer();
      throw new AppError('WORKER_START_FAILED', 'the simulated start failed');
    }
    if (order.fence < this.#fence) throw new AppError('WORKER_START_FAILED', 'another server has taken over');
    this.#fence = order.fence;
    for (const id of order.devices) {
      const holder = this.#holders.get(id);
      if (holder !== undefined)
        this.clashes.push(`device ${id} was given twice, to ${holder.order.workerId} and ${order.workerId}`);
    }
    const started: SimulatedProcess = {
      order,
      behaviour,
      startedAtMs: this.#clock.nowMs(),
      running: true,
      healthy: true,
      onHealth: null,
      cancels: [],
    };
    this.onRunning();
    this.running += 1;
    for (const id of order.devices) this.#holders.set(id, started);
    this.processes.set(order.workerId, started);
    if (behaviour.endsMs !== null) {
      started.cancels.push(this.#clock.schedule(behaviour.endsMs, () => this.end(order.workerId, 1)));
    }
    await this.#answer();
    if (fault === 'answerLost')
      throw new AppError('WORKER_START_FAILED', 'the answer of a simulated start was lost');
    if (this.holdsStarts) await this.#released.promise;
    return await Promise.resolve({ addresses: addressesOf(order.spec) });
  }

  /** The worker's process ends by itself. */
  end(workerId: WorkerId, code: number): void {
    const started = this.processes.get(workerId);
    if (started?.running === true) this.#over(started, { ...UNSEEN_EXIT, code });
  }

  /** It is gone and no exit is told: only its probes can show it. */
  vanish(workerId: WorkerId): void {
    const started = this.processes.get(workerId);
    if (started?.running !== true) return;
    const { onHealth } = started;
    this.#gone(started);
    if (onHealth !== null) {
      this.#clock.schedule(PROBES_MISSED_MS, () => onHealth(false, 'nobody answers'));
    }
  }

  /** There is somebody to connect to. */
  reaches(workerId: WorkerId): boolean {
    return this.processes.get(workerId)?.running === true;
  }

  watch(
    target: ReadinessTarget,
    onChange: (healthy: boolean, detail: string) => void,
    signal: AbortSignal,
  ): void {
    const started = this.processes.get(target.workerId);
    if (started === undefined || started.behaviour.readyMs === null) return;
    const sinceStartMs = this.#clock.nowMs() - started.startedAtMs;
    const cancel = this.#clock.schedule(started.behaviour.readyMs - sinceStartMs, () => {
      if (!started.running) return;
      started.onHealth = onChange;
      if (started.healthy !== (target.wasHealthy ?? false)) onChange(started.healthy, 'its probe');
    });
    started.cancels.push(cancel);
    signal.addEventListener('abort', cancel, { once: true });
  }

  /** What the probes of a worker see from now on. */
  health(workerId: WorkerId, healthy: boolean): void {
    const started = this.processes.get(workerId);
    if (started === undefined || started.healthy === healthy) return;
    started.healthy = healthy;
    started.onHealth?.(healthy, 'its probe');
  }

  async list(): Promise<readonly FoundWorker[]> {
    return await Promise.resolve(
      [...this.processes.values()].map(({ order, running, startedAtMs }) => ({
        workerId: order.workerId,
        endpointId: order.endpointId,
        revision: order.revision,
        devices: order.devices,
        fence: order.fence,
        running,
        startedAtMs,
        exit: null,
        addresses: addressesOf(order.spec),
      })),
    );
  }

  async recover(workerId: WorkerId): Promise<StartedWorker> {
    const started = this.processes.get(workerId);
    if (this.lostAtRecovery.has(workerId)) {
      if (started !== undefined) this.#over(started, EXITED);
      this.processes.delete(workerId);
    }
    if (started?.running !== true) {
      throw new AppError('SERVERLESS_WORKER_NOT_FOUND', `no running worker "${workerId}" is known here`);
    }
    return await Promise.resolve({ addresses: addressesOf(started.order.spec) });
  }

  async stop(workerId: WorkerId): Promise<WorkerExit> {
    const started = this.processes.get(workerId);
    const fault = this.stopFaults.shift();
    if (fault === 'failed') throw new AppError('UNKNOWN', 'the simulated stop failed');
    if (started?.running === true) await this.#ended(started);
    await this.#answer();
    if (fault === 'answerLost') throw new AppError('UNKNOWN', 'the answer of a simulated stop was lost');
    return EXITED;
  }

  async logs(): Promise<WorkerLog> {
    return await Promise.resolve({ text: 'its last line', droppedBytes: 0 });
  }

  async forget(workerId: WorkerId): Promise<void> {
    this.processes.delete(workerId);
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

  async #answer(): Promise<void> {
    if (this.#callMs === 0) return;
    await new Promise<void>((resolve) => {
      this.#clock.schedule(this.#callMs, () => {
        this.#turns.touch();
        resolve();
      });
    });
  }

  async #ended(started: SimulatedProcess): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#clock.schedule(started.behaviour.stopMs, () => {
        this.#turns.touch();
        if (started.running) this.#over(started, EXITED);
        resolve();
      });
    });
  }

  #over(started: SimulatedProcess, exit: WorkerExit): void {
    this.#gone(started);
    this.#onExit(started.order.workerId, exit);
  }

  #gone(started: SimulatedProcess): void {
    this.onRunning();
    this.running -= 1;
    started.running = false;
    for (const id of started.order.devices) {
      if (this.#holders.get(id) === started) this.#holders.delete(id);
    }
    for (const cancel of started.cancels) cancel();
    started.cancels = [];
    this.onEnded(started.order.workerId);
  }
}

function addressesOf(spec: RevisionSpec): Record<number, WorkerAddress> {
  return { [mainPort(spec)]: { host: '127.0.0.1', port: 1 } };
}
