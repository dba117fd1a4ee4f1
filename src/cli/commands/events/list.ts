import type { EndpointEvent } from '../../../client/schema.ts';
import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import { printable, type Output } from '../../output.ts';

const POLL_MS = 500;
/** The most the server gives at a time. */
const PAGE_LIMIT = 500;

export const eventsList = defineCommand({
  name: 'events list',
  impliedVerb: true,
  summary: 'tell what was decided about an endpoint, and why',
  details:
    'The last 500 since the server was started. --json prints one event a line with --follow, else a list.',
  arguments: { endpoint: 'id of the endpoint' },
  options: {
    follow: { kind: 'flag', description: 'go on as more happens, until it is interrupted' },
    kind: {
      kind: 'texts',
      value: 'KIND',
      description: 'only these: scale, rollout, guard, eviction, backoff, worker, order',
    },
  },
  examples: ['pilotlight events ezt9nyhhtwwe --follow', 'pilotlight events ezt9nyhhtwwe --kind guard'],
  async run({ client, io, output, options, arguments: { endpoint: id } }) {
    const wanted = ({ kind }: EndpointEvent): boolean =>
      options.kind.length === 0 || options.kind.includes(kind);
    let after: number | undefined;
    const read = async (): Promise<readonly EndpointEvent[]> => {
      const events: EndpointEvent[] = [];
      for (;;) {
        const query = { limit: PAGE_LIMIT, ...(after === undefined ? {} : { after }) };
        const page = await client.call('listEvents', { path: { endpoint_id: id }, query });
        events.push(...page.data);
        after = page.last_id ?? after;
        if (!page.has_more) return events.filter(wanted);
      }
    };
    const first = await read();
    if (options.json && !options.follow) {
      output.json(first);
      return EXIT.ok;
    }
    tell(first, options.json, output);
    while (options.follow) {
      await io.sleep(POLL_MS);
      tell(await read(), options.json, output);
    }
    return EXIT.ok;
  },
});

function tell(events: readonly EndpointEvent[], json: boolean, output: Output): void {
  for (const event of events) output.line(json ? JSON.stringify(event) : lineOf(event));
}

function lineOf({ at, kind, code, message, revision, worker_id: workerId }: EndpointEvent): string {
  const time = new Date(at * 1_000).toISOString().replace('T', ' ').slice(0, 23);
  const about = [revision === null ? '' : `revision ${revision}`, workerId ?? ''].filter(
    (text) => text !== '',
  );
  const subject = about.length === 0 ? '' : `${about.join(', ')}: `;
  return `${time}  ${`${kind} ${code}`.padEnd(26)}  ${printable(subject + message)}`;
}
