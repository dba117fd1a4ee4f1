import type { Worker } from '../../../client/schema.ts';
import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import { printable, stateColour, type Cell } from '../../output.ts';

export const workersGet = defineCommand({
  name: 'workers get',
  summary: 'show one worker; of an ended one how it ended, what it wrote and served last',
  arguments: { endpoint: 'id of the endpoint', worker: 'id of the worker, see workers list' },
  options: {},
  examples: ['pilotlight workers get ezt9nyhhtwwe z1rfka6tq0zs'],
  async run({ client, output, options, arguments: { endpoint: endpointId, worker: workerId } }) {
    const worker = await client.call('getWorker', {
      path: { endpoint_id: endpointId, worker_id: workerId },
    });
    if (options.json) {
      output.json(worker);
      return EXIT.ok;
    }
    const { status } = worker;
    const rows: (readonly [string, Cell])[] = [
      ['worker', { text: worker.id }],
      ['state', { text: status.status, colour: stateColour(status.status) }],
      ['reason', { text: status.message }],
      ['exit', { text: exitText(worker) }],
      ['peak memory', { text: peakMemoryText(worker) }],
      ['revision', { text: String(worker.revision) }],
      ['GPUs', { text: worker.devices.join(', ') }],
      ['created', { text: timeText(worker.created_at) }],
      ['started', { text: timeText(worker.started_at) }],
      ['ready', { text: timeText(worker.ready_at) }],
      ['ended', { text: timeText(worker.ended_at) }],
    ];
    const filled = rows.filter(([, cell]) => cell.text !== '');
    for (const line of output.aligned(filled.map(([name, cell]) => [{ text: name, colour: 'dim' }, cell])))
      output.line(line);
    const requests = worker.last_requests ?? [];
    if (requests.length > 0) {
      output.line();
      output.table(
        ['LAST REQUESTS', 'METHOD', 'PATH', 'STATUS', 'RAN', 'OUTCOME'],
        requests.map((request) => [
          { text: request.id },
          { text: request.method },
          { text: request.path },
          { text: String(request.status ?? '-') },
          { text: ranText(request.started_at, request.ended_at) },
          { text: request.outcome ?? '-' },
        ]),
      );
    }
    if (worker.last_output !== undefined) {
      output.line();
      output.line(output.paint('LAST OUTPUT', 'dim'));
      for (const line of worker.last_output.split('\n')) output.line(printable(line));
    }
    return EXIT.ok;
  },
});

/** In words; empty while it runs, and where nothing tells. */
export function exitText({ exit }: Worker): string {
  if (exit === undefined) return '';
  const { code, signal, out_of_memory: outOfMemory } = exit;
  const how = signal ?? (code === null ? '' : `code ${code}`);
  if (outOfMemory !== true) return how;
  return how === '' ? 'out of memory' : `out of memory (${how})`;
}

export function peakMemoryText({ exit }: Worker): string {
  const peakMib = exit?.peak_memory_mib ?? null;
  return peakMib === null ? '' : `${peakMib} MiB`;
}

function timeText(seconds: number | undefined): string {
  return seconds === undefined ? '' : new Date(seconds * 1_000).toISOString();
}

function ranText(startedAt: number | null, endedAt: number | null): string {
  return startedAt === null || endedAt === null ? '-' : `${Math.max(0, endedAt - startedAt).toFixed(2)}s`;
}
