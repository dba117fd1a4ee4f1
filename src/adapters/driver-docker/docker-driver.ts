import { mkdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { WorkerId } from '../../base/ids.ts';
import { MIB, SECOND_MS } from '../../base/units.ts';
import type { RevisionSpec } from '../../model/endpoint.ts';
import { UNSEEN_EXIT, type WorkerExit } from '../../model/worker-exit.ts';
import type {
  Driver,
  Fingerprint,
  FoundWorker,
  HostDevices,
  PreparedImage,
  PullContext,
  StartedWorker,
  WorkerLog,
  WorkerOrder,
} from '../../ports/driver.ts';
import type { Log } from '../../ports/log.ts';
import { workerFolder } from '../worker-files/worker-folder.ts';
import { readLog } from '../worker-files/worker-log.ts';
import { readExit, readRecord, removeRecord, writeExit, writeRecord } from '../worker-files/worker-record.ts';
import { containerAddresses, type InspectedContainer } from './container-address.ts';
import { labelledWorker } from './container-labels.ts';
import { DEFAULT_LIMITS, type ContainerLimits } from './container-spec.ts';
import { ContainerStart, devicesNotGiven } from './container-start.ts';
import { ContainerWatch, type Watched } from './container-watch.ts';
import { Containers, type ListedContainer } from './containers.ts';
import { DockerImages } from './docker-images.ts';
import type { DockerRecord } from './docker-record.ts';
import { EngineClient } from './engine-client.ts';
import { EngineEvents } from './engine-events.ts';
import { hasStatus } from './engine-fault.ts';
import { readEngineFeatures, type EngineFeatures } from './engine-features.ts';
import { LogCopy } from './log-copy.ts';
import { serverInstance } from './server-instance.ts';
import { specRefusal } from './spec-refusal.ts';

const DEFAULT_LOG_LIMIT_BYTES = 8 * MIB;
/** How long a server that starts waits for an engine that does so too. */
const ENGINE_WAIT_MS = 60 * SECOND_MS;

export interface DockerDriverOptions {
  /** Made when it does not exist. What is kept of workers is in it, and the name of this server. */
  readonly dataDir: string;
  readonly socketPath: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Those of the engine's machine. */
  readonly hostDevices: () => Promise<HostDevices>;
  readonly limits?: Partial<ContainerLimits>;
  /** Per worker, default 8 MiB. */
  readonly logLimitBytes?: number;
  /** Of one call of the engine, default 60 s. */
  readonly callTimeoutMs?: number;
  /** False: also a worker next door is reached by the port that is published on the loopback. */
  readonly directAddresses?: boolean;
}

export function createDockerDriver(options: DockerDriverOptions): DockerDriver {
  return new DockerDriver(options);
}

/**
 * Runs workers as containers of Docker, or of Podman behind the same API. The containers carry all that
 * is needed to find them again; what is left of one that ended (how, and its output) is in the data
 * folder, so the container, and what it wrote to its own file system, go at once.
 */
export class DockerDriver implements Driver {
  readonly kind = 'docker';
  readonly images: DockerImages;
  readonly #options: DockerDriverOptions;
  readonly #workersFolder: string;
  readonly #engine: EngineClient;
  readonly #events: EngineEvents;
  readonly #containers: Containers;
  readonly #watch: ContainerWatch;
  readonly #starts: ContainerStart;
  readonly #logCopy: LogCopy;
  /** Guesses until the engine was asked. */
  readonly #features: EngineFeatures = {
    isPodman: false,
    rootfsLimit: false,
    givesDevices: true,
    hostAddress: null,
  };
  #closed = false;

  constructor(options: DockerDriverOptions) {
    this.#options = options;
    const { clock, log, dataDir, socketPath, callTimeoutMs } = options;
    this.#workersFolder = join(dataDir, 'workers');
    mkdirSync(this.#workersFolder, { recursive: true, mode: 0o700 });
    const instance = serverInstance(dataDir);
    const timeout = callTimeoutMs === undefined ? {} : { timeoutMs: callTimeoutMs };
    const engine = new EngineClient({ socketPath, clock, log, ...timeout });
    const containers = new Containers(engine, instance, log);
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#engine = engine;
    this.#containers = containers;
    this.images = new DockerImages(engine, clock, () => this.#features.isPodman);
    this.#logCopy = new LogCopy(engine, options.logLimitBytes ?? DEFAULT_LOG_LIMIT_BYTES);
    this.#watch = new ContainerWatch({
      ...{ clock, log, containers },
      memoryLimitMib: limits.memoryMib,
      isPodman: () => this.#features.isPodman,
      clear: async (...facts) => await this.#clear(...facts),
      dropRemains: async (...facts) => await this.#dropRemains(...facts),
    });
    this.#starts = new ContainerStart({
      ...{ engine, containers, log, instance, limits },
      images: this.images,
      features: this.#features,
    });
    this.#events = new EngineEvents(engine, instance, options, {
      containerEnded: (containerId, exitCode) => this.#watch.containerEnded(containerId, exitCode),
      opened: () => void this.#watch.look(),
    });
  }

  async fingerprint(): Promise<Fingerprint> {
    const found = await this.#options.hostDevices();
    const features = await this.#engine.patiently(
      async () => await readEngineFeatures(this.#engine),
      ENGINE_WAIT_MS,
    );
    Object.assign(this.#features, features);
    this.#events.begin();
    const { rootfsLimit } = this.#features;
    return {
      ...found,
      capabilities: { images: 'container', volumes: true, registryAuth: true, rootfsLimit },
    };
  }

  hostAddress(): string | null {
    return this.#features.hostAddress;
  }

  refusal(spec: RevisionSpec): AppError | null {
    return specRefusal(spec);
  }

  async prepare(spec: RevisionSpec, context: PullContext): Promise<PreparedImage> {
    context.signal.throwIfAborted();
    const refusal = this.refusal(spec);
    if (refusal !== null) throw refusal;
    return await this.images.prepare(spec.image, context);
  }

  start(order: WorkerOrder): Promise<StartedWorker> {
    const refusal = this.#closed ? closedError() : this.#startRefusal(order);
    if (refusal !== null) return Promise.reject(refusal);
    this.#events.begin();
    const watched = this.#watch.add(order.workerId);
    void this.#start(order, watched);
    return watched.started.promise;
  }

  #startRefusal({ spec, devices }: WorkerOrder): AppError | null {
    if (devices.length > 0 && !this.#features.givesDevices) return devicesNotGiven('as was seen before');
    return this.refusal(spec);
  }

  async #start(order: WorkerOrder, watched: Watched): Promise<void> {
    const { workerId } = order;
    let addresses: StartedWorker['addresses'];
    try {
      const startedAtMs = this.#options.clock.nowMs();
      const inspected = await this.#starts.run(order, startedAtMs, (containerId) => {
        watched.containerId = containerId;
      });
      addresses = this.#addresses(inspected);
      this.#record(inspected, addresses);
    } catch (error) {
      // By its name where the answer that told its id was lost.
      await this.#containers.remove(watched.containerId ?? this.#containers.nameOf(workerId));
      removeRecord(this.#folder(workerId));
      this.#watch.notBegun(watched, error);
      return;
    }
    await this.#watch.begun(watched, { addresses });
  }

  async list(): Promise<readonly FoundWorker[]> {
    const found = new Map<WorkerId, FoundWorker>();
    const listed = await this.#engine.patiently(() => this.#containers.list(), ENGINE_WAIT_MS);
    for (const container of listed) {
      const worker = await this.#found(container);
      if (worker !== null) found.set(worker.workerId, worker);
    }
    for (const name of await readdir(this.#workersFolder)) {
      const workerId = name as WorkerId;
      const record = readRecord<DockerRecord>(this.#folder(workerId));
      if (record === null || found.has(workerId)) continue;
      found.set(workerId, foundWorker(record, this.#keptExit(workerId)));
    }
    return [...found.values()];
  }

  /** Of one without a container; null while it is being cleared away. */
  #keptExit(workerId: WorkerId): WorkerExit | null {
    const exit = readExit(this.#folder(workerId));
    if (exit !== null || this.#watch.get(workerId) !== undefined) return exit;
    // Removed by somebody while no server watched.
    writeExit(this.#folder(workerId), UNSEEN_EXIT);
    return UNSEEN_EXIT;
  }

  /** Null for one that is no worker: not started yet, gone meanwhile, or the remains of a crash, which go. */
  async #found({ Id, Labels }: ListedContainer): Promise<FoundWorker | null> {
    const workerId = labelledWorker(Labels ?? {})?.workerId;
    if (workerId === undefined) {
      this.#options.log.warn('a container with the label of this server tells of no worker', { id: Id });
      return null;
    }
    const watched = this.#watch.get(workerId);
    if (watched?.isStarted === false) return null;
    const inspected = await this.#containers.find(Id);
    if (inspected === null) return null;
    const kept = readRecord<DockerRecord>(this.#folder(workerId));
    if (inspected.State.Running) {
      return foundWorker(kept ?? this.#record(inspected, this.#addresses(inspected)), null);
    }
    if (watched !== undefined) return kept === null ? null : foundWorker(kept, null);
    if (neverRan(inspected.State.Status)) {
      await this.#containers.remove(Id);
      return null;
    }
    const exit = readExit(this.#folder(workerId)) ?? this.#watch.exitOf(inspected, null);
    const record = kept ?? this.#record(inspected, {});
    await this.#clear(workerId, Id, exit);
    return foundWorker(record, exit);
  }

  async recover(workerId: WorkerId): Promise<StartedWorker> {
    const known = this.#watch.get(workerId);
    if (known !== undefined) return await known.started.promise;
    const kept = readRecord<DockerRecord>(this.#folder(workerId));
    // Watched before it is looked at: an end in between is told.
    const watched = this.#watch.add(workerId);
    try {
      const inspected = await this.#containers.find(this.#containers.nameOf(workerId));
      if (inspected?.State.Running !== true) {
        throw new AppError('SERVERLESS_WORKER_NOT_FOUND', `no running worker "${workerId}" is known here`);
      }
      watched.containerId = inspected.Id;
      this.#events.begin();
      void this.#watch.begun(watched, { addresses: kept?.addresses ?? this.#addresses(inspected) });
    } catch (error) {
      this.#watch.notBegun(watched, error);
    }
    return await watched.started.promise;
  }

  async stop(workerId: WorkerId, graceMs: number): Promise<WorkerExit> {
    if (this.#watch.get(workerId) === undefined) {
      try {
        await this.recover(workerId);
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'SERVERLESS_WORKER_NOT_FOUND') throw error;
      }
    }
    const watched = this.#watch.get(workerId);
    if (watched === undefined) return readExit(this.#folder(workerId)) ?? UNSEEN_EXIT;
    return await this.#watch.stop(watched, graceMs);
  }

  async logs(workerId: WorkerId, maxBytes: number): Promise<WorkerLog> {
    const folder = this.#folder(workerId);
    const containerId = this.#watch.get(workerId)?.containerId ?? null;
    if (containerId !== null) await this.#copyLog(workerId, containerId);
    const log = await readLog(folder, maxBytes);
    if (log !== null) return log;
    if (containerId !== null || readRecord(folder) !== null) return { text: '', droppedBytes: 0 };
    throw new AppError('SERVERLESS_WORKER_NOT_FOUND', `nothing is kept of a worker "${workerId}"`);
  }

  async forget(workerId: WorkerId): Promise<void> {
    if (this.#watch.get(workerId) !== undefined) {
      throw new AppError('CONFLICT', `worker "${workerId}" runs; stop it before it is forgotten`);
    }
    removeRecord(this.#folder(workerId));
  }

  onExit(listener: (workerId: WorkerId, exit: WorkerExit) => void): void {
    this.#watch.onExit(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#engine.close();
    this.#watch.close(closedError());
    await this.#events.end();
  }

  /** What is kept is written before the container goes; one that stays is met again by `list`. */
  async #clear(workerId: WorkerId, containerId: string, exit: WorkerExit): Promise<void> {
    await this.#copyLog(workerId, containerId);
    if (this.#closed) return;
    writeExit(this.#folder(workerId), exit);
    await this.#containers.remove(containerId);
  }

  /** Of one whose end was told, or whose start was given up, while the engine was away. */
  async #dropRemains(workerId: WorkerId, { Id, State }: ListedContainer): Promise<void> {
    const exit = readExit(this.#folder(workerId));
    if (exit !== null) await this.#clear(workerId, Id, exit);
    else if (neverRan(State)) await this.#containers.remove(Id);
  }

  async #copyLog(workerId: WorkerId, containerId: string): Promise<void> {
    try {
      await this.#logCopy.copy(containerId, this.#folder(workerId));
    } catch (error) {
      if (this.#closed || hasStatus(error, 404)) return;
      this.#options.log.warn('the output of a worker could not be read', { workerId, error });
    }
  }

  #record({ Id, Config }: InspectedContainer, addresses: StartedWorker['addresses']): DockerRecord {
    const labelled = labelledWorker(Config.Labels ?? {});
    if (labelled === null)
      throw new AppError('ENGINE_FAILED', 'the container engine lost a label of a worker');
    const { ports: _, ...facts } = labelled;
    const record: DockerRecord = { ...facts, addresses, containerId: Id };
    writeRecord(this.#folder(facts.workerId), record);
    return record;
  }

  #addresses(inspected: InspectedContainer): StartedWorker['addresses'] {
    const ports = labelledWorker(inspected.Config.Labels ?? {})?.ports ?? [];
    const own = this.#options.directAddresses === false ? new Set<string>() : ownAddresses();
    const addresses = containerAddresses(inspected, ports, own);
    if (addresses !== null) return addresses;
    // One that ended at once has none any more: its end is told next, with what it wrote.
    if (!inspected.State.Running) return {};
    throw new AppError('WORKER_START_FAILED', 'the container engine did not publish the ports of the worker');
  }

  #folder(workerId: WorkerId): string {
    return workerFolder(this.#workersFolder, workerId);
  }
}

/** Of this host: where an engine's bridge is on it, the bridge's address is among them. */
function ownAddresses(): ReadonlySet<string> {
  const interfaces = Object.values(networkInterfaces());
  return new Set(interfaces.flatMap((own) => (own ?? []).map(({ address }) => address)));
}

function foundWorker(record: DockerRecord, exit: WorkerExit | null): FoundWorker {
  const { workerId, endpointId, revision, devices, fence, startedAtMs, addresses } = record;
  const facts = { workerId, endpointId, revision, devices, fence, startedAtMs, addresses };
  return { ...facts, running: exit === null, exit };
}

/** As Docker and as Podman call it. */
function neverRan(state: string): boolean {
  return ['created', 'configured', 'initialized'].includes(state);
}

function closedError(): AppError {
  return new AppError('SHUTTING_DOWN', 'the driver was closed');
}
