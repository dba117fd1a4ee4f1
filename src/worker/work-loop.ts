import { sleep, type Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { SECOND_MS } from '../base/units.ts';
import { backoffMs } from './backoff.ts';
import type { Answer, JobService, TakenJob } from './job-service.ts';
import { RunningJob } from './job.ts';
import { runJob, type JobContext } from './run-job.ts';

/** 429 without a time of its own. */
const BUSY_MS = 5 * SECOND_MS;
/** A service that answers "nothing" at once instead of holding the poll must not be asked in a circle. */
const SHORTEST_POLL_MS = SECOND_MS;
/** Refused so often in a row, some minutes, the token is no longer good for anything. */
const REFUSALS_MAX = 10;

export interface WorkLoopOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly context: JobContext;
  readonly pingIntervalMs: number;
  /** Asked before each take, with the last number. */
  readonly concurrency: (current: number) => number;
}

/**
 * Three loops beside each other: one takes jobs while there is room, one hears which of them are to be
 * stopped, one pings. `stop` lets the running jobs end and `run` resolve.
 */
export class WorkLoop {
  readonly #options: WorkLoopOptions;
  readonly #service: JobService;
  readonly #running = new Map<string, { readonly job: RunningJob; readonly ended: Promise<void> }>();
  readonly #stopping = new AbortController();
  readonly #over = new AbortController();
  #room = Promise.withResolvers<void>();
  #busy = Promise.withResolvers<void>();
  #idle = new AbortController();

  constructor(options: WorkLoopOptions) {
    this.#options = options;
    this.#service = options.context.service;
  }

  /** Takes no job from now on. */
  stop(): void {
    this.#stopping.abort(new Error('the worker stops'));
    this.#room.resolve();
  }

  /** Rejects when the service refuses this worker for good. What ran then has ended. */
  async run(): Promise<void> {
    const beside = [this.#hearStops(), this.#ping()];
    try {
      await this.#take();
    } finally {
      this.stop();
      while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ ended }) => ended));
      this.#over.abort(new Error('the worker has ended'));
      this.#busy.resolve();
      await Promise.all(beside);
    }
  }

  async #take(): Promise<void> {
    const { concurrency, context } = this.#options;
    let wanted = 1;
    const pace = new Pace(this.#options, this.#stopping.signal);
    while (!this.#stopping.signal.aborted) {
      wanted = atLeastOne(concurrency(wanted));
      const room = wanted - this.#running.size;
      if (room <= 0) {
        this.#room = Promise.withResolvers();
        await this.#room.promise;
        continue;
      }
      pace.begin();
      const answer = await this.#service.take(room, this.#running.size, this.#stopping.signal);
      if (answer.kind === 'ok') for (const job of answer.value) this.#start(job);
      if (this.#stopping.signal.aborted) return;
      const { refusals, trouble } = await pace.end(answer);
      if (trouble !== null) context.onLog(`cannot take a job: ${trouble}`);
      if (refusals >= REFUSALS_MAX) {
        throw new AppError('FORBIDDEN', `the service refused this worker ${refusals} times: ${trouble}`);
      }
    }
  }

  #start(taken: TakenJob): void {
    // Given twice, it is the same attempt: it must not run beside itself.
    if (this.#running.has(taken.id)) return;
    const { context } = this.#options;
    const job = new RunningJob(taken, this.#service, context.bucket, context.onLog);
    const ended = runJob(job, context).then((refresh) => {
      this.#running.delete(job.id);
      if (refresh) this.stop();
      if (this.#running.size === 0) {
        this.#busy = Promise.withResolvers();
        this.#idle.abort(new Error('no job runs'));
        this.#idle = new AbortController();
      }
      this.#room.resolve();
    });
    this.#running.set(job.id, { job, ended });
    this.#busy.resolve();
  }

  async #hearStops(): Promise<void> {
    const pace = new Pace(this.#options, this.#over.signal);
    for (;;) {
      // Only a job that runs can be stopped, and an idle worker holds no second connection.
      if (this.#running.size === 0) await this.#busy.promise;
      if (this.#over.signal.aborted) return;
      pace.begin();
      const signal = AbortSignal.any([this.#over.signal, this.#idle.signal]);
      const answer = await this.#service.stops(this.#running.size, signal);
      if (signal.aborted) continue;
      if (answer.kind === 'refused' && (answer.status === 404 || answer.status === 405)) {
        this.#options.context.onLog('the service has no stop channel: cancelled jobs run to their end');
        return;
      }
      if (answer.kind === 'ok') {
        for (const id of answer.value) this.#running.get(id)?.job.stop('cancelled');
      }
      await pace.end(answer);
    }
  }

  async #ping(): Promise<void> {
    const { clock, pingIntervalMs, context } = this.#options;
    const { signal } = this.#over;
    while (!signal.aborted) {
      const answer = await this.#service.ping([...this.#running.keys()], signal);
      if (!signal.aborted && (answer.kind === 'failed' || answer.kind === 'refused')) {
        context.onLog(`a ping was not answered: ${answer.text}`);
      }
      await rest(clock, pingIntervalMs, signal);
    }
  }
}

/** How long a loop rests between two of its calls. */
class Pace {
  readonly #options: WorkLoopOptions;
  readonly #signal: AbortSignal;
  #beganMs = 0;
  #failures = 0;
  #refusals = 0;

  constructor(options: WorkLoopOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  begin(): void {
    this.#beganMs = this.#options.clock.monotonicMs();
  }

  /** Resolves when the next call may be made. */
  async end(
    answer: Answer<unknown>,
  ): Promise<{ readonly refusals: number; readonly trouble: string | null }> {
    const { clock, random } = this.#options;
    const failed = answer.kind === 'failed' || answer.kind === 'refused';
    this.#failures = failed ? this.#failures + 1 : 0;
    this.#refusals = answer.kind === 'refused' ? this.#refusals + 1 : 0;
    const tookMs = clock.monotonicMs() - this.#beganMs;
    if (failed) await rest(clock, backoffMs(this.#failures, random), this.#signal);
    else if (answer.kind === 'busy') await rest(clock, answer.waitMs ?? BUSY_MS, this.#signal);
    else if (answer.kind === 'none') await rest(clock, SHORTEST_POLL_MS - tookMs, this.#signal);
    const trouble = answer.kind === 'refused' ? `answered ${answer.status}: ${answer.text}` : null;
    return { refusals: this.#refusals, trouble: answer.kind === 'failed' ? answer.text : trouble };
  }
}

/** A pause that ends at once when the signal aborts. */
async function rest(clock: Clock, durationMs: number, signal: AbortSignal): Promise<void> {
  if (durationMs <= 0 || signal.aborted) return;
  await sleep(clock, durationMs, signal).catch(() => undefined);
}

function atLeastOne(concurrency: number): number {
  if (Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= 1_000) return concurrency;
  throw new AppError(
    'CONFIG_INVALID',
    `concurrency is ${concurrency}; it takes a whole number from 1 to 1000`,
  );
}
