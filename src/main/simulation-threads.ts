import { Worker } from 'node:worker_threads';
import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { SECOND_MS } from '../base/units.ts';
import type { SimulationJob, SimulationOptions, SimulationOutcome, Simulator } from '../ports/what-if.ts';
import type { SimulationReply, SimulationSetup } from './simulation-message.ts';

/** Beside this file, in the form this file has: source in the repository, compiled in the package. */
const THREAD_FILE = new URL(
  import.meta.url.endsWith('.ts') ? './simulation-thread.ts' : './simulation-thread.js',
  import.meta.url,
);
/** Of one simulation; five million requests take about half of it. */
const HEAP_MIB = 1_024;
const RETRY_AFTER_SECONDS = 5;

export interface SimulationLimits {
  /** Simulations at a time; the next is refused. Each takes a core. */
  readonly atOnce: number;
  /** A simulation that takes longer is ended. */
  readonly limitMs: number;
}

/** Runs each simulation in a thread of its own, which ends with it. */
export class SimulationThreads implements Simulator {
  readonly #clock: Clock;
  readonly #limits: SimulationLimits;
  /** Ends each simulation that runs, for a reason. */
  readonly #running = new Map<Promise<unknown>, (reason: unknown) => void>();
  #closed = false;

  constructor(clock: Clock, limits: SimulationLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  async run(job: SimulationJob, options: SimulationOptions): Promise<SimulationOutcome> {
    options.signal.throwIfAborted();
    if (this.#closed) throw shuttingDown();
    const { atOnce } = this.#limits;
    if (this.#running.size >= atOnce) {
      throw new AppError(
        'SIMULATION_BUSY',
        `${atOnce === 1 ? 'A simulation runs' : `${atOnce} simulations run`} already, which is the most at a time. Try again later, or raise PILOTLIGHT_SIMULATIONS.`,
        { retryAfterSeconds: RETRY_AFTER_SECONDS },
      );
    }
    const ended = Promise.withResolvers<SimulationOutcome>();
    const thread = this.#start(job, options, ended);
    // A reason to end it comes before whatever the thread still says.
    const end = (reason: unknown): void => {
      ended.reject(reason);
      void thread.terminate();
    };
    const onAbort = (): void => end(options.signal.reason);
    options.signal.addEventListener('abort', onAbort, { once: true });
    const cancel = this.#clock.schedule(this.#limits.limitMs, () => end(tooLong(this.#limits.limitMs)));
    const exited = new Promise<void>((resolve) => {
      thread.once('exit', () => resolve());
    });
    this.#running.set(exited, end);
    try {
      return await ended.promise;
    } finally {
      cancel();
      options.signal.removeEventListener('abort', onAbort);
      await exited;
      this.#running.delete(exited);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const end of this.#running.values()) end(shuttingDown());
    await Promise.all(this.#running.keys());
  }

  #start(
    job: SimulationJob,
    { onProgress }: SimulationOptions,
    ended: PromiseWithResolvers<SimulationOutcome>,
  ): Worker {
    const setup: SimulationSetup = { job };
    const thread = new Worker(THREAD_FILE, {
      workerData: setup,
      // Not this process's own flags: a preload of a test runner has no business in the thread.
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
      name: 'simulation',
    });
    thread.on('message', (reply: SimulationReply) => {
      if (reply.kind === 'progress') onProgress(reply.progress);
      else if (reply.kind === 'done') ended.resolve(reply.outcome);
      else ended.reject(new AppError(reply.code, reply.message, { metadata: reply.metadata }));
    });
    thread.on('error', (error: NodeJS.ErrnoException) => {
      ended.reject(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooLarge(error) : error);
    });
    thread.on('exit', (code) => {
      ended.reject(new Error(`the thread of a simulation ended with code ${code} and without a result`));
    });
    return thread;
  }
}

function shuttingDown(): AppError {
  return new AppError('SHUTTING_DOWN', 'The server is shutting down; the simulation was ended.');
}

function tooLong(limitMs: number): AppError {
  return new AppError(
    'SIMULATION_TOO_LONG',
    `The simulation did not end within ${limitMs / SECOND_MS} s. Take a shorter window or trace, or raise PILOTLIGHT_SIMULATION_SECONDS.`,
  );
}

function tooLarge(cause: unknown): AppError {
  return new AppError(
    'SIMULATION_TOO_LARGE',
    `The simulation needs more than ${HEAP_MIB} MiB of memory. Take a shorter window or trace.`,
    { cause },
  );
}
