import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import { showJob } from '../../job-page.ts';

export const jobsStatus = defineCommand({
  name: 'jobs status',
  summary: 'show a job, with its output or its progress',
  arguments: { endpoint: 'id of the endpoint', job: 'id of the job' },
  options: {},
  examples: ['pilotlight jobs status ezt9nyhhtwwe JOB'],
  async run({ client, output, options, arguments: { endpoint, job: jobId } }) {
    const path = { endpoint, job_id: jobId };
    const job = await client.call('getJob', { path, query: {} }, { exactNumbers: true });
    if (options.json) output.json(job);
    else showJob(job, output);
    return EXIT.ok;
  },
});
