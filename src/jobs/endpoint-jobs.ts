import { AppError } from '../base/errors.ts';
import type { JobId, WorkerId } from '../base/ids.ts';
import { chooseWorker } from '../decide/admission/choice.ts';
import type {
  EndedWhileWaiting,
  JobLease,
  JobStore,
  LeasedJob,
  NewJob,
  WaitingJob,
} from '../ports/job-store.ts';
import type { JobResult, TakenJob, TakeWish } from '../ports/job-workers.ts';
import type { EndpointLoad, TrafficEndpoint, TrafficWorker, WorkerLoad } from '../ports/traffic.ts';
import { JobLeases, type JobLeasesParts } from './job-leases.ts';
import { Want, JobWorker, type Attempt } from './job-worker.ts';
import { LANE_MAX, WaitingLane } from './waiting-lane.ts';

interface Leasing {
  readonly stored: Promise<unknown>;
  /** The store told that its wait was ended first. */
  ended: boolean;
}

interface Next {
  readonly jobId: JobId;
  /** Where it waited; null: it is still being stored. */
  readonly lane: WaitingLane | null;
}

/**
 * One async endpoint's jobs: those that wait, and what its workers hold. What counts is in the
 * store; memory knows who holds a lease, who asks for a job, and whose turn is next. Each change is
 * asked of the store, which makes it only from the state it starts from, and memory follows its
 * answer: so a job whose lease, cancel and expiry meet has one of them.
 */
export class EndpointJobs implements EndpointLoad {
  readonly #parts: JobLeasesParts;
  #endpoint: TrafficEndpoint;
  readonly #normal: WaitingLane;
  readonly #low: WaitingLane;
  readonly #workers = new Map<WorkerId, JobWorker>();
  readonly #leases: JobLeases;
  /** Jobs whose lease is being stored. */
  readonly #leasing = new Map<JobId, Leasing>();
  readonly #fetching = new Set<WaitingLane>();
  /** Jobs that are being stored. */
  #arriving = 0;
  /** Of them those that no worker was found for, and that one may claim meanwhile. */
  readonly #unclaimed = { normal: new Set<JobId>(), low: new Set<JobId>() };

  constructor(
    endpoint: TrafficEndpoint,
    waiting: { readonly normal: number; readonly low: number },
    parts: JobLeasesParts,
  ) {
    this.#parts = parts;
    this.#endpoint = endpoint;
    this.#normal = new WaitingLane(waiting.normal);
    this.#low = new WaitingLane(waiting.low);
    this.#leases = new JobLeases(parts, {
      endpoint: () => this.#endpoint,
      onFree: () => this.#dispatch(),
      onBack: (job) => this.waits(job, job.lowPriority),
    });
    this.#fetch();
  }

  get endpoint(): TrafficEndpoint {
    return this.#endpoint;
  }

  put(endpoint: TrafficEndpoint): void {
    this.#endpoint = endpoint;
    this.#dispatch();
  }

  // What control reads.

  get waiting(): number {
    return this.#normal.count + this.#low.count;
  }

  get waitingSinceMs(): readonly number[] {
    const sinceMs: number[] = [];
    for (const lane of [this.#normal, this.#low]) for (const job of lane) sinceMs.push(job.enqueuedAtMs);
    if (this.#low.known > 0) sinceMs.sort((first, second) => first - second);
    return sinceMs.slice(0, LANE_MAX);
  }

  get oldestWaitingSinceMs(): number | null {
    const times = [this.#normal.oldest, this.#low.oldest].flatMap((job) => job?.enqueuedAtMs ?? []);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Of those that are next: whoever waits behind a thousand others has more to fear than a deadline. */
  get earliestDeadlineMs(): number | null {
    let earliestMs = Infinity;
    for (const lane of [this.#normal, this.#low]) {
      for (const { expiresAtMs } of lane) earliestMs = Math.min(earliestMs, expiresAtMs);
    }
    return earliestMs === Infinity ? null : earliestMs;
  }

  get running(): number {
    let running = 0;
    for (const worker of this.#workers.values()) running += worker.running;
    return running;
  }

  get workers(): ReadonlyMap<WorkerId, WorkerLoad> {
    return this.#workers;
  }

  /** Jobs that hold a lease. */
  get inProgress(): number {
    return this.#leases.size;
  }

  get jobWorkers(): Iterable<JobWorker> {
    return this.#workers.values();
  }

  get waitingJobs(): Iterable<WaitingJob> {
    return [...this.#normal, ...this.#low];
  }

  get attempts(): Iterable<Attempt> {
    return this.#leases.all;
  }

  // What control does.

  workerPut(given: TrafficWorker): void {
    const worker = this.#worker(given.workerId);
    worker.given = given;
    worker.draining = false;
    this.#dispatch();
    // Control takes a draining worker back where a swap failed; this one is of no use.
    if (worker.spent) this.#leases.tellSpent(worker, 'it is to be replaced');
  }

  workerDrain(workerId: WorkerId): void {
    const worker = this.#workers.get(workerId);
    if (worker === undefined) {
      this.#parts.listener.workerDrained(this.#endpoint.endpointId, workerId);
      return;
    }
    worker.draining = true;
    worker.endWant();
    worker.settle(this.#parts.clock.nowMs());
    this.#leases.tellDrained(worker);
  }

  /** `why`: how the worker ended, in words. What it held is lost, and tried again. */
  workerRemove(workerId: WorkerId, why: string): void {
    const worker = this.#workers.get(workerId);
    if (worker === undefined) return;
    this.#workers.delete(workerId);
    worker.leave();
    this.#leases.loseAll(worker, `its worker is gone: ${why}`);
  }

  runningCut(workerId: WorkerId, error: AppError): number {
    const worker = this.#workers.get(workerId);
    return worker === undefined ? 0 : this.#leases.cut(worker, error);
  }

  // What clients ask.

  /** Null when it was stored, else the job that has its idempotency key already. Throws QUEUE_FULL. */
  async add(job: NewJob): Promise<{ readonly id: JobId; readonly digest: string } | null> {
    this.checkRoom();
    this.#arriving += 1;
    try {
      const nextUp = this.#normal.count === 0 && (!job.policy.lowPriority || this.#low.count === 0);
      const worker = nextUp ? chooseWorker(this.#workers.values(), this.#endpoint.slotsPerWorker) : null;
      return worker === null ? await this.#addWaiting(job) : await this.#addTaken(job, worker);
    } finally {
      this.#arriving -= 1;
    }
  }

  /** Throws QUEUE_FULL where one more job may not wait. */
  checkRoom(): void {
    const { waitingPerEndpoint } = this.#parts.limits;
    if (this.waiting + this.#arriving < waitingPerEndpoint) return;
    throw new AppError(
      'QUEUE_FULL',
      `${waitingPerEndpoint} jobs wait for this endpoint, which is its limit; send the job again later or raise max_replicas.`,
      { retryAfterSeconds: 1, metadata: { waiting: String(this.waiting) } },
    );
  }

  async #addWaiting(job: NewJob): ReturnType<JobStore['jobInsert']> {
    const unclaimed = job.policy.lowPriority ? this.#unclaimed.low : this.#unclaimed.normal;
    const stored = this.#parts.store.jobInsert(job);
    unclaimed.add(job.id);
    let isUnclaimed = false;
    let kept: Awaited<typeof stored>;
    try {
      kept = await stored;
    } finally {
      isUnclaimed = unclaimed.delete(job.id);
    }
    if (kept === null && isUnclaimed) this.waits(job, job.policy.lowPriority);
    return kept;
  }

  /** A worker asks for a job right now: the job is stored as its own, in one commit instead of two. */
  async #addTaken(job: NewJob, worker: JobWorker): ReturnType<JobStore['jobInsert']> {
    const want = worker.want as Want;
    worker.want = null;
    worker.reserve();
    this.#parts.listener.requestStarted(this.#endpoint.endpointId, worker.id);
    const lease = this.#leaseFor(worker);
    const stored = this.#parts.store.jobInsert({ ...job, lease });
    this.#leasing.set(job.id, { stored, ended: false });
    let inserted = false;
    try {
      const kept = await stored;
      inserted = kept === null;
      return kept;
    } finally {
      this.#leasing.delete(job.id);
      if (inserted) {
        this.#hand(worker, want, [this.#leases.begin(worker, leasedFrom(job, lease), job.input)]);
      } else {
        this.#leases.unreserve(worker, lease.revision, 'clientGone');
        this.#renew(worker, want);
      }
    }
  }

  /** A stored job waits from now on. */
  waits(job: WaitingJob, lowPriority: boolean): void {
    const { id, sequence, enqueuedAtMs, expiresAtMs } = job;
    // Not the whole of a new job: its input is not to be kept.
    (lowPriority ? this.#low : this.#normal).add({ id, sequence, enqueuedAtMs, expiresAtMs });
    this.#parts.onWait(expiresAtMs);
    this.#parts.listener.requestWaiting(this.#endpoint.endpointId);
    this.#dispatch();
  }

  /** False when it neither waits nor runs. Resolves when that is on disk. */
  async cancel(jobId: JobId, reason: string): Promise<boolean> {
    // What is being leased in this moment runs when that is done.
    await this.#leasing.get(jobId)?.stored.catch(() => undefined);
    const attempt = this.#leases.find(jobId);
    if (attempt !== undefined) return await this.#leases.cancel(attempt, reason);
    const ended = await this.#parts.store.jobCancelWaiting(jobId, reason, this.#parts.clock.nowMs());
    if (ended !== null) {
      this.endedWaiting(ended, 'CANCELLED');
      return true;
    }
    await this.#leasing.get(jobId)?.stored.catch(() => undefined);
    const begun = this.#leases.find(jobId);
    return begun === undefined ? false : await this.#leases.cancel(begun, reason);
  }

  /** The store ended the wait of one of them. */
  endedWaiting(ended: EndedWhileWaiting, state: 'CANCELLED' | 'TIMED_OUT'): void {
    const { id: jobId, lowPriority } = ended;
    // One whose lease was asked for meanwhile has left its lane already; the lease will find nothing.
    const leasing = this.#leasing.get(jobId);
    if (leasing !== undefined) leasing.ended = true;
    else {
      (lowPriority ? this.#low : this.#normal).remove(jobId);
      this.#parts.listener.requestGone(this.#endpoint.endpointId);
    }
    this.#parts.onEnded(this.#endpoint, { ended, state, attempt: null, job: null });
    this.#fetch();
  }

  /** It holds a lease, or is about to: it belongs to this endpoint and has not ended. */
  runs(jobId: JobId): boolean {
    return this.#leases.find(jobId) !== undefined || this.#leasing.get(jobId)?.ended === false;
  }

  progressOf(jobId: JobId): string | null {
    return this.#leases.find(jobId)?.progress ?? null;
  }

  // What workers ask.

  async take(workerId: WorkerId, wish: TakeWish, signal: AbortSignal): Promise<readonly TakenJob[]> {
    const worker = this.#worker(workerId);
    if (wish.idle === true) {
      this.#leases.letGo(worker, worker.held.keys());
      this.#leases.loseAll(worker, 'its worker asked for work and said that it runs nothing');
    } else if (this.#endpoint.slotsPerWorker === 1) {
      this.#leases.letGo(worker, worker.held.keys());
    }
    worker.endWant();
    if (signal.aborted || worker.draining || worker.spent) return [];
    const want = new Want(Math.max(1, wish.count), signal);
    want.onAbort(() => {
      if (worker.want === want) worker.endWant();
    });
    worker.want = want;
    this.#dispatch();
    return await want.answer;
  }

  async giveBack(workerId: WorkerId, handedIds: readonly string[]): Promise<void> {
    const worker = this.#workers.get(workerId);
    const attempts = handedIds.flatMap((handedId) => worker?.attempts.get(handedId) ?? []);
    await Promise.all(attempts.map(async (attempt) => await this.#leases.giveBack(attempt)));
  }

  async answer(workerId: WorkerId, handedId: string, result: JobResult): Promise<void> {
    await this.#leases.answer(this.#workers.get(workerId), handedId, result);
  }

  progress(workerId: WorkerId, handedId: string, output: string): void {
    this.#leases.progress(this.#workers.get(workerId), handedId, output);
  }

  async streamPart(workerId: WorkerId, handedId: string, part: string | null): Promise<void> {
    await this.#leases.streamPart(this.#workers.get(workerId), handedId, part);
  }

  async stops(workerId: WorkerId, signal: AbortSignal): Promise<readonly string[]> {
    return await this.#worker(workerId).stops(signal);
  }

  ping(workerId: WorkerId, handedIds: readonly string[]): void {
    const worker = this.#worker(workerId);
    const runs = new Set(handedIds);
    this.#leases.letGo(
      worker,
      [...worker.held.keys()].filter((handedId) => !runs.has(handedId)),
    );
  }

  recycle(workerId: WorkerId, reason: string): void {
    const worker = this.#workers.get(workerId);
    if (worker !== undefined && !worker.spent) this.#leases.tellSpent(worker, reason);
  }

  // What a restart brings.

  /** A lease of a former process: it goes on. */
  recovered(job: LeasedJob): void {
    this.#leases.track(this.#worker(job.workerId), job, 0);
  }

  /** Ends the leases of workers that did not outlive the restart. */
  removeWorkersBut(isLive: (workerId: WorkerId) => boolean): void {
    for (const workerId of [...this.#workers.keys()]) {
      if (!isLive(workerId)) this.workerRemove(workerId, 'it ended while the server was not running');
    }
  }

  /** No job is given out any more; what runs goes on in the workers. */
  close(): void {
    for (const worker of this.#workers.values()) {
      worker.leave();
      for (const attempt of [...worker.attempts.values(), ...worker.held.values()]) attempt.cancelTimer?.();
    }
  }

  #worker(workerId: WorkerId): JobWorker {
    const known = this.#workers.get(workerId);
    if (known !== undefined) return known;
    const worker = new JobWorker(workerId, this.#parts.clock.nowMs());
    this.#workers.set(workerId, worker);
    return worker;
  }

  /** Gives jobs to workers that ask, the oldest job first, to the least loaded of those preferred. */
  #dispatch(): void {
    const assigned = new Map<JobWorker, { want: Want; leases: Promise<TakenJob | null>[] }>();
    for (;;) {
      if (!this.#hasNext()) break;
      const worker = chooseWorker(this.#askers(assigned), this.#endpoint.slotsPerWorker);
      if (worker === null) break;
      const next = this.#next();
      if (next === null) break;
      const batch = assigned.get(worker) ?? { want: worker.want as Want, leases: [] };
      assigned.set(worker, batch);
      worker.reserve();
      batch.leases.push(this.#lease(worker, next));
    }
    for (const [worker, { want, leases }] of assigned) {
      worker.want = null;
      void Promise.all(leases).then((taken) => {
        this.#hand(
          worker,
          want,
          taken.filter((job) => job !== null),
        );
      });
    }
    this.#fetch();
  }

  #hasNext(): boolean {
    if (this.#normal.count > 0) return this.#normal.known > 0;
    if (this.#unclaimed.normal.size > 0) return true;
    return this.#low.count > 0 ? this.#low.known > 0 : this.#unclaimed.low.size > 0;
  }

  /**
   * Whose turn it is. A job that is still being stored can be leased too: the lease is asked for
   * behind it, and one wait for the disk serves both.
   */
  #next(): Next | null {
    for (const [lane, unclaimed] of [
      [this.#normal, this.#unclaimed.normal],
      [this.#low, this.#unclaimed.low],
    ] as const) {
      if (lane.count > 0) {
        const job = lane.shift();
        return job === undefined ? null : { jobId: job.id, lane };
      }
      for (const jobId of unclaimed) {
        unclaimed.delete(jobId);
        return { jobId, lane: null };
      }
    }
    return null;
  }

  *#askers(
    assigned: ReadonlyMap<JobWorker, { readonly want: Want; readonly leases: readonly unknown[] }>,
  ): IterableIterator<JobWorker> {
    for (const worker of this.#workers.values()) {
      const batch = assigned.get(worker);
      if (batch === undefined || batch.leases.length < batch.want.count) yield worker;
    }
  }

  /** Null when the job was ended meanwhile; never rejects. */
  async #lease(worker: JobWorker, { lane, jobId }: Next): Promise<TakenJob | null> {
    this.#parts.listener.requestStarted(this.#endpoint.endpointId, worker.id);
    const lease = this.#leaseFor(worker);
    const stored = this.#parts.store.jobLease(jobId, lease);
    const leasing: Leasing = { stored, ended: false };
    this.#leasing.set(jobId, leasing);
    try {
      const leased = await stored;
      if (leased === null) {
        // It was read from the store while it was being leased before: another one is the one that waits.
        if (!leasing.ended) lane?.countOne();
        this.#leases.unreserve(worker, lease.revision, 'clientGone');
        return null;
      }
      const { input, ...job } = leased;
      return this.#leases.begin(worker, job, input);
    } catch (error) {
      this.#leases.unreserve(worker, lease.revision, 'cut');
      this.#parts.onFatal(error);
      return null;
    } finally {
      this.#leasing.delete(jobId);
    }
  }

  #leaseFor(worker: JobWorker): JobLease {
    const revision = worker.given?.revision ?? 0;
    return { workerId: worker.id, revision, startedAtMs: this.#parts.clock.nowMs() };
  }

  /** Gives what was leased to the worker that asked, unless nobody is there any more to take it. */
  #hand(worker: JobWorker, want: Want, taken: readonly TakenJob[]): void {
    if (taken.length === 0) {
      this.#renew(worker, want);
      return;
    }
    if (!worker.removed && !want.over && !want.signal.aborted) {
      want.settle(taken);
      return;
    }
    want.settle([]);
    for (const { handedId } of taken) {
      const attempt = worker.attempts.get(handedId);
      if (attempt !== undefined) this.#background(this.#leases.giveBack(attempt));
    }
  }

  /** The wish goes on, where it was not met and somebody still waits for it. */
  #renew(worker: JobWorker, want: Want): void {
    const over = want.over || want.signal.aborted || worker.want !== null;
    if (over || worker.draining || worker.spent || worker.removed) {
      want.settle([]);
      return;
    }
    worker.want = want;
    this.#dispatch();
  }

  #fetch(): void {
    for (const lane of [this.#normal, this.#low]) {
      const after = lane.fetchAfter;
      if (after === null || this.#fetching.has(lane)) continue;
      this.#fetching.add(lane);
      this.#background(this.#fetchLane(lane, after));
    }
  }

  async #fetchLane(lane: WaitingLane, after: number): Promise<void> {
    const { endpointId } = this.#endpoint;
    try {
      lane.fetched(await this.#parts.store.waitingList(endpointId, lane === this.#low, after, LANE_MAX));
    } finally {
      this.#fetching.delete(lane);
    }
    this.#dispatch();
  }

  #background(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#parts.onFatal(error));
  }
}

function leasedFrom(job: NewJob, lease: JobLease): LeasedJob {
  const { id, endpointId, sequence, enqueuedAtMs, expiresAtMs, policy } = job;
  return {
    ...lease,
    id,
    endpointId,
    sequence,
    enqueuedAtMs,
    expiresAtMs,
    executionTimeoutMs: policy.executionTimeoutMs,
    ttlMs: policy.ttlMs,
    lowPriority: policy.lowPriority,
    webhook: job.webhook,
    attempt: 1,
    retries: 0,
    lost: [],
  };
}
