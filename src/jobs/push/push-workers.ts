import { sleep, type Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { EndpointId, WorkerId } from '../../base/ids.ts';
import { SECOND_MS } from '../../base/units.ts';
import type { JobTarget } from '../../model/job-target.ts';
import type { JobResult, JobWorkers, TakenJob } from '../../ports/job-workers.ts';
import type { Log } from '../../ports/log.ts';
import type { TrafficWorker } from '../../ports/traffic.ts';
import { postJob, type PostOutcome } from './post-job.ts';

export interface PushOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly workers: JobWorkers;
  readonly outputBytes: number;
}

/** How soon a worker that may get no job now (it drains), or refused a connection, is looked at again. */
const REST_MS = SECOND_MS;
/** A worker that died is known to be gone within this: then its jobs are lost, not failed. */
const DEATH_NEWS_MS = 5 * SECOND_MS;
const DEFAULT_TARGET: JobTarget = { path: '/', body: 'job' };
/** More than a worker has slots: what it may run at a time is for the jobs to know. */
const AT_ONCE = 1_000;

/**
 * Jobs for workers that have an HTTP server and do not ask: for each of them somebody here asks in its
 * place, sends what it gets, and takes the answer for the output.
 */
export class PushWorkers {
  readonly #options: PushOptions;
  readonly #pushed = new Map<WorkerId, PushedWorker>();

  constructor(options: PushOptions) {
    this.#options = options;
  }

  /** A ready worker, or one whose facts have changed. */
  workerPut(endpointId: EndpointId, worker: TrafficWorker): void {
    const known = this.#pushed.get(worker.workerId);
    if (known !== undefined) {
      known.worker = worker;
      return;
    }
    const pushed = new PushedWorker(this.#options, endpointId, worker);
    this.#pushed.set(worker.workerId, pushed);
    pushed.run();
  }

  workerRemove(workerId: WorkerId): void {
    this.#pushed.get(workerId)?.end();
    this.#pushed.delete(workerId);
  }

  /** Asks for no more jobs from now on; resolves when those that were sent have been answered. */
  async beginDrain(): Promise<void> {
    await Promise.all([...this.#pushed.values()].map((pushed) => pushed.drained()));
  }

  /** Lets go of what runs: the next server asks for it again. */
  close(): void {
    for (const workerId of [...this.#pushed.keys()]) this.workerRemove(workerId);
  }
}

class PushedWorker {
  worker: TrafficWorker;
  readonly #options: PushOptions;
  readonly #endpointId: EndpointId;
  readonly #gone = new AbortController();
  readonly #drain = new AbortController();
  readonly #running = new Map<string, { readonly stop: AbortController; readonly ended: Promise<void> }>();
  #resting = false;

  constructor(options: PushOptions, endpointId: EndpointId, worker: TrafficWorker) {
    this.#options = options;
    this.#endpointId = endpointId;
    this.worker = worker;
  }

  run(): void {
    this.#guard(this.#take());
    this.#guard(this.#hearStops());
  }

  async drained(): Promise<void> {
    this.#drain.abort(DRAINS);
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  end(): void {
    this.#gone.abort(GONE);
  }

  async #take(): Promise<void> {
    const { workers } = this.#options;
    const signal = AbortSignal.any([this.#gone.signal, this.#drain.signal]);
    // What a former server had sent it is lost: the answer has nowhere to come.
    let idle: true | null = true;
    while (!signal.aborted) {
      const wish = { count: AT_ONCE, idle };
      idle = null;
      const jobs = await workers.take(this.#endpointId, this.worker.workerId, wish, signal);
      for (const job of jobs) this.#begin(job);
      if (jobs.length === 0 || this.#resting) await this.#rest();
    }
  }

  async #hearStops(): Promise<void> {
    const { signal } = this.#gone;
    while (!signal.aborted) {
      const ids = await this.#options.workers.stops(this.#endpointId, this.worker.workerId, signal);
      for (const id of ids) this.#running.get(id)?.stop.abort(STOPPED);
      if (ids.length === 0) await this.#rest();
    }
  }

  #begin(job: TakenJob): void {
    const stop = new AbortController();
    const ended = this.#push(job, stop.signal).catch((error: unknown) => this.#failed(error));
    this.#running.set(job.handedId, { stop, ended });
  }

  async #push(job: TakenJob, stop: AbortSignal): Promise<void> {
    const { workers, outputBytes, clock, log } = this.#options;
    const { workerId, address, jobTarget = DEFAULT_TARGET } = this.worker;
    try {
      const signal = AbortSignal.any([stop, this.#gone.signal]);
      const outcome = await postJob(address, jobTarget, job, outputBytes, signal);
      this.#resting = outcome.kind === 'notSent';
      if (outcome.kind === 'notSent') {
        log.warn('a job could not be sent to its worker', {
          workerId,
          jobId: job.handedId,
          why: outcome.why,
        });
        await workers.giveBack(this.#endpointId, workerId, [job.handedId]);
      }
      const result = await this.#resultOf(outcome, clock);
      if (result !== null) await workers.answer(this.#endpointId, workerId, job.handedId, result);
    } catch (error) {
      // It was ended while its answer came: by its client, by its time, or by its worker's end.
      if (!(error instanceof AppError) || error.code !== 'JOB_NOT_YOURS') throw error;
    } finally {
      this.#running.delete(job.handedId);
      // It holds no others: what was cancelled no longer takes a slot.
      if (!this.#gone.signal.aborted) {
        workers.ping(this.#endpointId, workerId, [...this.#running.keys()]);
      }
    }
  }

  /** Null where the job has its end already, or gets it from elsewhere. */
  async #resultOf(outcome: PostOutcome, clock: Clock): Promise<JobResult | null> {
    switch (outcome.kind) {
      case 'answered':
        return outcome.result;
      case 'notSent':
      case 'stopped':
        return null;
      case 'broke':
        await sleep(clock, DEATH_NEWS_MS, this.#gone.signal).catch(() => undefined);
        if (this.#gone.signal.aborted) return null;
        return {
          kind: 'error',
          error: `The worker closed the connection without an answer: ${outcome.why}`,
        };
    }
  }

  async #rest(): Promise<void> {
    await sleep(this.#options.clock, REST_MS, this.#gone.signal).catch(() => undefined);
  }

  #guard(work: Promise<void>): void {
    work.catch((error: unknown) => this.#failed(error));
  }

  #failed(error: unknown): void {
    if (this.#gone.signal.aborted) return;
    this.#options.log.error('a job was not brought to its worker, or its answer not back', { error });
  }
}

/** Made once: an abort without a reason makes an error with a stack each time. */
const GONE = new Error('the worker is gone');
const DRAINS = new Error('the server stops');
const STOPPED = new Error('the job was stopped');
