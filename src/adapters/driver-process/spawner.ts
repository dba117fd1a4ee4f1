import { spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkerId } from '../../base/ids.ts';
import { mainPort } from '../../model/endpoint.ts';
import { UNSEEN_EXIT, type WorkerExit } from '../../model/worker-exit.ts';
import type { WorkerAddress } from '../../model/worker.ts';
import { splitWords } from '../../model/words.ts';
import { HostPorts, hostPortRange, readEphemeralRange } from './host-ports.ts';
import { processLives, processStart } from './process-table.ts';
import type { SpawnerReply, SpawnerRequest, SpawnerSetup, StartRequest } from './spawner-message.ts';
import { strayWorkers } from './stray-worker.ts';
import { readyPath } from './ready-file.ts';
import { READY_DESCRIPTOR, workerEnvironment, type Environment } from './worker-environment.ts';
import { removeScratch, volumeVariables } from './worker-volumes.ts';
import { WorkerCgroups } from './worker-cgroups.ts';
import { folderFault } from './worker-image.ts';
import { WorkerMemory } from './worker-memory.ts';
import { logPath } from '../worker-files/worker-log.ts';
import { LogBound } from './log-bound.ts';
import { adoptedExit, WorkerProcess, type SpawnedRecord } from './worker-process.ts';
import { readExit, readRecord, removeRecord, writeExit, writeRecord } from '../worker-files/worker-record.ts';
import type { ProcessRecord } from './process-record.ts';

/**
 * A process of its own that starts and ends workers for the server, because a spawn blocks its
 * parent for as long as copying the parent's page tables takes. It talks with the driver over the
 * IPC channel alone, keeps nothing that is not on disk or told anew by the driver, and may die at
 * any moment: workers are detached, so they and the server go on.
 *
 * When the channel closes, the server has gone. What was ordered is finished and this process ends.
 */
class Spawner {
  readonly #setup: SpawnerSetup;
  readonly #ports = new HostPorts(hostPortRange(readEphemeralRange()));
  readonly #logs: LogBound;
  readonly #memory: WorkerMemory;
  /** `over`: its end is written down and told. */
  readonly #workers = new Map<WorkerId, { readonly process: WorkerProcess; readonly over: Promise<void> }>();
  /** Starts and stops that were ordered and are not done. */
  readonly #unfinished = new Set<Promise<unknown>>();

  constructor(setup: SpawnerSetup) {
    this.#setup = setup;
    this.#ports.holdNext(Math.random());
    this.#memory = new WorkerMemory(WorkerCgroups.open(setup.instance));
    this.#logs = new LogBound(setup.logLimitBytes, (error) =>
      this.#warn('the log of a worker could not be kept to its limit', { error: String(error) }),
    );
  }

  handle(request: Exclude<SpawnerRequest, { kind: 'setUp' }>): void {
    switch (request.kind) {
      case 'start':
        this.#remember(this.#start(request));
        return;
      case 'adopt':
        this.#adopt(request.record);
        return;
      case 'stop':
        this.#stop(request.workerId, request.graceMs);
    }
  }

  async finish(): Promise<void> {
    while (this.#unfinished.size > 0) await Promise.allSettled(this.#unfinished);
  }

  async #start(request: StartRequest): Promise<void> {
    const { order } = request;
    const taken: number[] = [];
    try {
      const known = request.repeated ? await this.#findStarted(order.workerId) : null;
      if (known !== null) {
        send({ kind: 'started', record: known });
        this.#adopt(known);
        return;
      }
      const addresses = await this.#takePorts(
        order.spec.ports,
        mainPort(order.spec),
        request.portChance,
        taken,
      );
      await this.#launch(request, addresses);
    } catch (error) {
      for (const port of taken) this.#ports.release(port);
      removeRecord(this.#folder(order.workerId));
      const { message, detail } = startFault(error);
      send({ kind: 'startFailed', workerId: order.workerId, message, detail });
    }
    this.#ports.holdNext(Math.random());
  }

  async #takePorts(
    declared: readonly number[],
    main: number,
    chance: number,
    taken: number[],
  ): Promise<Record<number, WorkerAddress>> {
    const addresses: Record<number, WorkerAddress> = {};
    for (const port of new Set([main, ...declared])) {
      const hostPort = await this.#ports.take(chance);
      taken.push(hostPort);
      addresses[port] = { host: '127.0.0.1', port: hostPort };
    }
    return addresses;
  }

  async #launch(request: StartRequest, addresses: Readonly<Record<number, WorkerAddress>>): Promise<void> {
    const { order, workingFolder } = request;
    const { environment: base, instance } = this.#setup;
    const folder = this.#folder(order.workerId);
    const startedAtMs = Date.now();
    const environment = {
      ...workerEnvironment(order, addresses, base, instance, startedAtMs),
      ...volumeVariables(order.mounts, folder),
    };
    const words = commandWords(order.spec, environment);
    // If this process dies before the record is there, the folder says that a worker is to be looked for.
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { pid, exit } = await spawnDetached(words, workingFolder, environment, folder);
    // At once, before it can spawn processes of its own.
    this.#remember(this.#memory.begin(order.workerId, pid));
    const { workerId, endpointId, revision, fence, devices } = order;
    const pidStart = processStart(pid);
    const record = { workerId, endpointId, revision, fence, devices, addresses, startedAtMs, pid, pidStart };
    this.#complete(record);
    send({ kind: 'started', record });
    this.#watch(record, exit, true);
  }

  #adopt(record: ProcessRecord): void {
    if (this.#workers.has(record.workerId) || record.pid === null) return;
    const exit = readExit(this.#folder(record.workerId));
    if (exit !== null) {
      // The spawner before this one wrote it down and died before it could tell.
      send({ kind: 'ended', workerId: record.workerId, exit });
      return;
    }
    for (const { port } of Object.values(record.addresses)) this.#ports.keep(port);
    const { pid, pidStart } = record;
    this.#watch({ ...record, pid }, adoptedExit(pid, pidStart), processLives(pid, pidStart));
  }

  /** A record of a process that ended meanwhile counts: its end is then told as of any worker. */
  async #findStarted(workerId: WorkerId): Promise<SpawnedRecord | null> {
    const record = readRecord<ProcessRecord>(this.#folder(workerId));
    if (record !== null && record.pid !== null) return { ...record, pid: record.pid };
    const stray = (await strayWorkers(this.#setup.instance)).get(workerId);
    if (stray === undefined || stray.pid === null) return null;
    this.#complete(stray);
    return { ...stray, pid: stray.pid };
  }

  /** The worker runs already, so a full disk must not fail its start: it is found without the record. */
  #complete(record: ProcessRecord): void {
    try {
      writeRecord(this.#folder(record.workerId), record);
    } catch (error) {
      this.#warn('the record of a worker could not be completed', {
        workerId: record.workerId,
        error: String(error),
      });
    }
  }

  #stop(workerId: WorkerId, graceMs: number): void {
    const worker = this.#workers.get(workerId);
    // Unknown: it ended, and its end is on its way to the driver.
    if (worker === undefined) return;
    worker.process.stop(graceMs);
    this.#remember(worker.over);
  }

  #watch(record: SpawnedRecord, leaderExit: Promise<WorkerExit>, leaderWasSeen: boolean): void {
    const folder = this.#folder(record.workerId);
    const warn = this.#warn.bind(this);
    const worker = new WorkerProcess({ record, leaderExit, leaderWasSeen, setup: this.#setup, warn });
    this.#logs.watch(folder);
    this.#memory.watch(record.workerId, leaderWasSeen ? record.pid : null);
    const over = worker.ended.then(async (exit) =>
      this.#close(record, { ...exit, ...(await this.#memory.end(record.workerId)) }),
    );
    this.#workers.set(record.workerId, { process: worker, over });
  }

  async #close(record: SpawnedRecord, exit: WorkerExit): Promise<void> {
    const { workerId } = record;
    const folder = this.#folder(workerId);
    await this.#logs.unwatch(folder);
    try {
      writeExit(folder, exit);
    } catch (error) {
      this.#warn('the end of a worker could not be written down', { workerId, error: String(error) });
    }
    this.#workers.delete(workerId);
    for (const { port } of Object.values(record.addresses)) this.#ports.release(port);
    send({ kind: 'ended', workerId, exit });
    // After the news, which may free a device: scratch can be large.
    this.#remember(
      removeScratch(folder).catch((error: unknown) => {
        this.#warn('the scratch of a worker could not be removed', { workerId, error: String(error) });
      }),
    );
  }

  #remember(work: Promise<unknown>): void {
    const settled = work.finally(() => this.#unfinished.delete(settled));
    this.#unfinished.add(settled);
  }

  #folder(workerId: WorkerId): string {
    return join(this.#setup.workersFolder, workerId);
  }

  #warn(message: string, facts: Extract<SpawnerReply, { kind: 'warning' }>['facts']): void {
    send({ kind: 'warning', message, facts });
  }
}

/** A start that failed for a reason the user can act on. */
class StartFault extends Error {
  readonly detail: string;

  constructor(message: string, detail: string) {
    super(message);
    this.detail = detail;
  }
}

function startFault(error: unknown): { message: string; detail: string } {
  if (error instanceof StartFault) return { message: error.message, detail: error.detail };
  const fault = error as Error;
  return {
    message: `the worker could not be started: ${fault.message}`,
    detail: fault.stack ?? String(error),
  };
}

function commandWords(
  spec: { readonly entrypoint: string; readonly command: string },
  environment: Environment,
): readonly [string, ...string[]] {
  const words: string[] = [];
  for (const [field, text] of [
    ['entrypoint', spec.entrypoint],
    ['command', spec.command],
  ] as const) {
    const split = splitWords(text, environment);
    if ('fault' in split) throw new StartFault(`${field} ${split.fault}`, text);
    words.push(...split.words);
  }
  const [program, ...rest] = words;
  if (program === undefined || program === '') {
    throw new StartFault('entrypoint and command name no program once their variables are filled in', '');
  }
  return [program, ...rest];
}

async function spawnDetached(
  [program, ...parameters]: readonly [string, ...string[]],
  workingFolder: string,
  environment: Environment,
  folder: string,
): Promise<{ pid: number; exit: Promise<WorkerExit> }> {
  const output = openSync(logPath(folder), 'a', 0o600);
  let ready: number | null = null;
  try {
    ready = openSync(readyPath(folder), 'a', 0o600);
    const descriptors: StdioOptions = ['ignore', output, output];
    descriptors[READY_DESCRIPTOR] = ready;
    const child = spawn(program, parameters, {
      cwd: workingFolder,
      env: { ...environment },
      detached: true,
      stdio: descriptors,
    });
    const { pid } = child;
    if (pid === undefined) {
      const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException];
      throw spawnFault(error, program, workingFolder, environment);
    }
    const exit = new Promise<WorkerExit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ ...UNSEEN_EXIT, code, signal }));
    });
    return { pid, exit };
  } finally {
    closeSync(output);
    if (ready !== null) closeSync(ready);
  }
}

function spawnFault(
  error: NodeJS.ErrnoException,
  program: string,
  workingFolder: string,
  environment: Environment,
): Error {
  const folder = folderFault(workingFolder);
  if (folder !== null)
    return new StartFault(`the working folder "${workingFolder}" ${folder}`, String(error));
  const place = program.includes('/') ? `from the folder "${workingFolder}"` : 'on the PATH of the server';
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: `the program "${program}" was not found ${place}`,
    EACCES: `the program "${program}" may not be executed (looked for it ${place})`,
    E2BIG: `the command line and the variables of "${program}" are longer than the system allows`,
  };
  const reason =
    reasons[error.code ?? ''] ?? `the program "${program}" could not be started: ${error.message}`;
  return new StartFault(reason, `PATH=${environment['PATH'] ?? ''}; ${String(error)}`);
}

function send(reply: SpawnerReply): void {
  // A server that went in this moment learns the same from the records when it starts again.
  if (process.connected) process.send?.(reply, undefined, undefined, () => undefined);
}

// A signal to the server's terminal or service is not for this process: it ends with the channel.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

let spawner: Spawner | null = null;
process.on('message', (message) => {
  const request = message as SpawnerRequest;
  if (request.kind === 'setUp') {
    spawner = new Spawner(request.setup);
    send({ kind: 'ready' });
  } else if (spawner === null) throw new Error(`order "${request.kind}" before the set-up`);
  else spawner.handle(request);
});
process.on('disconnect', () => {
  void (spawner?.finish() ?? Promise.resolve()).then(() => process.exit(0));
});
