import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import { readJobInput } from '../../job-input.ts';
import { watchJob } from '../../job-watch.ts';

export const jobsRun = defineCommand({
  name: 'jobs run',
  summary: 'run a job on an async endpoint',
  details: 'Prints the id of the job; with --wait its progress, and its output once it has ended.',
  arguments: { endpoint: 'id of the endpoint' },
  options: {
    input: { kind: 'text', value: 'JSON', description: 'the input of the job' },
    'input-file': {
      kind: 'text',
      value: 'FILE',
      description: 'file with the input; - for the standard input',
    },
    wait: { kind: 'flag', description: 'follow it to its end' },
    timeout: {
      kind: 'integer',
      value: 'SECONDS',
      description: 'longest run (request_timeout of the endpoint)',
    },
    ttl: { kind: 'integer', value: 'SECONDS', description: 'longest wait for a worker (a day)' },
    'low-priority': { kind: 'flag', description: 'take it only while no other job waits' },
    webhook: { kind: 'text', value: 'URL', description: 'address that is told of its end' },
    'idempotency-key': { kind: 'text', value: 'KEY', description: 'run it once, however often it is sent' },
  },
  examples: [
    `pilotlight jobs run ezt9nyhhtwwe --input '{"text": "hello"}' --wait`,
    'pilotlight jobs run ezt9nyhhtwwe --input-file prompt.json',
    "jq -n '{seed: 7}' | pilotlight jobs run ezt9nyhhtwwe --wait > output.json",
  ],
  async run({ client, io, output, options, arguments: { endpoint } }) {
    const input = await readJobInput(options, io);
    const policy = {
      ...(options.timeout === undefined ? {} : { executionTimeout: options.timeout * 1_000 }),
      ...(options.ttl === undefined ? {} : { ttl: options.ttl * 1_000 }),
      ...(options['low-priority'] ? { lowPriority: true } : {}),
    };
    const job = await client.call('runJob', {
      path: { endpoint },
      header:
        options['idempotency-key'] === undefined ? {} : { 'idempotency-key': options['idempotency-key'] },
      body: {
        input,
        ...(options.webhook === undefined ? {} : { webhook: options.webhook }),
        ...(Object.keys(policy).length === 0 ? {} : { policy }),
      },
    });
    if (options.wait) {
      return await watchJob({ client, io, output, endpoint, jobId: job.id, json: options.json });
    }
    if (options.json) output.json(job);
    else output.line(job.id);
    return EXIT.ok;
  },
});
