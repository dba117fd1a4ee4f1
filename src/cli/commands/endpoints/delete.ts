import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';

export const endpointsDelete = defineCommand({
  name: 'endpoints delete',
  summary: 'delete an endpoint; running requests finish',
  arguments: { endpoint: 'id of the endpoint' },
  options: {},
  examples: ['pilotlight endpoints delete 3f9c2a71d04b5e68'],
  async run({ client, output, options, arguments: { endpoint: id } }) {
    const answer = await client.call('deleteEndpoint', { path: { endpoint_id: id } });
    if (options.json) output.json(answer);
    else output.line(`Deleted endpoint ${id}; its workers stop once their requests are done.`);
    return EXIT.ok;
  },
});
