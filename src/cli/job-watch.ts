import type { Client } from '../client/client.ts';
import type { JobStatus } from '../client/schema.ts';
import { EXIT, type Io } from './io.ts';
import { errorText, jobHasEnded, timeText } from './job-page.ts';
import { LiveView } from './live-view.ts';
import { printable, spanText, type Output } from './output.ts';
import { patiently } from './patience.ts';

const POLL_MS = 250;

interface Watch {
  readonly client: Client;
  readonly io: Io;
  readonly output: Output;
  readonly endpoint: string;
  readonly jobId: string;
  /** Its status is printed as JSON once it has ended, and nothing before. */
  readonly json: boolean;
}

/**
 * Follows a job to its end: its way and its progress are remarks, the parts of a streamed output and
 * the output itself are the result. Resolves with the exit code.
 */
export async function watchJob({ client, io, output, endpoint, jobId, json }: Watch): Promise<number> {
  const path = { endpoint, job_id: jobId };
  const startedAtMs = io.nowMs();
  const view = io.stdout.isTty && !json ? new LiveView(io.stdout) : null;
  let told = '';
  let from = 0;
  for (;;) {
    const job = await patiently(io, () => client.call('getJob', { path, query: {} }, { exactNumbers: true }));
    // Behind the status: what was streamed before the end is read before it is told.
    const parts = json
      ? { stream: [], next: from }
      : await patiently(io, () =>
          client.call('streamJob', { path, query: { from } }, { exactNumbers: true }),
        );
    from = parts.next;
    if (parts.stream.length > 0) view?.clear();
    for (const part of parts.stream) output.line(JSON.stringify(part.output));
    if (jobHasEnded(job) && parts.stream.length === 0) {
      view?.clear();
      return tellEnd(job, output, json, from > 0);
    }
    const line = lineOf(job);
    if (view !== null) view.draw([`${spanText(io.nowMs() - startedAtMs)}  ${line}`]);
    else if (!json && line !== told) output.note(line);
    told = line;
    if (parts.stream.length === 0) await io.sleep(POLL_MS);
  }
}

function tellEnd(job: JobStatus, output: Output, json: boolean, streamed: boolean): number {
  if (json) output.json(job);
  else if (job.status !== 'COMPLETED') {
    output.note(`job ${printable(job.id)}: ${job.status}: ${errorText(job.error ?? 'without a reason')}`);
  } else {
    output.note(
      `job ${printable(job.id)}: ${job.status}, waited ${timeText(job.delayTime)}, ran ${timeText(job.executionTime)}`,
    );
    // A streamed output was told part by part; what is left of it is an empty list.
    if (!streamed || !isEmptyList(job.output)) output.json(job.output ?? null);
  }
  return job.status === 'COMPLETED' ? EXIT.ok : EXIT.failed;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function lineOf(job: JobStatus): string {
  const where =
    job.status === 'IN_PROGRESS' && job.workerId !== undefined ? ` on worker ${job.workerId}` : '';
  const lost = job.lostAttempts?.length ?? 0;
  const facts = [
    `job ${printable(job.id)}: ${job.status}${printable(where)}`,
    lost === 0 ? '' : `${lost} lost attempts`,
    job.output === undefined ? '' : printable(JSON.stringify(job.output)),
  ];
  return facts.filter((fact) => fact !== '').join('; ');
}
