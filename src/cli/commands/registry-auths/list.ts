import { allPages } from '../../all-pages.ts';
import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import { spanText } from '../../output.ts';
import { usersText } from '../../resource-users.ts';

export const registryAuthsList = defineCommand({
  name: 'registry-auths list',
  summary: 'list saved registry credentials',
  arguments: {},
  options: {},
  examples: [],
  async run({ client, io, output, options }) {
    const auths = await allPages(async (query) => client.call('listRegistryAuths', { query }));
    if (options.json) output.json(auths);
    else if (auths.length === 0)
      output.line('No registry credentials. Save one with: pilotlight registry-auths create');
    else
      output.table(
        ['ID', 'NAME', 'REGISTRY', 'USERNAME', 'AGE', 'USED BY'],
        auths.map((auth) => [
          { text: auth.id },
          { text: auth.name },
          { text: auth.registry },
          { text: auth.username },
          { text: spanText(io.nowMs() - auth.created_at * 1000) },
          { text: usersText(auth.used_by) },
        ]),
      );
    return EXIT.ok;
  },
});
