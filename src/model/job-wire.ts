import { jobHasEnded, type JobState } from './job-state.ts';
import type { Job } from './job.ts';

/** Two addresses of one job API: the vendor's own words, and those of RunPod's clients. */
export type JobSurface = 'v1' | 'v2';

export function stateWord(state: JobState, surface: JobSurface): string {
  return surface === 'v1' && state === 'IN_QUEUE' ? 'PENDING' : state;
}

/** What a list shows of a job. */
export function jobFacts(job: Omit<Job, 'output'>, surface: JobSurface): Readonly<Record<string, unknown>> {
  const { startedAtMs, endedAtMs } = job;
  const ran = startedAtMs !== null && job.state !== 'IN_QUEUE';
  const facts: Record<string, unknown> = { id: job.id, status: stateWord(job.state, surface) };
  if (ran) facts['delayTime'] = Math.max(0, startedAtMs - job.enqueuedAtMs);
  if (ran && endedAtMs !== null) facts['executionTime'] = Math.max(0, endedAtMs - startedAtMs);
  if (ran && job.workerId !== null) facts['workerId'] = job.workerId;
  facts['createdAt'] = job.enqueuedAtMs;
  facts['retries'] = job.retries;
  if (job.error !== null) facts['error'] = job.error;
  if (job.lost.length > 0) {
    facts['lostAttempts'] = job.lost.map(
      ({ attempt, workerId, startedAtMs: startedAt, endedAtMs: endedAt, reason }) => ({
        attempt,
        workerId,
        startedAt,
        endedAt,
        reason,
      }),
    );
  }
  return facts;
}

/** JSON text of a job's status. The output, or the progress while it runs, stands in it as it was written. */
export function jobWire(job: Job, progress: string | null, surface: JobSurface): string {
  const facts = JSON.stringify(jobFacts(job, surface));
  const output = jobHasEnded(job.state) ? job.output : progress;
  return output === null ? facts : `${facts.slice(0, -1)},"output":${output}}`;
}
