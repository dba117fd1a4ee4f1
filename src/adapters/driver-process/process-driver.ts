import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { WorkerId } from '../../base/ids.ts';
import type { Random } from '../../base/random.ts';
import { MIB } from '../../base/units.ts';
import type { RevisionSpec } from '../../model/endpoint.ts';
import { UNSEEN_EXIT, type WorkerExit } from '../../model/worker-exit.ts';
import type {
  Driver,
  DriverCapabilities,
  Fingerprint,
  FoundWorker,
  HostDevices,
  PullContext,
  StartedWorker,
  WorkerLog,
  WorkerOrder,
} from '../../ports/driver.ts';
import type { Log } from '../../ports/log.ts';
import { processLives } from './process-table.ts';
import { ReadyFiles } from './ready-file.ts';
import { SpawnerChannel } from './spawner-channel.ts';
import type { SpawnerReply } from './spawner-message.ts';
import { strayWorkers } from './stray-worker.ts';
import { baseEnvironment, type Environment } from './worker-environment.ts';
import { processRefusal, workingFolder } from './worker-image.ts';
import { workerFolder } from '../worker-files/worker-folder.ts';
import { removeScratch } from './worker-volumes.ts';
import { readLog } from '../worker-files/worker-log.ts';
import { readExit, readRecord, removeRecord, writeRecord } from '../worker-files/worker-record.ts';
import type { ProcessRecord } from './process-record.ts';

const DEFAULT_LOG_LIMIT_BYTES = 8 * MIB;
/** An order that ended this many spawners is the reason why they end. */
const ORDER_ATTEMPTS = 3;
/** A folder without a process on record that is older than this belongs to a start that never came to its spawn. */
const START_GRACE_MS = 10_000;

export interface ProcessDriverOptions {
  /** Made when it does not exist. It also names this server to its workers: two servers never share one. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: Random;
  /** What the fingerprint tells of devices. */
  readonly hostDevices: () => Promise<HostDevices>;
  /** The server's environment, of which workers get a small part. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The folder `host` runs in and relative folders count from; default: the server's own. */
  readonly serverFolder?: string;
  /** A worker says that it takes requests. May be told before its start is, and more than once. */
  readonly onNotice?: (workerId: WorkerId) => void;
  /** Per worker, default 8 MiB. */
  readonly logLimitBytes?: number;
}

/** A worker this driver watches: started by it, or recovered. */
interface Watched {
  /** Null until the spawner has started it. */
  record: ProcessRecord | null;
  readonly started: PromiseWithResolvers<StartedWorker>;
  readonly ended: PromiseWithResolvers<WorkerExit>;
  /** Gives the order to the spawner, once more if the one that had it died. */
  readonly order: ((repeated: boolean) => void) | null;
  attempts: number;
  stopGraceMs: number | null;
  /** False for one that was found ended: `list` says so, `onExit` does not. */
  readonly tellsExit: boolean;
}

export function createProcessDriver(options: ProcessDriverOptions): ProcessDriver {
  return new ProcessDriver(options);
}

/**
 * Runs workers as processes of this machine. All that has to do with processes happens in the
 * spawner (spawner.ts); this side gives orders, keeps the promises for their answers and reads the
 * records. Nothing is kept in memory that cannot be found again on disk or in the process list.
 */
export class ProcessDriver implements Driver {
  readonly kind = 'process';
  readonly images = null;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #random: Random;
  readonly #hostDevices: () => Promise<HostDevices>;
  readonly #environment: Environment;
  readonly #serverFolder: string;
  readonly #notices: ReadyFiles;
  readonly #workersFolder: string;
  readonly #instance: string;
  readonly #channel: SpawnerChannel;
  readonly #watched = new Map<WorkerId, Watched>();
  readonly #listeners: ((workerId: WorkerId, exit: WorkerExit) => void)[] = [];
  #straysWereSought = false;
  #closed = false;

  constructor(options: ProcessDriverOptions) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#random = options.random;
    this.#hostDevices = options.hostDevices;
    this.#environment = baseEnvironment(options.environment);
    this.#notices = new ReadyFiles(options.log, options.onNotice ?? (() => undefined));
    this.#serverFolder = options.serverFolder ?? process.cwd();
    const workersFolder = join(options.dataDir, 'workers');
    mkdirSync(workersFolder, { recursive: true, mode: 0o700 });
    this.#workersFolder = realpathSync(workersFolder);
    this.#instance = createHash('sha256').update(this.#workersFolder).digest('hex').slice(0, 16);
    this.#channel = new SpawnerChannel(
      {
        workersFolder: this.#workersFolder,
        instance: this.#instance,
        environment: this.#environment,
        logLimitBytes: options.logLimitBytes ?? DEFAULT_LOG_LIMIT_BYTES,
      },
      options.clock,
      options.log,
      { onReply: (reply) => this.#onReply(reply), onRelaunch: () => this.#tellAgain() },
    );
  }

  /** The process id of the spawner; null while none runs. */
  get spawnerPid(): number | null {
    return this.#channel.pid;
  }

  async fingerprint(): Promise<Fingerprint> {
    const [found] = await Promise.all([this.#hostDevices(), this.#channel.ready]);
    const capabilities: DriverCapabilities = {
      images: 'host',
      volumes: true,
      registryAuth: false,
      rootfsLimit: false,
    };
    return { ...found, capabilities };
  }

  refusal(spec: RevisionSpec): AppError | null {
    return processRefusal(spec, this.#serverFolder);
  }

  prepare(spec: RevisionSpec, { signal }: PullContext): Promise<null> | null {
    const refusal: unknown = signal.aborted ? signal.reason : this.refusal(spec);
    return refusal === null ? null : Promise.reject(refusal);
  }

  start(order: WorkerOrder): Promise<StartedWorker> {
    const refusal = this.#closed ? closedError() : this.refusal(order.spec);
    const folder = workingFolder(order.spec.image, this.#serverFolder);
    if (refusal !== null || folder === null) return Promise.reject(refusal ?? closedError());
    const portChance = this.#random.next();
    // No registry is asked here: its password stays out of the spawner.
    const given = { ...order, credential: null };
    const give = (repeated: boolean): void =>
      this.#channel.send({
        kind: 'start',
        order: given,
        workingFolder: folder,
        portChance,
        repeated,
      });
    const watched = this.#watch(order.workerId, null, give, true);
    give(false);
    return watched.started.promise;
  }

  async list(): Promise<readonly FoundWorker[]> {
    const found: FoundWorker[] = [];
    /** When the start of each began that has no process on record. */
    const unfinished = new Map<WorkerId, number>();
    const known = new Set<WorkerId>();
    for (const name of await readdir(this.#workersFolder)) {
      const workerId = name as WorkerId;
      const record = readRecord<ProcessRecord>(this.#folder(workerId));
      if (record === null || record.pid === null) {
        // It is being started or forgotten in this moment, or the spawner died between its process and its record.
        const beganMs = record?.startedAtMs ?? (await changedAtMs(this.#folder(workerId)));
        if (beganMs !== null && !this.#watched.has(workerId)) unfinished.set(workerId, beganMs);
        continue;
      }
      known.add(workerId);
      found.push(await this.#inspect(record));
    }
    if (this.#straysWereSought && unfinished.size === 0) return found;
    // After the records were read: a start that was completed meanwhile is in the process list.
    const strays = await strayWorkers(this.#instance);
    this.#straysWereSought = true;
    for (const stray of strays.values()) {
      if (known.has(stray.workerId) || this.#watched.has(stray.workerId)) continue;
      writeRecord(this.#folder(stray.workerId), stray);
      found.push(foundWorker(stray, null));
    }
    for (const [workerId, beganMs] of unfinished) {
      const isOld = this.#clock.nowMs() - beganMs > START_GRACE_MS;
      if (isOld && !strays.has(workerId) && !this.#watched.has(workerId))
        removeRecord(this.#folder(workerId));
    }
    return found;
  }

  async recover(workerId: WorkerId): Promise<StartedWorker> {
    const watched = this.#watched.get(workerId);
    if (watched !== undefined) return watched.started.promise;
    const record = readRecord<ProcessRecord>(this.#folder(workerId));
    if (record === null || record.pid === null || readExit(this.#folder(workerId)) !== null) {
      throw new AppError('SERVERLESS_WORKER_NOT_FOUND', `no running worker "${workerId}" is known here`);
    }
    this.#adopt(record, true);
    return { addresses: record.addresses };
  }

  async stop(workerId: WorkerId, graceMs: number): Promise<WorkerExit> {
    const watched = this.#watched.get(workerId) ?? this.#adoptUnwatched(workerId);
    if (watched === null) return readExit(this.#folder(workerId)) ?? UNSEEN_EXIT;
    if (watched.record === null) await watched.started.promise.catch(() => undefined);
    watched.stopGraceMs = Math.min(graceMs, watched.stopGraceMs ?? graceMs);
    this.#channel.send({ kind: 'stop', workerId, graceMs: watched.stopGraceMs });
    return watched.ended.promise;
  }

  async logs(workerId: WorkerId, maxBytes: number): Promise<WorkerLog> {
    const log = await readLog(this.#folder(workerId), maxBytes);
    if (log !== null) return log;
    throw new AppError('SERVERLESS_WORKER_NOT_FOUND', `nothing is kept of a worker "${workerId}"`);
  }

  async forget(workerId: WorkerId): Promise<void> {
    if (this.#watched.has(workerId)) {
      throw new AppError('CONFLICT', `worker "${workerId}" runs; stop it before it is forgotten`);
    }
    removeRecord(this.#folder(workerId));
  }

  onExit(listener: (workerId: WorkerId, exit: WorkerExit) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const watched of this.#watched.values()) {
      watched.started.reject(closedError());
      watched.ended.reject(closedError());
    }
    this.#watched.clear();
    this.#notices.close();
    await this.#channel.close();
  }

  async #inspect(record: ProcessRecord): Promise<FoundWorker> {
    const exit = readExit(this.#folder(record.workerId));
    if (exit !== null) {
      await this.#removeScratch(record.workerId);
      return foundWorker(record, exit);
    }
    if (this.#watched.has(record.workerId)) return foundWorker(record, null);
    if (record.pid !== null && processLives(record.pid, record.pidStart)) return foundWorker(record, null);
    // Its first process is gone and children of it may be left: the spawner ends them and writes it down.
    return foundWorker(record, await this.#adopt(record, false).ended.promise);
  }

  /** Of an ended worker, where the process that was to remove it died over it. */
  async #removeScratch(workerId: WorkerId): Promise<void> {
    try {
      await removeScratch(this.#folder(workerId));
    } catch (error) {
      this.#log.warn('the scratch of a worker could not be removed', { workerId, error });
    }
  }

  #adoptUnwatched(workerId: WorkerId): Watched | null {
    const record = readRecord<ProcessRecord>(this.#folder(workerId));
    if (record === null || record.pid === null || readExit(this.#folder(workerId)) !== null) return null;
    return this.#adopt(record, true);
  }

  #adopt(record: ProcessRecord, tellsExit: boolean): Watched {
    const watched = this.#watch(record.workerId, record, null, tellsExit);
    watched.started.resolve({ addresses: record.addresses });
    this.#notices.watch(record.workerId, this.#folder(record.workerId));
    this.#channel.send({ kind: 'adopt', record });
    return watched;
  }

  #watch(
    workerId: WorkerId,
    record: ProcessRecord | null,
    order: Watched['order'],
    tellsExit: boolean,
  ): Watched {
    const watched: Watched = {
      record,
      started: Promise.withResolvers<StartedWorker>(),
      ended: Promise.withResolvers<WorkerExit>(),
      order,
      attempts: 1,
      stopGraceMs: null,
      tellsExit,
    };
    // Most ends are learned through `onExit`; nobody awaiting this one must not end the process.
    watched.ended.promise.catch(() => undefined);
    this.#watched.set(workerId, watched);
    return watched;
  }

  #onReply(reply: Exclude<SpawnerReply, { kind: 'ready' }>): void {
    switch (reply.kind) {
      case 'started': {
        const watched = this.#watched.get(reply.record.workerId);
        if (watched === undefined) return;
        watched.record = reply.record;
        this.#notices.watch(reply.record.workerId, this.#folder(reply.record.workerId));
        watched.started.resolve({ addresses: reply.record.addresses });
        return;
      }
      case 'startFailed':
        this.#startFailed(reply.workerId, reply.message, reply.detail);
        return;
      case 'ended':
        this.#ended(reply.workerId, reply.exit);
        return;
      case 'warning':
        this.#log.warn(reply.message, reply.facts);
    }
  }

  #startFailed(workerId: WorkerId, message: string, detail: string): void {
    const watched = this.#watched.get(workerId);
    if (watched === undefined) return;
    this.#watched.delete(workerId);
    watched.started.reject(new AppError('WORKER_START_FAILED', message, { detail }));
    watched.ended.resolve(UNSEEN_EXIT);
  }

  #ended(workerId: WorkerId, exit: WorkerExit): void {
    const watched = this.#watched.get(workerId);
    if (watched === undefined) return;
    this.#watched.delete(workerId);
    this.#notices.unwatch(workerId);
    watched.ended.resolve(exit);
    if (!watched.tellsExit) return;
    // In a later turn, so that whoever awaits `start` has heard of the worker before it hears of its end.
    setImmediate(() => {
      for (const listener of this.#listeners) listener(workerId, exit);
    });
  }

  #tellAgain(): void {
    for (const [workerId, watched] of this.#watched) {
      if (watched.record !== null) this.#channel.send({ kind: 'adopt', record: watched.record });
      else if (watched.attempts >= ORDER_ATTEMPTS) {
        this.#startFailed(
          workerId,
          'the process that starts workers died over it',
          `${watched.attempts} times`,
        );
        continue;
      } else {
        watched.attempts += 1;
        watched.order?.(true);
      }
      if (watched.stopGraceMs !== null) {
        this.#channel.send({ kind: 'stop', workerId, graceMs: watched.stopGraceMs });
      }
    }
  }

  #folder(workerId: WorkerId): string {
    return workerFolder(this.#workersFolder, workerId);
  }
}

/** Null when it is gone. */
async function changedAtMs(folder: string): Promise<number | null> {
  try {
    return (await stat(folder)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function foundWorker(record: ProcessRecord, exit: WorkerExit | null): FoundWorker {
  const { workerId, endpointId, revision, devices, fence, startedAtMs, addresses } = record;
  return {
    workerId,
    endpointId,
    revision,
    devices,
    fence,
    startedAtMs,
    addresses,
    running: exit === null,
    exit,
  };
}

function closedError(): AppError {
  return new AppError('SHUTTING_DOWN', 'the driver was closed');
}
