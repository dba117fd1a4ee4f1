import { defineCommand } from '../../define-command.ts';
import { watchJob } from '../../job-watch.ts';

export const jobsWatch = defineCommand({
  name: 'jobs watch',
  summary: 'follow a job to its end, and print its output',
  details: 'The parts of a streamed output are printed as they come, a line each.',
  arguments: { endpoint: 'id of the endpoint', job: 'id of the job' },
  options: {},
  examples: ['pilotlight jobs watch ezt9nyhhtwwe JOB'],
  async run({ client, io, output, options, arguments: { endpoint, job: jobId } }) {
    return await watchJob({ client, io, output, endpoint, jobId, json: options.json });
  },
});
