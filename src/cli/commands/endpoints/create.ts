import type { EndpointCreateBody } from '../../../client/schema.ts';
import { readBody } from '../../body-file.ts';
import { CHANGE_OPTIONS } from '../../change-flags.ts';
import { defineCommand } from '../../define-command.ts';
import { bodyOfOptions, ENDPOINT_OPTIONS, given } from '../../endpoint-flags.ts';
import { EXIT, UsageError } from '../../io.ts';
import { printable } from '../../output.ts';

export const endpointsCreate = defineCommand({
  name: 'endpoints create',
  summary: 'make an endpoint',
  details: 'At least --name, --product, --image and --max are needed, here or in --file.',
  arguments: {},
  options: {
    type: { kind: 'text', value: 'TYPE', description: 'sync (default) or async; never changed' },
    'app-name': { kind: 'text', value: 'NAME', description: 'part of the host name; never changed' },
    ...ENDPOINT_OPTIONS,
    'idempotency-key': CHANGE_OPTIONS['idempotency-key'],
  },
  examples: [
    'pilotlight endpoints create --name echo --product cpu --image host:examples/echo \\',
    "    --command 'node server.ts' --health-path /healthz --max 3 --concurrency 4",
    'pilotlight endpoints create --file endpoint.json --max 2',
  ],
  async run({ client, io, output, options }) {
    const base = await readBody(options.file, io);
    const { type, 'app-name': appName } = options;
    const body = {
      type: 'sync',
      ...bodyOfOptions(options, base, null),
      ...(type === undefined ? {} : { type }),
      ...(appName === undefined ? {} : { app_name: appName }),
    };
    if (Object.keys(body).length === 1) throw new UsageError('say what to make, by options or by --file');
    // What is missing or wrong is the server's to say: it tells all of it at once.
    const answer = await client.call('createEndpoint', {
      header: given({ 'idempotency-key': options['idempotency-key'] }),
      body: body as EndpointCreateBody,
    });
    if (options.json) {
      output.json(answer);
      return EXIT.ok;
    }
    const { name, url } = await client.call('getEndpoint', { path: { endpoint_id: answer.id } });
    output.line(`Created endpoint ${answer.id} (${printable(name)}).`);
    output.line(`Send requests to ${printable(url)}`);
    output.warnings(answer.warnings);
    return EXIT.ok;
  },
});
