import { defineCommand } from '../../define-command.ts';
import { EXIT, UsageError } from '../../io.ts';

export const volumesCreate = defineCommand({
  name: 'volumes create',
  summary: 'make a network volume, which outlives workers',
  arguments: {},
  options: {
    name: { kind: 'text', value: 'TEXT', description: 'for people' },
    size: { kind: 'integer', value: 'GB', description: 'what it is meant to hold' },
    region: {
      kind: 'text',
      value: 'REGION',
      description: 'where it is to be; the server chooses when left out',
    },
  },
  examples: ['pilotlight volumes create --name models --size 200'],
  async run({ client, output, options }) {
    const { name, size, region } = options;
    if (name === undefined) throw new UsageError('--name is missing');
    if (size === undefined) throw new UsageError('--size is missing');
    const answer = await client.call('createNetworkVolume', {
      body: { name, size, ...(region === undefined ? {} : { region_id: region }) },
    });
    if (options.json) output.json(answer);
    else
      output.line(
        `Made network volume ${answer.id}; mount it with --volume id=${answer.id},mount_point=/path`,
      );
    return EXIT.ok;
  },
});
