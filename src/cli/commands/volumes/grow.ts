import { defineCommand } from '../../define-command.ts';
import { EXIT, UsageError } from '../../io.ts';

export const volumesGrow = defineCommand({
  name: 'volumes grow',
  summary: 'make a network volume larger, or rename it',
  details: 'A volume never gets smaller. Workers that run keep running.',
  arguments: { volume: 'id of the volume' },
  options: {
    size: { kind: 'integer', value: 'GB', description: 'the new size' },
    name: { kind: 'text', value: 'TEXT', description: 'a new name' },
  },
  examples: ['pilotlight volumes grow v8x02mdkq1zs --size 400'],
  async run({ client, output, options, arguments: { volume: id } }) {
    const { size, name } = options;
    if (size === undefined && name === undefined)
      throw new UsageError('say what to change: --size or --name');
    await client.call('updateNetworkVolume', {
      path: { volume_id: id },
      body: { ...(size === undefined ? {} : { size }), ...(name === undefined ? {} : { name }) },
    });
    const volume = await client.call('getNetworkVolume', { path: { volume_id: id } });
    if (options.json) output.json(volume);
    else output.line(`Network volume ${id} has ${volume.size} GB.`);
    return EXIT.ok;
  },
});
