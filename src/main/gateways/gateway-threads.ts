import type { Server } from 'node:http';
import { createServer } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { JsonLogLevel } from '../../adapters/log-json.ts';
import type { Clock } from '../../base/clock.ts';
import { SECOND_MS } from '../../base/units.ts';
import type { Certificate } from '../../gateway/certificate.ts';
import type { GatewayLimits } from '../../gateway/limits.ts';
import { EventRing } from '../../gateway/threads/event-ring.ts';
import { tableMemory, type TableMemory } from '../../gateway/threads/shared-table.ts';
import { ThreadTraffic } from '../../gateway/threads/thread-traffic.ts';
import type { ArrivalRecorder } from '../../ports/arrivals.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { ApiKey } from '../../ports/store.ts';
import type { Traffic, TrafficListener } from '../../ports/traffic.ts';
import { tuneThreadHeaps } from '../garbage-collection.ts';
import type { Front } from './front.ts';
import { PortStream } from './port-stream.ts';
import { onShared } from './shared-wait.ts';
import type { SetupOrder, SetupReport, ThreadSetup } from './thread-setup.ts';

/** Beside this file, in the form this file has: source in the repository, compiled in the package. */
const THREAD_FILE = new URL(
  import.meta.url.endsWith('.ts') ? './gateway-thread.ts' : './gateway-thread.js',
  import.meta.url,
);
/** As the main thread has; by itself a thread takes twice as much. */
const YOUNG_MIB = 96;
/** A thread that lived shorter than that is started again later each time. */
const SOUND_LIFE_MS = SECOND_MS;
const RESTART_MS = SECOND_MS / 10;
const RESTART_MAX_MS = 10 * SECOND_MS;
/** Besides a row for each connection: requests whose clients have left and whose workers have not closed yet. */
const ROWS_PER_CONNECTION = 2;
const SPARE_ROWS = 1_024;

export interface GatewayThreadsOptions {
  readonly threads: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly logLevel: JsonLogLevel;
  readonly listener: TrafficListener;
  readonly metrics: Metrics;
  readonly arrivals: ArrivalRecorder;
  readonly limits: GatewayLimits;
  readonly domain: string | null;
  readonly apiKeys: readonly ApiKey[];
  readonly certificate?: Certificate | null;
}

interface Running {
  readonly worker: Worker;
  readonly startedMs: number;
}

/** The front of several gateway threads, each with its own listener on the same port. */
export class GatewayThreads implements Front {
  readonly #traffic: ThreadTraffic;
  readonly #options: GatewayThreadsOptions;
  readonly #limits: GatewayLimits;
  readonly #table: TableMemory;
  readonly #running = new Map<number, Running>();
  /** Threads that listen, or should. */
  #listening: { readonly host: string; readonly port: number } | null = null;
  #inner: Server | null = null;
  #certificate: Certificate | null;
  #failures = 0;
  #closing = false;
  readonly #ended = new AbortController();
  readonly #stopped = new Set<number>();
  #onStopped: (() => void) | null = null;

  constructor(options: GatewayThreadsOptions) {
    this.#options = options;
    this.#certificate = options.certificate ?? null;
    const { threads, clock, listener, metrics, arrivals, limits } = options;
    const connections = Math.ceil(limits.connections / threads);
    this.#limits = { ...limits, connections };
    this.#table = tableMemory(threads, connections * ROWS_PER_CONNECTION + SPARE_ROWS);
    this.#traffic = new ThreadTraffic({
      clock,
      listener,
      metrics,
      arrivals,
      table: this.#table,
      closeGraceMs: limits.closeGraceMs,
      wake: (thread) => this.#wake(thread),
    });
    const { words, bellWord } = this.#traffic.table;
    void onShared(words, bellWord, this.#ended.signal, () => {
      Atomics.store(words, bellWord, 0);
      this.#traffic.hear();
    });
    tuneThreadHeaps();
    for (let thread = 0; thread < threads; thread += 1) this.#start(thread);
  }

  get traffic(): Traffic {
    return this.#traffic;
  }

  /** For tests and operators: the threads that run, by their number. */
  get workers(): ReadonlyMap<number, Worker> {
    return new Map([...this.#running].map(([thread, { worker }]) => [thread, worker]));
  }

  serveInside(inner: Server): void {
    this.#inner = inner;
  }

  /** All threads listen when it resolves. Rejects with the first one's reason not to. */
  async listen(host: string, port: number): Promise<number> {
    // Threads share the port, and would share it with another server too: that one is to be refused.
    if (port !== 0) await probe(host, port);
    const [first, ...others] = [...this.#running.values()];
    let bound = port;
    if (first !== undefined) bound = await listenIn(first.worker, host, port);
    this.#listening = { host, port: bound };
    await Promise.all(others.map(({ worker }) => listenIn(worker, host, bound)));
    return bound;
  }

  async beginDrain(): Promise<void> {
    await this.#traffic.beginDrain();
  }

  setCertificate(certificate: Certificate): void {
    // A thread that is started again later has it from its setup.
    this.#certificate = certificate;
    this.#traffic.orderAll({ kind: 'certificate', certificate });
  }

  closeIdleConnections(): void {
    this.#traffic.orderAll({ kind: 'closeIdle' });
  }

  closeAllConnections(): void {
    this.#traffic.orderAll({ kind: 'closeAll' });
  }

  /** No further connection is taken; resolves when the last one is closed. */
  async stopListening(): Promise<void> {
    this.#closing = true;
    this.#traffic.orderAll({ kind: 'stopListening' });
    if (this.#stopped.size === this.#running.size) return;
    await new Promise<void>((resolve) => {
      this.#onStopped = resolve;
    });
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#running.values()].map(({ worker }) => worker.terminate()));
    this.#ended.abort();
    Atomics.notify(this.#traffic.table.words, this.#traffic.table.bellWord);
  }

  #start(thread: number): void {
    const { domain, apiKeys, logLevel, clock } = this.#options;
    const certificate = this.#certificate;
    const ring = EventRing.memory();
    const setup: ThreadSetup = {
      thread,
      table: this.#table,
      ring,
      limits: this.#limits,
      domain,
      certificate,
      apiKeys,
      logLevel,
    };
    const worker = new Worker(THREAD_FILE, {
      workerData: setup,
      // Not this process's own flags: a preload of a test runner has no business in the thread.
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
      name: `gateway ${thread}`,
    });
    // One that died counted as stopped; this one has connections of its own.
    this.#stopped.delete(thread);
    this.#running.set(thread, { worker, startedMs: clock.monotonicMs() });
    worker.on('message', (report: SetupReport) => this.#report(thread, report));
    worker.on('error', (error) => this.#options.log.error('a gateway thread failed', { thread, error }));
    worker.on('exit', (code) => void this.#exited(thread, code));
    this.#traffic.threadStarted(thread, {
      ring: new EventRing(ring),
      order: (order) => worker.postMessage(order),
    });
    if (this.#listening !== null) {
      const order: SetupOrder = { kind: 'listen', ...this.#listening };
      worker.postMessage(order);
    }
  }

  #report(thread: number, report: SetupReport): void {
    switch (report.kind) {
      case 'inside':
        this.#serve(report.address, new PortStream(report.port, () => this.#traffic.settled()));
        return;
      case 'listening':
        return;
      case 'listenFailed':
        // At a start `listenIn` rejects; a thread that was started again is tried again.
        if (this.#listening !== null) void this.#running.get(thread)?.worker.terminate();
        return;
      case 'stopped':
        this.#noteStopped(thread);
        return;
      default:
        this.#traffic.report(thread, report);
    }
  }

  /** What an answer of the server itself says must hold for whoever reads it, on whichever thread. */
  #serve(address: string, stream: PortStream): void {
    Object.defineProperty(stream, 'remoteAddress', { value: address });
    stream.on('error', () => undefined);
    if (this.#inner === null) stream.destroy();
    else this.#inner.emit('connection', stream);
  }

  async #exited(thread: number, code: number): Promise<void> {
    const { log, clock } = this.#options;
    const livedMs = clock.monotonicMs() - (this.#running.get(thread)?.startedMs ?? 0);
    this.#running.delete(thread);
    this.#noteStopped(thread);
    await this.#traffic.threadGone(thread);
    if (this.#closing) return;
    this.#failures = livedMs < SOUND_LIFE_MS ? this.#failures + 1 : 0;
    const delayMs = this.#failures < 2 ? 0 : Math.min(RESTART_MS * 2 ** this.#failures, RESTART_MAX_MS);
    log.error('a gateway thread ended and is started again', { thread, code, delayMs });
    clock.schedule(delayMs, () => {
      if (!this.#closing) this.#start(thread);
    });
  }

  #noteStopped(thread: number): void {
    this.#stopped.add(thread);
    if (this.#stopped.size >= this.#options.threads) this.#onStopped?.();
  }

  #wake(thread: number): void {
    const { table } = this.#traffic;
    Atomics.notify(table.words, table.inboxWord(thread));
  }
}

async function listenIn(worker: Worker, host: string, port: number): Promise<number> {
  const order: SetupOrder = { kind: 'listen', host, port };
  return await new Promise<number>((resolve, reject) => {
    const onExit = (): void => reject(new Error('its gateway thread ended'));
    const onMessage = (report: SetupReport): void => {
      if (report.kind !== 'listening' && report.kind !== 'listenFailed') return;
      worker.off('message', onMessage);
      worker.off('exit', onExit);
      if (report.kind === 'listening') resolve(report.port);
      else reject(new Error(report.message));
    };
    worker.on('message', onMessage);
    worker.on('exit', onExit);
    worker.postMessage(order);
  });
}

/** Rejects where another socket has the port. */
async function probe(host: string, port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}
