import type { Endpoint, EndpointUpdateBody } from '../../../client/schema.ts';
import { readBody } from '../../body-file.ts';
import { CHANGE_OPTIONS, ROLLOUT_OPTIONS } from '../../change-flags.ts';
import { defineCommand } from '../../define-command.ts';
import { applyChange } from '../../endpoint-change.ts';
import { bodyOfOptions, ENDPOINT_OPTIONS } from '../../endpoint-flags.ts';
import type { EndpointBody, EndpointOptions } from '../../endpoint-flags.ts';
import { UsageError } from '../../io.ts';

export const endpointsUpdate = defineCommand({
  name: 'endpoints update',
  summary: 'change an endpoint; new workers replace the old ones and no request is lost',
  details:
    '--env changes or adds one variable and keeps the others; --port and --volume replace the whole list.\n' +
    'An empty --command, --entrypoint or --registry-auth clears it.\n' +
    'On a terminal it shows the plan and asks first, unless --yes is given.',
  arguments: { endpoint: 'id of the endpoint' },
  options: {
    ...ENDPOINT_OPTIONS,
    'unset-env': { kind: 'texts', value: 'KEY', description: 'environment variable to remove' },
    'no-env': { kind: 'flag', description: 'remove the present variables' },
    'no-port': { kind: 'flag', description: 'remove the present ports' },
    'no-volume': { kind: 'flag', description: 'remove the present volumes' },
    ...CHANGE_OPTIONS,
    ...ROLLOUT_OPTIONS,
  },
  examples: [
    "pilotlight endpoints update ezt9nyhhtwwe --command 'node server-2.ts' --watch",
    'pilotlight endpoints update ezt9nyhhtwwe --env GREETING=hi --max 5 --plan',
  ],
  async run({ client, io, output, options, arguments: { endpoint: id } }) {
    const base = await readBody(options.file, io);
    const before = await client.call('getEndpoint', { path: { endpoint_id: id } });
    const body = updateBody(options, base, before);
    if (Object.keys(body).length === 0) throw new UsageError('say what to change, by options or by --file');
    // What is wrong in it is the server's to say: it tells all of it at once.
    return await applyChange({
      client,
      io,
      output,
      options,
      before,
      send: async (header, query) =>
        client.call('updateEndpoint', {
          path: { endpoint_id: id },
          query,
          header,
          body: body as EndpointUpdateBody,
        }),
    });
  },
});

interface Clearing {
  readonly 'unset-env': readonly string[];
  readonly 'no-env': boolean;
  readonly 'no-port': boolean;
  readonly 'no-volume': boolean;
}

function updateBody(options: EndpointOptions & Clearing, base: EndpointBody, before: Endpoint): EndpointBody {
  const cleared: EndpointBody = {
    ...base,
    ...(options['no-env'] ? { envs: [] } : {}),
    ...(options['no-port'] ? { ports: [] } : {}),
    ...(options['no-volume'] ? { volumes: [] } : {}),
  };
  const unset = options['unset-env'];
  if (unset.length === 0) return bodyOfOptions(options, cleared, before);
  const present = cleared.envs ?? before.envs;
  const unknown = unset.find((key) => !present.some((variable) => variable.key === key));
  if (unknown !== undefined) throw new UsageError(`--unset-env: the endpoint has no variable "${unknown}"`);
  const envs = present.filter((variable) => !unset.includes(variable.key));
  return bodyOfOptions(options, { ...cleared, envs }, before);
}
