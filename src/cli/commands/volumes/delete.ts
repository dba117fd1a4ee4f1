import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import { printable } from '../../output.ts';

export const volumesDelete = defineCommand({
  name: 'volumes delete',
  summary: 'delete a network volume that nothing uses, and all its data',
  arguments: { volume: 'id of the volume' },
  options: { yes: { kind: 'flag', description: 'do not ask' } },
  examples: ['pilotlight volumes delete v8x02mdkq1zs'],
  async run({ client, io, output, options, arguments: { volume: id } }) {
    if (io.stdout.isTty && io.stdinIsTty && !options.yes && !options.json) {
      const { name, size } = await client.call('getNetworkVolume', { path: { volume_id: id } });
      const answer = await io.ask(
        `Delete volume ${id} (${printable(name)}, ${size} GB) and all its data? [y/N] `,
      );
      if (!/^y(es)?$/i.test(answer.trim())) {
        output.note('Nothing was deleted.');
        return EXIT.failed;
      }
    }
    const answer = await client.call('deleteNetworkVolume', { path: { volume_id: id } });
    if (options.json) output.json(answer);
    else output.line(`Deleted network volume ${id}.`);
    output.warnings(options.json ? undefined : answer.warnings);
    return EXIT.ok;
  },
});
