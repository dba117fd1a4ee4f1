import type { RequestTimeline, TimelineOutcome } from '../model/request-timeline.ts';
import type { JobResultRow, WaitingJob } from '../ports/job-store.ts';
import type { EndpointJobs } from './endpoint-jobs.ts';
import type { Attempt } from './job-worker.ts';

/** Ended jobs that are kept of each endpoint. */
const TIMELINES_KEPT = 100;

const OUTCOME: Readonly<Record<JobResultRow['state'], TimelineOutcome>> = {
  COMPLETED: 'complete',
  FAILED: 'complete',
  CANCELLED: 'clientGone',
  TIMED_OUT: 'timeout',
};

/** Jobs in the words of requests, as the control API shows both. */
export class JobTimelines {
  readonly #ended: RequestTimeline[] = [];

  noteEnd(attempt: Attempt, state: JobResultRow['state'], endedAtMs: number): void {
    const status = { COMPLETED: 200, FAILED: 500, CANCELLED: null, TIMED_OUT: null }[state];
    this.#ended.push({ ...running(attempt), endedAtMs, status, outcome: OUTCOME[state] });
    if (this.#ended.length > TIMELINES_KEPT) this.#ended.shift();
  }

  newestFirst(): readonly RequestTimeline[] {
    return this.#ended.toReversed();
  }
}

/** Those that run first, then those that wait, each oldest first. */
export function openTimelines(jobs: EndpointJobs, limit: number): readonly RequestTimeline[] {
  const open = [...jobs.attempts].map(running);
  open.sort((first, second) => first.arrivedAtMs - second.arrivedAtMs);
  const hasWorkers = [...jobs.jobWorkers].some(({ given }) => given !== null);
  let isFirst = true;
  for (const job of jobs.waitingJobs) {
    if (open.length >= limit) break;
    const reason = hasWorkers ? 'slotsInUse' : 'noWorker';
    open.push(waiting(job, isFirst ? reason : 'behindOthers'));
    isFirst = false;
  }
  return open.slice(0, limit);
}

function waiting(job: WaitingJob, waitReason: RequestTimeline['waitReason']): RequestTimeline {
  return {
    requestId: job.id,
    method: 'POST',
    path: '/run',
    arrivedAtMs: job.enqueuedAtMs,
    waitReason,
    workerId: null,
    revision: null,
    startedAtMs: null,
    firstByteAtMs: null,
    endedAtMs: null,
    status: null,
    outcome: null,
  };
}

function running({ job }: Attempt): RequestTimeline {
  return {
    ...waiting(job, null),
    workerId: job.workerId,
    revision: job.revision,
    startedAtMs: job.startedAtMs,
  };
}
