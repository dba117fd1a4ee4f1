import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import type { JobId, OwnerId } from '../base/ids.ts';
import type { Job, LostAttempt } from '../model/job.ts';
import type { EndedWhileWaiting, JobResultRow, JobStore, LeasedJob } from '../ports/job-store.ts';
import type { JobResult, TakenJob } from '../ports/job-workers.ts';
import type { RequestOutcome, TrafficEndpoint, TrafficListener } from '../ports/traffic.ts';
import { lostWords, notYours, resultRow, tooLarge } from './job-answers.ts';
import { Attempt, type JobWorker } from './job-worker.ts';
import type { JobLimits } from './limits.ts';

/** How a job ended, for those who count and for those who wait for it. */
export interface JobEnd {
  readonly state: JobResultRow['state'];
  /** Where it ended while it waited; else null. */
  readonly ended: EndedWhileWaiting | null;
  /** Where it ran; else null. */
  readonly attempt: Attempt | null;
  /** Likewise: as it is stored now. */
  readonly job: Job | null;
}

export interface JobLeasesParts {
  readonly clock: Clock;
  readonly store: JobStore;
  readonly limits: JobLimits;
  readonly listener: TrafficListener;
  /** A job has ended, and that is on disk. */
  onEnded(endpoint: TrafficEndpoint, end: JobEnd): void;
  /** A job's wait ends then. */
  onWait(expiresAtMs: number): void;
  /** The store failed at something that nobody waits for: what was promised cannot be kept. */
  onFatal(error: unknown): void;
}

export interface LeaseEvents {
  endpoint(): TrafficEndpoint;
  /** A slot came free. */
  onFree(): void;
  /** A job whose attempt was lost waits again. */
  onBack(job: LeasedJob): void;
}

interface Ending {
  readonly state: JobResultRow['state'];
  readonly output: string | null;
  readonly error: string | null;
  /** As control is told it. */
  readonly end: RequestOutcome['end'];
  readonly lost?: LostAttempt;
  /** Its worker was not asked: it counts as busy with it until it lets go. */
  readonly held?: boolean;
}

/**
 * The attempts that run on one endpoint's workers, from the lease to its end:
 *
 *   begin → answer | overran, cancelled → over (the worker may hold on to it for a while)
 *                  | lost → over, and the job waits again or has failed
 *
 * Only one of these ends an attempt: the one that asked the store first.
 */
export class JobLeases {
  readonly #parts: JobLeasesParts;
  readonly #events: LeaseEvents;
  readonly #running = new Map<JobId, Attempt>();

  constructor(parts: JobLeasesParts, events: LeaseEvents) {
    this.#parts = parts;
    this.#events = events;
  }

  get size(): number {
    return this.#running.size;
  }

  get all(): Iterable<Attempt> {
    return this.#running.values();
  }

  find(jobId: JobId): Attempt | undefined {
    return this.#running.get(jobId);
  }

  /** The lease that was reserved on the worker is on disk. */
  begin(worker: JobWorker, job: LeasedJob, input: string): TakenJob {
    worker.reserved -= 1;
    const attempt = this.track(worker, job, input.length);
    const { handedId, deadlineMs } = attempt;
    return { handedId, input, attempt: job.attempt, enqueuedAtMs: job.enqueuedAtMs, deadlineMs };
  }

  track(worker: JobWorker, job: LeasedJob, inputBytes: number): Attempt {
    const allowedMs = job.executionTimeoutMs ?? this.#events.endpoint().requestTimeoutMs;
    const attempt = new Attempt(job, worker, inputBytes, job.startedAtMs + allowedMs);
    worker.add(attempt);
    this.#running.set(job.id, attempt);
    const leftMs = attempt.deadlineMs - this.#parts.clock.nowMs();
    attempt.cancelTimer = this.#parts.clock.schedule(leftMs, () => this.#overran(attempt, allowedMs));
    return attempt;
  }

  /** Throws JOB_NOT_YOURS where the worker holds no lease of this id. */
  attemptOf(worker: JobWorker | undefined, handedId: string): Attempt {
    const attempt = worker?.attempts.get(handedId);
    if (attempt !== undefined) return attempt;
    // It speaks of one that was ended without it: it has let go of it, or soon will.
    if (worker !== undefined) this.letGo(worker, [handedId]);
    throw notYours(handedId);
  }

  async answer(worker: JobWorker | undefined, handedId: string, result: JobResult): Promise<void> {
    const attempt = this.attemptOf(worker, handedId);
    const row = resultRow(result, this.#parts.limits.outputBytes);
    // The same answer sent again, because the first one's reply was lost, is told the same.
    const ended = attempt.answered ? attempt.ending : this.#answer(attempt, row);
    if ((await ended) !== true) throw notYours(handedId);
  }

  async #answer(attempt: Attempt, row: ReturnType<typeof resultRow>): Promise<boolean> {
    if (attempt.ending !== null) return false;
    attempt.answered = true;
    try {
      return await this.#end(attempt, { ...row, end: 'complete' });
    } catch (error) {
      attempt.answered = false;
      throw error;
    }
  }

  progress(worker: JobWorker | undefined, handedId: string, output: string): void {
    const { progressBytes } = this.#parts.limits;
    const attempt = this.attemptOf(worker, handedId);
    if (output.length > progressBytes) {
      throw new AppError(
        'BODY_TOO_LARGE',
        `The progress has ${output.length} characters, the limit is ${progressBytes}; send less, and the whole as the output.`,
      );
    }
    attempt.progress = output;
  }

  async streamPart(worker: JobWorker | undefined, handedId: string, part: string | null): Promise<void> {
    const attempt = this.attemptOf(worker, handedId);
    const { outputBytes } = this.#parts.limits;
    const { id, attempt: number } = attempt.job;
    const stored = part === null ? 'full' : await this.#parts.store.partAppend(id, number, part, outputBytes);
    if (stored === 'gone') throw notYours(handedId);
    if (stored === 'stored' || attempt.ending !== null) return;
    await this.#end(attempt, { ...tooLarge(null, outputBytes), end: 'complete', held: true });
  }

  /** False when something else ends it already. Resolves when that is on disk. */
  async cancel(attempt: Attempt, reason: string): Promise<boolean> {
    if (attempt.ending !== null) {
      await attempt.ending;
      return false;
    }
    return await this.#end(attempt, {
      state: 'CANCELLED',
      output: null,
      error: reason,
      end: 'clientGone',
      held: true,
    });
  }

  /** Takes what the worker holds from it at the drain deadline; returns how many. */
  cut(worker: JobWorker, error: AppError): number {
    let cut = 0;
    for (const attempt of worker.attempts.values()) {
      if (attempt.ending !== null) continue;
      cut += 1;
      worker.stop(attempt.handedId);
      this.#background(this.#lose(attempt, error.message, 'cut'));
    }
    return cut;
  }

  /** The worker is gone, for that reason, or says that it runs nothing. */
  loseAll(worker: JobWorker, why: string): void {
    for (const attempt of worker.attempts.values()) {
      this.#background(this.#lose(attempt, why, 'broke'));
    }
  }

  /** It never reached its worker: it waits again, and the attempt does not count. */
  async giveBack(attempt: Attempt): Promise<void> {
    await this.#lose(attempt, null, 'cut');
  }

  /** A lease that did not come about. */
  unreserve(worker: JobWorker, revision: number, end: RequestOutcome['end']): void {
    worker.reserved -= 1;
    this.#freed(worker, { revision, status: null, end, waitedMs: 0, runMs: 0 });
  }

  /** The worker no longer runs these, which were ended without it. */
  letGo(worker: JobWorker, handedIds: Iterable<string>): void {
    let freed = false;
    for (const handedId of [...handedIds]) {
      const attempt = worker.held.get(handedId);
      if (attempt === undefined) continue;
      attempt.cancelTimer?.();
      worker.held.delete(handedId);
      freed = true;
    }
    if (!freed) return;
    worker.settle(this.#parts.clock.nowMs());
    this.#events.onFree();
  }

  tellDrained(worker: JobWorker): void {
    if (!worker.draining || worker.removed || worker.live > 0) return;
    this.#parts.listener.workerDrained(this.#events.endpoint().endpointId, worker.id);
  }

  tellSpent(worker: JobWorker, why: string): void {
    worker.spent = true;
    worker.endWant();
    this.#parts.listener.workerSpent(this.#events.endpoint().endpointId, worker.id, why);
  }

  #overran(attempt: Attempt, allowedMs: number): void {
    if (attempt.ending !== null) return;
    const error = `The job ran longer than ${allowedMs / 1_000} s, its executionTimeout; raise policy.executionTimeout, or the endpoint's request_timeout.`;
    this.#background(
      this.#end(attempt, { state: 'TIMED_OUT', output: null, error, end: 'timeout', held: true }),
    );
  }

  async #end(attempt: Attempt, ending: Ending): Promise<boolean> {
    const { state, output, error, end, lost = null } = ending;
    const { id, attempt: number } = attempt.job;
    const endedAtMs = this.#parts.clock.nowMs();
    attempt.ending = this.#parts.store.jobEnd({ id, attempt: number, state, output, error, endedAtMs, lost });
    let ended = false;
    try {
      ended = await attempt.ending;
    } catch (failure) {
      // The worker may send its answer again, and the deadline holds.
      attempt.ending = null;
      throw failure;
    }
    if (ending.held === true) {
      this.#hold(attempt);
      // Told only now: a worker that lets go at once says so at once, and must find something to let go of.
      attempt.worker.stop(attempt.handedId);
    }
    this.#over(attempt, end, state === 'COMPLETED' ? 200 : 500);
    if (ended) {
      const job = endedJob(attempt, ending, this.#events.endpoint().ownerId, endedAtMs);
      this.#parts.onEnded(this.#events.endpoint(), { state, ended: null, attempt, job });
    }
    return ended;
  }

  /** An attempt without an answer. `why` null: it never began, and does not count. */
  async #lose(attempt: Attempt, why: string | null, end: RequestOutcome['end']): Promise<void> {
    if (attempt.ending !== null) return;
    const { job, worker } = attempt;
    const { startedAtMs } = job;
    const endedAtMs = this.#parts.clock.nowMs();
    const lost: LostAttempt | null =
      why === null
        ? null
        : { attempt: job.attempt, workerId: worker.id, startedAtMs, endedAtMs, reason: why };
    if (lost !== null && job.lost.length + 1 >= this.#parts.limits.attempts) {
      const error = lostWords([...job.lost, lost]);
      await this.#end(attempt, { state: 'FAILED', output: null, error, end, lost });
      return;
    }
    // Its ttl counts waiting alone: by what it ran it may wait longer.
    const expiresAtMs = job.expiresAtMs + Math.max(0, endedAtMs - startedAtMs);
    attempt.ending = this.#parts.store.jobRequeue(job.id, job.attempt, lost, expiresAtMs);
    const requeued = await attempt.ending;
    this.#over(attempt, end, null);
    if (requeued) this.#events.onBack({ ...job, expiresAtMs });
  }

  #hold(attempt: Attempt): void {
    const { worker, handedId } = attempt;
    if (worker.draining || worker.removed) return;
    worker.held.set(handedId, attempt);
    const { clock, limits } = this.#parts;
    // It may ignore the stop, but not run longer than it could have.
    const leftMs = Math.max(0, attempt.deadlineMs - clock.nowMs()) + limits.letGoMs;
    attempt.cancelTimer?.();
    attempt.cancelTimer = clock.schedule(leftMs, () => {
      if (!worker.held.has(handedId) || worker.spent || worker.removed) return;
      this.tellSpent(worker, `it does not give up job ${handedId}, which was ended`);
    });
  }

  /** The attempt is no more, and its slot is free. */
  #over(attempt: Attempt, end: RequestOutcome['end'], status: number | null): void {
    const { job, worker, handedId } = attempt;
    if (!worker.held.has(handedId)) attempt.cancelTimer?.();
    worker.attempts.delete(handedId);
    if (this.#running.get(job.id) === attempt) this.#running.delete(job.id);
    const runMs = Math.max(0, this.#parts.clock.nowMs() - job.startedAtMs);
    const waitedMs = Math.max(0, job.startedAtMs - job.enqueuedAtMs);
    const answered = end === 'complete' ? status : null;
    if (answered !== null) {
      this.#parts.listener.requestAnswered(this.#events.endpoint().endpointId, {
        workerId: worker.id,
        status: answered,
        firstByteMs: runMs,
        beside: worker.live + 1,
      });
    }
    this.#freed(worker, { revision: job.revision, status: answered, end, waitedMs, runMs });
  }

  #freed(worker: JobWorker, outcome: Omit<RequestOutcome, 'workerId'>): void {
    worker.settle(this.#parts.clock.nowMs());
    this.#parts.listener.requestEnded(this.#events.endpoint().endpointId, {
      workerId: worker.id,
      ...outcome,
    });
    this.tellDrained(worker);
    this.#events.onFree();
  }

  #background(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#parts.onFatal(error));
  }
}

/** Who waits for the end of a job is told it without a look into the store. */
function endedJob({ job }: Attempt, ending: Ending, ownerId: OwnerId, endedAtMs: number): Job {
  const { executionTimeoutMs, lowPriority, ttlMs, lost, ...facts } = job;
  return {
    ...facts,
    ownerId,
    policy: { executionTimeoutMs, lowPriority, ttlMs },
    state: ending.state,
    endedAtMs,
    lost: ending.lost === undefined ? lost : [...lost, ending.lost],
    output: ending.output,
    error: ending.error,
  };
}
