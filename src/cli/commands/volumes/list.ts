import { allPages } from '../../all-pages.ts';
import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import { spanText } from '../../output.ts';
import { usersText } from '../../resource-users.ts';

export const volumesList = defineCommand({
  name: 'volumes list',
  summary: 'list network volumes',
  arguments: {},
  options: {},
  examples: [],
  async run({ client, io, output, options }) {
    const volumes = await allPages(async (query) => client.call('listNetworkVolumes', { query }));
    if (options.json) output.json(volumes);
    else if (volumes.length === 0)
      output.line('No network volumes. Make one with: pilotlight volumes create');
    else
      output.table(
        ['ID', 'NAME', 'SIZE', 'REGION', 'AGE', 'USED BY'],
        volumes.map((volume) => [
          { text: volume.id },
          { text: volume.name },
          { text: `${volume.size} GB` },
          { text: volume.region_id },
          { text: spanText(io.nowMs() - volume.created_at * 1000) },
          { text: usersText(volume.used_by) },
        ]),
      );
    return EXIT.ok;
  },
});
