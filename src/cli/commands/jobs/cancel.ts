import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';

export const jobsCancel = defineCommand({
  name: 'jobs cancel',
  summary: 'cancel a job; one that runs is stopped on its worker',
  arguments: { endpoint: 'id of the endpoint', job: 'id of the job' },
  options: {},
  examples: ['pilotlight jobs cancel ezt9nyhhtwwe JOB'],
  async run({ client, output, options, arguments: { endpoint, job: jobId } }) {
    const path = { endpoint, job_id: jobId };
    const job = await client.call('cancelJob', { path }, { exactNumbers: true });
    if (options.json) output.json(job);
    else
      output.line(job.status === 'CANCELLED' ? `${jobId} is cancelled` : `${jobId} had ended: ${job.status}`);
    return EXIT.ok;
  },
});
