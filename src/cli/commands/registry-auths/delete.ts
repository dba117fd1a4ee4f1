import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';

export const registryAuthsDelete = defineCommand({
  name: 'registry-auths delete',
  summary: 'delete a registry credential that nothing uses',
  arguments: { credential: 'id of the credential' },
  options: {},
  examples: ['pilotlight registry-auths delete a3kq90zptx1m'],
  async run({ client, output, options, arguments: { credential: id } }) {
    const answer = await client.call('deleteRegistryAuth', { path: { registry_auth_id: id } });
    if (options.json) output.json(answer);
    else output.line(`Deleted registry credential ${id}.`);
    output.warnings(options.json ? undefined : answer.warnings);
    return EXIT.ok;
  },
});
