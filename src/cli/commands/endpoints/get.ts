import type { Endpoint } from '../../../client/schema.ts';
import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import { stateColour } from '../../output.ts';
import type { Cell, Output } from '../../output.ts';

export const endpointsGet = defineCommand({
  name: 'endpoints get',
  summary: 'show one endpoint',
  arguments: { endpoint: 'id of the endpoint' },
  options: {},
  examples: ['pilotlight endpoints get ezt9nyhhtwwe'],
  async run({ client, output, options, arguments: { endpoint: id } }) {
    const endpoint = await client.call('getEndpoint', { path: { endpoint_id: id } });
    if (options.json) output.json(endpoint);
    else show(endpoint, output);
    return EXIT.ok;
  },
});

function show(endpoint: Endpoint, output: Output): void {
  const rows = factsOf(endpoint).filter(([, cell]) => cell.text !== '');
  for (const line of output.aligned(rows.map(([name, cell]) => [{ text: name, colour: 'dim' }, cell]))) {
    output.line(line);
  }
  if (endpoint.workers.length === 0) return;
  output.line();
  output.table(
    ['WORKER', 'STATE', 'REVISION', 'REASON'],
    endpoint.workers.map(({ id, status, revision }) => [
      { text: id },
      { text: status.status, colour: stateColour(status.status) },
      { text: String(revision) },
      { text: status.message },
    ]),
  );
}

function factsOf(endpoint: Endpoint): [string, Cell][] {
  const { worker_config: config, status, policy, health_check: health } = endpoint;
  const text = (name: string, value: string | number): [string, Cell] => [name, { text: String(value) }];
  return [
    text('id', endpoint.id),
    text('name', endpoint.name),
    text('app name', endpoint.app_name),
    text('type', endpoint.type),
    ['status', { text: status.status, colour: stateColour(status.status) }],
    text('message', status.message),
    text('revision', endpoint.revision),
    ...rolloutFacts(endpoint),
    text('url', endpoint.url),
    text('product', endpoint.product_id),
    text('region', endpoint.region_id),
    text('image', endpoint.image),
    text('registry auth', endpoint.registry_auth_id),
    text('entrypoint', endpoint.entrypoint),
    text('command', endpoint.command),
    text('ports', endpoint.ports.join(', ')),
    text(
      'health check',
      health.path === '' ? 'the port accepts' : `GET ${health.path} on ${health.port || 'the first port'}`,
    ),
    text('workers', `${config.min_replicas} to ${config.max_replicas}`),
    text('GPUs per worker', config.gpu_num),
    text('concurrency', `${config.max_concurrent_per_worker} requests per worker`),
    text('policy', `${policy.type}:${policy.value}`),
    text('idle timeout', `${config.idle_timeout} s`),
    text('request timeout', `${config.request_timeout} s`),
    text('disk', `${config.rootfs_size_gb} GB`),
    text('CUDA at least', config.min_cuda_version),
    ...endpoint.volumes.map((volume) =>
      text('volume', `${volume.id} at ${volume.mount_point} (${volume.type})`),
    ),
    ...endpoint.envs.map(({ key, value }) => text('env', `${key}=${value}`)),
    text('created', new Date(endpoint.created_at * 1000).toISOString()),
    text('etag', endpoint.etag),
  ];
}

function rolloutFacts({ rollout, status }: Endpoint): [string, Cell][] {
  if (rollout === null) return [];
  const { state, from_revision: from, to_revision: to, mode, message } = rollout;
  const way = mode === null ? '' : ` (${mode})`;
  return [
    ['rollout', { text: `${state}, revision ${from} to ${to}${way}`, colour: stateColour(state) }],
    // What the endpoint's own message says already is not said twice.
    ['rollout message', { text: status.message.includes(message) ? '' : message }],
  ];
}
