import type { Clock } from '../base/clock.ts';
import type { AppError } from '../base/errors.ts';
import type { EndpointId, JobId, WorkerId } from '../base/ids.ts';
import { MINUTE_MS } from '../base/units.ts';
import { sizeClassOf } from '../model/arrival.ts';
import type { JobState } from '../model/job-state.ts';
import type { RequestTimeline } from '../model/request-timeline.ts';
import { LAST_REQUESTS_MAX } from '../model/worker.ts';
import type { ArrivalRecorder } from '../ports/arrivals.ts';
import type { JobCounts, JobRecovery, JobStore } from '../ports/job-store.ts';
import type { JobResult, JobWorkers, TakenJob, TakeWish } from '../ports/job-workers.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import {
  NO_LOAD,
  type EndpointLoad,
  type Traffic,
  type TrafficEndpoint,
  type TrafficListener,
  type TrafficWorker,
} from '../ports/traffic.ts';
import { EndpointJobs } from './endpoint-jobs.ts';
import { jobNotFound } from './job-answers.ts';
import type { JobEnd, JobLeasesParts } from './job-leases.ts';
import { JobTimelines, openTimelines } from './job-timelines.ts';
import { JobWaiters } from './job-waiters.ts';
import { DEFAULT_JOB_LIMITS, type JobLimits } from './limits.ts';

export interface JobsOptions {
  readonly clock: Clock;
  readonly store: JobStore;
  readonly listener: TrafficListener;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly arrivals: ArrivalRecorder;
  /** Those not given are the defaults. */
  readonly limits?: Partial<JobLimits>;
  /** The store failed at something that nobody waits for: the process must end. */
  onFatal(error: unknown): void;
}

/** Jobs that one call of the store ends or deletes: more would hold up the others. */
const CHUNK = 500;
const SWEEP_EVERY_MS = MINUTE_MS;

interface Kept {
  readonly jobs: EndpointJobs;
  readonly timelines: JobTimelines;
  /** Of the jobs whose results are kept. */
  readonly ended: Map<JobState, number>;
  retried: number;
}

/** All async endpoints of this process: control and workers find them here, clients through `JobCommands`. */
export class Jobs implements Traffic, JobWorkers {
  readonly limits: JobLimits;
  readonly waiters: JobWaiters;
  readonly #options: JobsOptions;
  readonly #parts: JobLeasesParts;
  readonly #endpoints = new Map<string, Kept>();
  readonly #recovery: JobRecovery;
  #lastSequence: number;
  #expiry: { readonly atMs: number; readonly cancel: () => void } | null = null;
  #cancelSweep: () => void = () => undefined;
  #closed = false;
  /** Some ended job's end is to be told. */
  onDelivery: () => void = () => undefined;
  /** A worker may be given jobs, or its facts have changed. */
  onWorker: (endpoint: TrafficEndpoint, worker: TrafficWorker) => void = () => undefined;
  onWorkerGone: (workerId: WorkerId) => void = () => undefined;

  private constructor(options: JobsOptions, recovery: JobRecovery) {
    this.#options = options;
    this.limits = { ...DEFAULT_JOB_LIMITS, ...options.limits };
    this.waiters = new JobWaiters(options.clock, this.limits.waitersPerJob);
    this.#recovery = recovery;
    this.#lastSequence = recovery.lastSequence;
    this.#parts = {
      clock: options.clock,
      store: options.store,
      limits: this.limits,
      listener: options.listener,
      onEnded: (endpoint, end) => this.#ended(endpoint, end),
      onWait: (expiresAtMs) => this.noteExpiry(expiresAtMs),
      onFatal: (error) => options.onFatal(error),
    };
  }

  /** Reads what waits and what runs. Endpoints and workers are then put by control, as with all traffic. */
  static async open(options: JobsOptions): Promise<Jobs> {
    return new Jobs(options, await options.store.recover());
  }

  /**
   * Control knows its endpoints and workers again: leases of workers that are gone end, and jobs of
   * endpoints that are gone are deleted.
   */
  start(isLive: (endpointId: EndpointId, workerId: WorkerId) => boolean): void {
    for (const { jobs } of this.#endpoints.values()) {
      jobs.removeWorkersBut((workerId) => isLive(jobs.endpoint.endpointId, workerId));
    }
    const stored = new Set(this.#recovery.counts.map(({ endpointId }) => endpointId));
    for (const endpointId of stored) {
      if (!this.#endpoints.has(endpointId)) this.#background(this.#sweepEndpoint(endpointId));
    }
    if (this.#recovery.nextExpiryMs !== null) this.noteExpiry(this.#recovery.nextExpiryMs);
    this.#sweepLater();
    this.onDelivery();
  }

  get closed(): boolean {
    return this.#closed;
  }

  find(endpointId: string): EndpointJobs | undefined {
    return this.#endpoints.get(endpointId)?.jobs;
  }

  nextSequence(): number {
    this.#lastSequence += 1;
    return this.#lastSequence;
  }

  counts(endpointId: EndpointId): {
    readonly completed: number;
    readonly failed: number;
    readonly retried: number;
  } {
    const kept = this.#endpoints.get(endpointId);
    const failed = (kept?.ended.get('FAILED') ?? 0) + (kept?.ended.get('TIMED_OUT') ?? 0);
    return { completed: kept?.ended.get('COMPLETED') ?? 0, failed, retried: kept?.retried ?? 0 };
  }

  /** An ended job is asked for again. */
  noteRetry(endpointId: EndpointId, state: JobState): void {
    const kept = this.#endpoints.get(endpointId);
    if (kept === undefined) return;
    kept.retried += 1;
    count(kept, state, -1);
  }

  // What control does.

  endpointPut(endpoint: TrafficEndpoint): void {
    const known = this.#endpoints.get(endpoint.endpointId);
    if (known !== undefined) {
      known.jobs.put(endpoint);
      return;
    }
    const mine = this.#recovery.counts.filter(({ endpointId }) => endpointId === endpoint.endpointId);
    const waiting = (low: boolean): number =>
      mine.find(({ state, lowPriority }) => state === 'IN_QUEUE' && lowPriority === low)?.count ?? 0;
    const jobs = new EndpointJobs(endpoint, { normal: waiting(false), low: waiting(true) }, this.#parts);
    const kept: Kept = { jobs, timelines: new JobTimelines(), ended: new Map(), retried: 0 };
    for (const { state, count: number } of mine) count(kept, state, number);
    this.#endpoints.set(endpoint.endpointId, kept);
    for (const lease of this.#recovery.leased) {
      if (lease.endpointId === endpoint.endpointId) jobs.recovered(lease);
    }
  }

  endpointRemove(endpointId: EndpointId): void {
    const kept = this.#endpoints.get(endpointId);
    if (kept === undefined) return;
    kept.jobs.close();
    this.#endpoints.delete(endpointId);
    this.#background(this.#sweepEndpoint(endpointId));
  }

  /** Jobs outlast what refuses a request (a pause, failing starts), but not the deletion of their endpoint. */
  waitingRefuse(endpointId: EndpointId, reason: AppError): void {
    if (reason.code !== 'SERVERLESS_ENDPOINT_NOT_FOUND') return;
    this.#background(this.purge(endpointId, 'Its endpoint was deleted.'));
  }

  workerPut(endpointId: EndpointId, worker: TrafficWorker): void {
    const jobs = this.find(endpointId);
    if (jobs === undefined) return;
    jobs.workerPut(worker);
    this.onWorker(jobs.endpoint, worker);
  }

  workerDrain(endpointId: EndpointId, workerId: WorkerId): void {
    const jobs = this.find(endpointId);
    if (jobs === undefined) this.#options.listener.workerDrained(endpointId, workerId);
    else jobs.workerDrain(workerId);
  }

  workerRemove(endpointId: EndpointId, workerId: WorkerId, why = 'it ended'): void {
    this.onWorkerGone(workerId);
    this.find(endpointId)?.workerRemove(workerId, why);
    const had = this.#timelines(endpointId).filter((job) => job.workerId === workerId);
    this.#options.listener.workerLeft(endpointId, workerId, had.slice(0, LAST_REQUESTS_MAX));
  }

  runningCut(endpointId: EndpointId, workerId: WorkerId, error: AppError): number {
    return this.find(endpointId)?.runningCut(workerId, error) ?? 0;
  }

  load(endpointId: EndpointId): EndpointLoad {
    return this.find(endpointId) ?? NO_LOAD;
  }

  async openRequests(endpointId: EndpointId, limit: number): Promise<readonly RequestTimeline[]> {
    const jobs = this.find(endpointId);
    return jobs === undefined ? [] : openTimelines(jobs, limit);
  }

  async endedRequests(endpointId: EndpointId): Promise<readonly RequestTimeline[]> {
    return this.#timelines(endpointId);
  }

  #timelines(endpointId: EndpointId): readonly RequestTimeline[] {
    return this.#endpoints.get(endpointId)?.timelines.newestFirst() ?? [];
  }

  unansweredSince(endpointId: EndpointId, revision: number): readonly number[] {
    const attempts = [...(this.find(endpointId)?.attempts ?? [])];
    return attempts
      .filter(({ job }) => job.revision === revision)
      .slice(0, 1_000)
      .map(({ job }) => job.startedAtMs);
  }

  // What workers do.

  async take(
    endpointId: EndpointId,
    workerId: WorkerId,
    wish: TakeWish,
    signal: AbortSignal,
  ): Promise<readonly TakenJob[]> {
    if (this.#closed) return [];
    return (await this.find(endpointId)?.take(workerId, wish, signal)) ?? [];
  }

  async giveBack(endpointId: EndpointId, workerId: WorkerId, handedIds: readonly string[]): Promise<void> {
    await this.find(endpointId)?.giveBack(workerId, handedIds);
  }

  async answer(
    endpointId: EndpointId,
    workerId: WorkerId,
    handedId: string,
    result: JobResult,
  ): Promise<void> {
    await this.#found(endpointId, handedId).answer(workerId, handedId, result);
  }

  progress(endpointId: EndpointId, workerId: WorkerId, handedId: string, output: string): void {
    this.#found(endpointId, handedId).progress(workerId, handedId, output);
  }

  async streamPart(
    endpointId: EndpointId,
    workerId: WorkerId,
    handedId: string,
    part: string | null,
  ): Promise<void> {
    await this.#found(endpointId, handedId).streamPart(workerId, handedId, part);
  }

  async stops(endpointId: EndpointId, workerId: WorkerId, signal: AbortSignal): Promise<readonly string[]> {
    if (this.#closed) return [];
    return (await this.find(endpointId)?.stops(workerId, signal)) ?? [];
  }

  ping(endpointId: EndpointId, workerId: WorkerId, handedIds: readonly string[]): void {
    this.find(endpointId)?.ping(workerId, handedIds);
  }

  recycle(endpointId: EndpointId, workerId: WorkerId, reason: string): void {
    this.find(endpointId)?.recycle(workerId, reason);
  }

  /** Ends the wait of all that wait for the endpoint; resolves to how many. */
  async purge(endpointId: EndpointId, reason: string): Promise<number> {
    let purged = 0;
    for (;;) {
      const nowMs = this.#options.clock.nowMs();
      const ended = await this.#options.store.waitingPurge(endpointId, reason, nowMs, CHUNK);
      const jobs = this.find(endpointId);
      for (const one of ended) jobs?.endedWaiting(one, 'CANCELLED');
      purged += ended.length;
      if (ended.length < CHUNK) return purged;
    }
  }

  /** Some job's wait ends then. */
  noteExpiry(atMs: number): void {
    if (this.#closed || (this.#expiry !== null && this.#expiry.atMs <= atMs)) return;
    this.#expiry?.cancel();
    const leftMs = Math.max(0, atMs - this.#options.clock.nowMs());
    const cancel = this.#options.clock.schedule(leftMs, () => {
      this.#expiry = null;
      this.#background(this.#expire());
    });
    this.#expiry = { atMs, cancel };
  }

  /** Gives out no job any more and lets those who wait go; what runs goes on in the workers. */
  close(): void {
    this.#closed = true;
    this.#expiry?.cancel();
    this.#cancelSweep();
    this.waiters.close();
    for (const { jobs } of this.#endpoints.values()) jobs.close();
  }

  #found(endpointId: EndpointId, handedId: string): EndpointJobs {
    const jobs = this.find(endpointId);
    if (jobs === undefined) throw jobNotFound(handedId);
    return jobs;
  }

  #ended(endpoint: TrafficEndpoint, { state, ended, attempt, job }: JobEnd): void {
    const { endpointId } = endpoint;
    const kept = this.#endpoints.get(endpointId);
    const { clock, metrics, arrivals } = this.#options;
    const endedAtMs = clock.nowMs();
    const jobId = (ended?.id ?? attempt?.job.id) as JobId;
    if (kept !== undefined) {
      count(kept, state, 1);
      if (attempt !== null) kept.timelines.noteEnd(attempt, state, endedAtMs);
    }
    const enqueuedAtMs = ended?.enqueuedAtMs ?? attempt?.job.enqueuedAtMs ?? endedAtMs;
    const startedAtMs = attempt?.job.startedAtMs ?? endedAtMs;
    const waitMs = Math.max(0, startedAtMs - enqueuedAtMs);
    const runMs = Math.max(0, endedAtMs - startedAtMs);
    metrics.requestEnded(endpointId, `job_${state.toLowerCase()}`, waitMs, waitMs + runMs);
    arrivals.arrivalRecord(endpointId, {
      endedAtMs,
      waitMs,
      runMs,
      sizeClass: sizeClassOf(attempt?.inputBytes ?? 0),
      outcome: outcomeOf(state, attempt !== null),
    });
    this.waiters.tell(jobId, job);
    const webhook = attempt?.job.webhook ?? ended?.webhook ?? null;
    if (webhook !== null) this.onDelivery();
  }

  async #expire(): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    const { ended, nextExpiryMs } = await this.#options.store.waitingExpire(nowMs, CHUNK);
    for (const one of ended) this.find(one.endpointId)?.endedWaiting(one, 'TIMED_OUT');
    if (nextExpiryMs !== null) this.noteExpiry(nextExpiryMs);
  }

  #sweepLater(): void {
    if (this.#closed) return;
    this.#cancelSweep = this.#options.clock.schedule(SWEEP_EVERY_MS, () => {
      this.#background(this.#sweep().then(() => this.#sweepLater()));
    });
  }

  async #sweep(): Promise<void> {
    let deleted: readonly JobCounts[];
    do {
      const beforeMs = this.#options.clock.nowMs() - this.limits.keptMs;
      deleted = await this.#options.store.endedSweep(beforeMs, CHUNK);
      for (const { endpointId, state, count: number } of deleted) {
        const kept = this.#endpoints.get(endpointId);
        if (kept !== undefined) count(kept, state, -number);
      }
    } while (deleted.length === CHUNK && !this.#closed);
  }

  async #sweepEndpoint(endpointId: EndpointId): Promise<void> {
    while (!this.#closed && (await this.#options.store.endpointSweep(endpointId, CHUNK)));
  }

  #background(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      // What a closed store refuses was not promised to anybody.
      if (!this.#closed) this.#options.onFatal(error);
    });
  }
}

function count({ ended }: Kept, state: JobState, change: number): void {
  ended.set(state, Math.max(0, (ended.get(state) ?? 0) + change));
}

function outcomeOf(
  state: JobState,
  ran: boolean,
): 'answered' | 'failed' | 'clientGone' | 'timedOutRunning' | 'timedOutWaiting' {
  if (state === 'COMPLETED') return 'answered';
  if (state === 'FAILED') return 'failed';
  if (state === 'CANCELLED') return 'clientGone';
  return ran ? 'timedOutRunning' : 'timedOutWaiting';
}
