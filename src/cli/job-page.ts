import type { JobStatus } from '../client/schema.ts';
import type { Cell, Colour, Output } from './output.ts';
import { printable } from './output.ts';

const ENDED = ['COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT'];

export function jobHasEnded({ status }: Pick<JobStatus, 'status'>): boolean {
  return ENDED.includes(status);
}

export function jobColour(status: string): Colour | undefined {
  switch (status) {
    case 'COMPLETED':
      return 'green';
    case 'FAILED':
    case 'TIMED_OUT':
      return 'red';
    case 'CANCELLED':
      return 'dim';
    default:
      return 'yellow';
  }
}

/** Milliseconds as "350ms", "1.2s", or whole seconds from a hundred on; a dash for none. */
export function timeText(ms: number | undefined): string {
  if (ms === undefined) return '-';
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  return ms < 100_000 ? `${(ms / 1_000).toFixed(1)}s` : `${Math.round(ms / 1_000)}s`;
}

/** One job, a fact a line; its output last, as JSON. */
export function showJob(job: JobStatus, output: Output): void {
  const facts: Cell[][] = [
    [{ text: 'job' }, { text: job.id }],
    [{ text: 'status' }, { text: job.status, colour: jobColour(job.status) }],
    [{ text: 'waited' }, { text: timeText(job.delayTime) }],
    [{ text: 'ran' }, { text: timeText(job.executionTime) }],
    [{ text: 'worker' }, { text: job.workerId ?? '-' }],
  ];
  for (const lost of job.lostAttempts ?? []) {
    facts.push([
      { text: `attempt ${lost.attempt}` },
      { text: `lost on worker ${lost.workerId}: ${lost.reason}`, colour: 'red' },
    ]);
  }
  if (job.error !== undefined) facts.push([{ text: 'error' }, { text: errorText(job.error), colour: 'red' }]);
  for (const line of output.aligned(facts)) output.line(line);
  if (job.output === undefined) return;
  output.line(jobHasEnded(job) ? 'output' : 'progress');
  output.json(job.output);
}

/** Worker kits send the facts of an error as JSON; its message is what a person wants. */
export function errorText(error: string): string {
  try {
    const facts = JSON.parse(error) as { error_type?: unknown; error_message?: unknown } | null;
    if (typeof facts?.error_message === 'string') {
      const type = typeof facts.error_type === 'string' ? `${facts.error_type}: ` : '';
      return printable(type + facts.error_message);
    }
  } catch {
    // In words already.
  }
  return printable(error);
}
