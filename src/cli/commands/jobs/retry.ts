import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import { watchJob } from '../../job-watch.ts';

export const jobsRetry = defineCommand({
  name: 'jobs retry',
  summary: 'run a job that failed or timed out once more, under its id',
  arguments: { endpoint: 'id of the endpoint', job: 'id of the job' },
  options: { wait: { kind: 'flag', description: 'follow it to its end' } },
  examples: ['pilotlight jobs retry ezt9nyhhtwwe JOB --wait'],
  async run({ client, io, output, options, arguments: { endpoint, job: jobId } }) {
    const job = await client.call('retryJob', { path: { endpoint, job_id: jobId } });
    if (options.wait) return await watchJob({ client, io, output, endpoint, jobId, json: options.json });
    if (options.json) output.json(job);
    else output.line(`${jobId} waits again`);
    return EXIT.ok;
  },
});
