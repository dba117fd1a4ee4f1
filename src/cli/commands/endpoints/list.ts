import type { Endpoint } from '../../../client/schema.ts';
import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import { spanText, stateColour } from '../../output.ts';
import type { Cell } from '../../output.ts';

const DEFAULT_LIMIT = 100;
/** The most the server gives in one page. */
const PAGE_LIMIT = 1000;

export const endpointsList = defineCommand({
  name: 'endpoints list',
  summary: 'list endpoints',
  arguments: {},
  options: {
    keyword: {
      kind: 'text',
      value: 'TEXT',
      description: 'only those whose id, name or app name contains it',
    },
    limit: { kind: 'integer', value: 'N', description: `most endpoints shown (${DEFAULT_LIMIT})` },
  },
  examples: ['pilotlight endpoints list --keyword chat', 'pilotlight endpoints list --json'],
  async run({ client, io, output, options }) {
    const limit = Math.max(1, options.limit ?? DEFAULT_LIMIT);
    const endpoints: Endpoint[] = [];
    let cursor = '';
    let more = true;
    while (more && endpoints.length < limit) {
      const page = await client.call('listEndpoints', {
        query: {
          limit: Math.min(limit - endpoints.length, PAGE_LIMIT),
          cursor,
          ...(options.keyword === undefined ? {} : { keyword: options.keyword }),
        },
      });
      endpoints.push(...page.data);
      cursor = page.next_cursor;
      more = page.has_more && cursor !== '';
    }
    if (options.json) output.json(endpoints);
    else if (endpoints.length === 0) output.line('No endpoints. Make one with: pilotlight endpoints create');
    else
      output.table(
        HEADING,
        endpoints.map((endpoint) => rowOf(endpoint, io.nowMs())),
      );
    if (more) output.note(`More endpoints exist; --limit shows more than ${limit}.`);
    return EXIT.ok;
  },
});

const HEADING = ['ID', 'NAME', 'STATUS', 'READY', 'MIN-MAX', 'PRODUCT', 'AGE', 'IMAGE'];

function rowOf(endpoint: Endpoint, nowMs: number): Cell[] {
  const { status, workers, worker_config: config } = endpoint;
  const ready = workers.filter((worker) => worker.status.status === 'ready').length;
  return [
    { text: endpoint.id },
    { text: endpoint.name },
    { text: status.status, colour: stateColour(status.status) },
    { text: `${ready}/${workers.length}` },
    { text: `${config.min_replicas}-${config.max_replicas}` },
    { text: endpoint.product_id },
    { text: spanText(nowMs - endpoint.created_at * 1000) },
    { text: endpoint.image },
  ];
}
