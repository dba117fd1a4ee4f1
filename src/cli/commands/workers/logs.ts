import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import { LogReader } from '../../log-reader.ts';
import { workerEnded } from './list.ts';

const POLL_MS = 500;

export const workersLogs = defineCommand({
  name: 'workers logs',
  summary: 'print what a worker wrote, also after its end',
  arguments: { endpoint: 'id of the endpoint', worker: 'id of the worker, see workers list' },
  options: {
    follow: { kind: 'flag', description: 'go on as more is written, until the worker ends' },
    tail: { kind: 'integer', value: 'BYTES', description: 'how much of the end is printed (65536)' },
  },
  examples: ['pilotlight workers logs ezt9nyhhtwwe z1rfka6tq0zs --follow'],
  async run({ client, io, output, options, arguments: { endpoint: endpointId, worker: workerId } }) {
    const reader = new LogReader(client, endpointId, workerId);
    const first = await reader.read(options.tail);
    if (options.json) {
      output.json({ text: first.text, dropped_bytes: first.skippedBytes });
      return EXIT.ok;
    }
    output.raw(first.text);
    let running = options.follow;
    while (running) {
      await io.sleep(POLL_MS);
      // Asked before the log is read, so that what it wrote last is read after its end.
      const { data } = await client.call('listWorkers', { path: { endpoint_id: endpointId } });
      running = data.some((worker) => worker.id === workerId && !workerEnded(worker));
      const { text, skippedBytes } = await reader.read();
      if (skippedBytes > 0) output.note(`(${skippedBytes} bytes written too fast to be shown)`);
      output.raw(text);
    }
    return EXIT.ok;
  },
});
