import { CHANGE_OPTIONS } from '../../change-flags.ts';
import { defineCommand } from '../../define-command.ts';
import { given } from '../../endpoint-flags.ts';
import { EXIT } from '../../io.ts';

export const endpointsDelete = defineCommand({
  name: 'endpoints delete',
  summary: 'delete an endpoint; running requests finish',
  arguments: { endpoint: 'id of the endpoint' },
  options: { 'if-match': CHANGE_OPTIONS['if-match'] },
  examples: ['pilotlight endpoints delete ezt9nyhhtwwe'],
  async run({ client, output, options, arguments: { endpoint: id } }) {
    const answer = await client.call('deleteEndpoint', {
      path: { endpoint_id: id },
      header: given({ 'if-match': options['if-match'] }),
    });
    if (options.json) output.json(answer);
    else output.line(`Deleted endpoint ${id}; its workers stop once their requests are done.`);
    return EXIT.ok;
  },
});
