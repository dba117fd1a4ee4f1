import type { JobItem } from '../../../client/schema.ts';
import { defineCommand } from '../../define-command.ts';
import { EXIT, UsageError } from '../../io.ts';
import { errorText, jobColour, timeText } from '../../job-page.ts';
import { spanText, type Cell } from '../../output.ts';

const HEADING = ['ID', 'STATUS', 'AGE', 'WAITED', 'RAN', 'WORKER', 'ERROR'];
const STATES = ['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT'] as const;

export const jobsList = defineCommand({
  name: 'jobs list',
  summary: "show an endpoint's jobs, newest first",
  details: 'Ended jobs are kept for six hours unless the server is set otherwise.',
  arguments: { endpoint: 'id of the endpoint' },
  options: {
    status: { kind: 'text', value: 'STATUS', description: `only these: ${STATES.join(', ')}` },
    limit: { kind: 'integer', value: 'N', description: 'how many at most (50)' },
  },
  examples: ['pilotlight jobs list ezt9nyhhtwwe --status FAILED'],
  async run({ client, io, output, options, arguments: { endpoint } }) {
    const status = STATES.find((state) => state === options.status?.toUpperCase());
    if (options.status !== undefined && status === undefined) {
      throw new UsageError(`--status is ${options.status}; allowed: ${STATES.join(', ')}`);
    }
    const query = {
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      ...(status === undefined ? {} : { status }),
    };
    const answer = await client.call('listJobs', { path: { endpoint }, query });
    if (options.json) {
      output.json(answer);
      return EXIT.ok;
    }
    if (answer.requests.length === 0) {
      output.line(status === undefined ? 'No jobs.' : `No jobs that are ${status}.`);
      return EXIT.ok;
    }
    const nowMs = io.nowMs();
    output.table(
      HEADING,
      answer.requests.map((job) => rowOf(job, nowMs)),
    );
    if (answer.has_more) output.note('There are more; --limit shows them.');
    return EXIT.ok;
  },
});

function rowOf(job: JobItem, nowMs: number): Cell[] {
  return [
    { text: job.id },
    { text: job.status, colour: jobColour(job.status) },
    { text: job.createdAt === undefined ? '-' : spanText(nowMs - job.createdAt) },
    { text: timeText(job.delayTime) },
    { text: timeText(job.executionTime) },
    { text: job.workerId ?? '-' },
    { text: job.error === undefined ? '' : errorText(job.error).slice(0, 100) },
  ];
}
