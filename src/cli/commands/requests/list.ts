import type { RequestTimeline } from '../../../client/schema.ts';
import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import type { Cell } from '../../output.ts';

const HEADING = ['ID', 'AGE', 'WAITED', 'FIRST BYTE', 'TOTAL', 'REVISION', 'WORKER', 'END', 'REQUEST'];

export const requestsList = defineCommand({
  name: 'requests list',
  impliedVerb: true,
  summary: "show an endpoint's requests: those that go on, and the last that ended",
  details:
    'WAITED is until a worker had it, FIRST BYTE from then on. At most 100 that ended are kept, in memory.',
  arguments: { endpoint: 'id of the endpoint' },
  options: { limit: { kind: 'integer', value: 'N', description: 'how many at most (100)' } },
  examples: ['pilotlight requests ezt9nyhhtwwe --limit 20'],
  async run({ client, io, output, options, arguments: { endpoint: id } }) {
    const query = options.limit === undefined ? {} : { limit: options.limit };
    const answer = await client.call('listRequests', { path: { endpoint_id: id }, query });
    if (options.json) {
      output.json(answer);
      return EXIT.ok;
    }
    const nowMs = io.nowMs();
    if (answer.data.length > 0)
      output.table(
        HEADING,
        answer.data.map((request) => rowOf(request, nowMs / 1_000)),
      );
    else output.line('No request since the server was started.');
    if (answer.wait_for !== '') output.note(`Those that wait: ${answer.wait_for}.`);
    return EXIT.ok;
  },
});

function rowOf(request: RequestTimeline, now: number): Cell[] {
  const { arrived_at: arrived, started_at: started, first_byte_at: firstByte, ended_at: ended } = request;
  return [
    { text: request.id },
    { text: span(now - arrived) },
    {
      text:
        span((started ?? ended ?? now) - arrived) +
        (request.wait_reason === null ? '' : ` ${request.wait_reason}`),
    },
    { text: firstByte === null || started === null ? '-' : span(firstByte - started) },
    { text: span((ended ?? now) - arrived) },
    { text: request.revision === null ? '-' : String(request.revision) },
    { text: request.worker_id ?? '-' },
    endOf(request),
    { text: `${request.method} ${request.path}` },
  ];
}

function endOf({ outcome, status, started_at: started }: RequestTimeline): Cell {
  if (outcome === null) return { text: started === null ? 'waits' : 'runs', colour: 'yellow' };
  const text = status === null ? outcome : `${outcome} ${status}`;
  const good = outcome === 'complete' && (status ?? 0) < 500;
  return { text, colour: good ? 'green' : 'red' };
}

/** "350ms", "1.2s", or whole seconds from a hundred on. */
function span(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1_000)}ms`;
  return seconds < 100 ? `${seconds.toFixed(1)}s` : `${Math.round(seconds)}s`;
}
