import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import { newUuid, type EndpointId, type JobId } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import { DEFAULT_JOB_TTL_MS, type Job } from '../model/job.ts';
import { jobHasEnded, jobStatesBefore, type JobState } from '../model/job-state.ts';
import type { WorkerState } from '../model/worker-state.ts';
import type { Caller } from '../ports/endpoint-service.ts';
import type {
  JobEndpoint,
  JobHealth,
  JobOrder,
  JobService,
  JobView,
  StreamView,
} from '../ports/job-service.ts';
import type { JobStore, JobSummary, WebhookDelivery } from '../ports/job-store.ts';
import type { EndpointJobs } from './endpoint-jobs.ts';
import { jobNotFound } from './job-answers.ts';
import type { Jobs } from './jobs.ts';
import type { Webhooks } from './webhooks.ts';

export interface JobCommandsParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: JobStore;
  readonly jobs: Jobs;
  readonly webhooks: Webhooks;
  /** How many workers of the endpoint are in each state. */
  workerStates(endpointId: EndpointId): Readonly<Partial<Record<WorkerState, number>>>;
}

/** Bytes of the parts that one call of `stream` returns, where there are more: the next call has them. */
const STREAM_BYTES = 1_048_576;

/** What clients do with the jobs of async endpoints. */
export class JobCommands implements JobService {
  readonly #parts: JobCommandsParts;

  constructor(parts: JobCommandsParts) {
    this.#parts = parts;
  }

  async run(
    at: JobEndpoint,
    order: JobOrder,
    caller: Caller,
  ): Promise<{ readonly id: string; readonly state: JobState }> {
    const { clock, random, jobs } = this.#parts;
    const queue = this.#endpoint(at, caller);
    this.#checkOpen(queue);
    const inputBytes = Buffer.byteLength(order.input);
    const { inputBytes: limitBytes } = jobs.limits;
    if (inputBytes > limitBytes) {
      throw new AppError(
        'BODY_TOO_LARGE',
        `The input has ${inputBytes} bytes, the limit is ${limitBytes}; send the address of a large input instead of the input itself.`,
        { metadata: { limit_bytes: String(limitBytes) } },
      );
    }
    const { endpointId, ownerId } = queue.endpoint;
    const nowMs = clock.nowMs();
    const ttlMs = order.policy.ttlMs ?? DEFAULT_JOB_TTL_MS;
    const id = newUuid<JobId>(random, nowMs);
    const kept = await queue.add({
      id,
      endpointId,
      ownerId,
      sequence: jobs.nextSequence(),
      policy: {
        executionTimeoutMs: order.policy.executionTimeoutMs ?? null,
        ttlMs,
        lowPriority: order.policy.lowPriority ?? false,
      },
      webhook: order.webhook,
      enqueuedAtMs: nowMs,
      expiresAtMs: nowMs + ttlMs,
      input: order.input,
      idempotency: order.once,
      lease: null,
    });
    if (kept === null) return { id, state: 'IN_QUEUE' };
    if (kept.digest !== order.once?.digest) {
      throw new AppError(
        'IDEMPOTENCY_KEY_REUSED',
        `The Idempotency-Key "${order.once?.key}" belongs to another order, that of job ${kept.id}; use a new key for each job.`,
      );
    }
    return { id: kept.id, state: (await this.#job(queue, kept.id)).state };
  }

  async status(
    at: JobEndpoint,
    jobId: string,
    caller: Caller,
    wait?: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<JobView> {
    const queue = this.#endpoint(at, caller);
    if (wait === undefined || wait.waitMs === 0) return this.#view(queue, await this.#job(queue, jobId));
    // Before the job is read: its end in between would not be heard.
    const waiter = this.#parts.jobs.waiters.listen(jobId as JobId, wait.waitMs, wait.signal);
    try {
      if (!queue.runs(jobId as JobId)) {
        const job = await this.#job(queue, jobId);
        if (jobHasEnded(job.state)) return this.#view(queue, job);
      }
      const ended = await waiter.ended;
      return this.#view(queue, ended ?? (await this.#job(queue, jobId)));
    } finally {
      waiter.stop();
    }
  }

  async stream(at: JobEndpoint, jobId: string, from: number | null, caller: Caller): Promise<StreamView> {
    const queue = this.#endpoint(at, caller);
    await this.#job(queue, jobId);
    const { parts, next } = await this.#parts.store.partRead(jobId as JobId, from, STREAM_BYTES);
    // Read behind the parts: an end that came in between would hide those that came with it.
    const { state } = await this.#job(queue, jobId);
    if (!jobHasEnded(state) || parts.length === 0) return { state, parts, next };
    // Clients stop at an ended state: it is not told before there is nothing left to read.
    const rest = await this.#parts.store.partRead(jobId as JobId, next, 1);
    return { state: rest.parts.length === 0 ? state : 'IN_PROGRESS', parts, next };
  }

  async cancel(at: JobEndpoint, jobId: string, caller: Caller): Promise<JobView> {
    const queue = this.#endpoint(at, caller);
    const job = await this.#job(queue, jobId);
    if (jobHasEnded(job.state)) return this.#view(queue, job);
    await queue.cancel(job.id, 'Cancelled by its client.');
    return this.#view(queue, await this.#job(queue, jobId));
  }

  async retry(at: JobEndpoint, jobId: string, caller: Caller): Promise<JobView> {
    const { clock, store, jobs } = this.#parts;
    const queue = this.#endpoint(at, caller);
    this.#checkOpen(queue);
    const before = await this.#job(queue, jobId);
    if (jobStatesBefore('retryAsked').includes(before.state)) queue.checkRoom();
    const job = await store.jobRetry(before.id, jobs.nextSequence(), clock.nowMs());
    if (job === null) {
      const { state } = await this.#job(queue, jobId);
      throw new AppError(
        'JOB_STATE',
        `Job ${before.id} is ${state}; only one that FAILED or TIMED_OUT can be asked for again. Run it anew.`,
        { metadata: { status: state } },
      );
    }
    jobs.noteRetry(job.endpointId, before.state);
    queue.waits(job, job.policy.lowPriority);
    return this.#view(queue, job);
  }

  async purge(at: JobEndpoint, caller: Caller): Promise<number> {
    const { endpoint } = this.#endpoint(at, caller);
    return await this.#parts.jobs.purge(endpoint.endpointId, 'Its queue was purged.');
  }

  health(at: JobEndpoint, caller: Caller): JobHealth {
    const queue = this.#endpoint(at, caller);
    const { endpointId } = queue.endpoint;
    const states = this.#parts.workerStates(endpointId);
    const busy = [...queue.jobWorkers].filter(({ given, running }) => given !== null && running > 0).length;
    const ready = states.ready ?? 0;
    return {
      jobs: {
        ...this.#parts.jobs.counts(endpointId),
        inProgress: queue.inProgress,
        inQueue: queue.waiting,
      },
      workers: {
        idle: Math.max(0, ready - busy),
        initializing: (states.pulling ?? 0) + (states.starting ?? 0),
        ready,
        running: busy,
        throttled: states.pending ?? 0,
        unhealthy: states.unhealthy ?? 0,
      },
    };
  }

  async list(
    at: JobEndpoint,
    query: {
      readonly state: JobState | null;
      readonly beforeSequence: number | null;
      readonly limit: number;
    },
    caller: Caller,
  ): Promise<readonly JobSummary[]> {
    const { endpoint } = this.#endpoint(at, caller);
    return await this.#parts.store.jobList(endpoint.endpointId, query, query.limit);
  }

  async deliveries(at: JobEndpoint, jobId: string, caller: Caller): Promise<readonly WebhookDelivery[]> {
    const { id } = await this.#job(this.#endpoint(at, caller), jobId);
    return await this.#parts.store.deliveryList(id);
  }

  async replay(at: JobEndpoint, jobId: string, caller: Caller): Promise<WebhookDelivery> {
    const job = await this.#job(this.#endpoint(at, caller), jobId);
    const delivery = await this.#parts.store.deliveryReplay(job.id, this.#parts.clock.nowMs());
    if (delivery === null) {
      throw new AppError(
        'JOB_STATE',
        `Job ${job.id} has nothing to deliver: ${job.webhook === null ? 'it was run without a webhook' : `it is ${job.state}`}.`,
        { metadata: { status: job.state } },
      );
    }
    this.#parts.webhooks.wake();
    return delivery;
  }

  webhookSecret(at: JobEndpoint, caller: Caller): string {
    return this.#parts.webhooks.secretOf(this.#endpoint(at, caller).endpoint.endpointId);
  }

  /** As the gateway finds an endpoint: known by that name, and the caller's own. */
  #endpoint({ endpointId, appName }: JobEndpoint, caller: Caller): EndpointJobs {
    const queue = this.#parts.jobs.find(endpointId);
    if (queue === undefined || (appName !== null && appName !== queue.endpoint.appName)) {
      throw new AppError(
        'SERVERLESS_ENDPOINT_NOT_FOUND',
        `There is no async endpoint "${endpointId.slice(0, 64)}${appName === null ? '' : `-${appName.slice(0, 64)}`}" here; requests for a sync one go to its url.`,
      );
    }
    if (!caller.admin && caller.ownerId !== queue.endpoint.ownerId) {
      throw new AppError('FORBIDDEN', 'This endpoint belongs to another owner; use a key of its owner.');
    }
    return queue;
  }

  async #job(queue: EndpointJobs, jobId: string): Promise<Job> {
    const job = await this.#parts.store.jobFind(jobId as JobId);
    if (job === null || job.endpointId !== queue.endpoint.endpointId) throw jobNotFound(jobId);
    return job;
  }

  #view(queue: EndpointJobs, job: Job): JobView {
    return { job, progress: job.state === 'IN_PROGRESS' ? queue.progressOf(job.id) : null };
  }

  #checkOpen({ endpoint }: EndpointJobs): void {
    if (this.#parts.jobs.closed) {
      throw new AppError('SHUTTING_DOWN', 'The server is shutting down; send the job again.', {
        retryAfterSeconds: 1,
      });
    }
    // A job can outwait starts that fail; a pause and a deletion are meant.
    const { refusal } = endpoint;
    if (refusal !== null && refusal.code !== 'ENDPOINT_FAILED') throw refusal;
  }
}
