import type { Device } from '../../../client/schema.ts';
import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import type { Cell, Colour } from '../../output.ts';

const COLOURS: Readonly<Record<string, Colour>> = { free: 'green', usedByOthers: 'yellow', gone: 'red' };

export const devicesList = defineCommand({
  name: 'devices list',
  summary: 'list the GPUs of the machine, who holds them and who else uses them',
  arguments: {},
  options: {},
  examples: [],
  async run({ client, output, options }) {
    const answer = await client.call('listDevices', {});
    if (options.json) {
      output.json(answer);
      return EXIT.ok;
    }
    if (answer.data.length === 0) output.line('No GPUs. Workers of product cpu need none.');
    else
      output.table(['GPU', 'STATE', 'MEMORY', 'WORKER', 'NAME', 'ID', 'PROCESSES'], answer.data.map(rowOf));
    const versions = [
      answer.driver_version === null ? '' : `driver ${answer.driver_version}`,
      answer.cuda_version === null ? '' : `CUDA up to ${answer.cuda_version}`,
    ].filter((text) => text !== '');
    if (versions.length > 0) output.note(versions.join(', '));
    return EXIT.ok;
  },
});

function rowOf(device: Device): Cell[] {
  const { index, state, memory_mib: memoryMib, used_mib: usedMib, processes } = device;
  return [
    { text: index === null ? '-' : String(index) },
    { text: state, colour: COLOURS[state] },
    { text: memoryMib === 0 ? '-' : `${usedMib ?? '?'} of ${memoryMib} MiB` },
    { text: device.worker_id ?? '-' },
    { text: device.name },
    { text: device.id },
    { text: processes.map(({ pid, name }) => `${pid} ${name}`).join(', ') },
  ];
}
