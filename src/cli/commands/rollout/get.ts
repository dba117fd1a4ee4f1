import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import { showRollout } from '../../rollout-page.ts';

export const rolloutGet = defineCommand({
  name: 'rollout get',
  summary: 'show the running rollout, or the last one, with what it waits for',
  arguments: { endpoint: 'id of the endpoint' },
  options: {},
  examples: ['pilotlight rollout get ezt9nyhhtwwe'],
  async run({ client, output, options, arguments: { endpoint: id } }) {
    const rollout = await client.call('getRollout', { path: { endpoint_id: id } });
    if (options.json) output.json(rollout);
    else showRollout(rollout, output);
    return EXIT.ok;
  },
});
