import type { Worker } from '../../../client/schema.ts';
import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import { spanText, stateColour } from '../../output.ts';
import type { Cell } from '../../output.ts';
import { exitText, peakMemoryText } from './get.ts';

const HEADING = ['ID', 'STATE', 'REVISION', 'GPUS', 'STARTED IN', 'AGE'];
/** Of those that ended. */
const END_HEADING = ['EXIT', 'PEAK MEMORY'];

export const workersList = defineCommand({
  name: 'workers list',
  summary: "list an endpoint's workers",
  arguments: { endpoint: 'id of the endpoint' },
  options: { all: { kind: 'flag', description: 'also those that ended' } },
  examples: ['pilotlight workers list ezt9nyhhtwwe --all'],
  async run({ client, io, output, options, arguments: { endpoint: id } }) {
    const { data } = await client.call('listWorkers', { path: { endpoint_id: id } });
    const shown = options.all ? data : data.filter((worker) => !workerEnded(worker));
    if (options.json) {
      output.json(shown);
      return EXIT.ok;
    }
    if (shown.length > 0)
      output.table(
        [...HEADING, ...(options.all ? END_HEADING : []), 'REASON'],
        shown.map((worker) => [
          ...rowOf(worker, io.nowMs()),
          ...(options.all ? endOf(worker) : []),
          reasonOf(worker),
        ]),
      );
    else output.line('No workers. A request wakes one unless the endpoint is paused.');
    const hidden = data.length - shown.length;
    if (hidden > 0) output.note(`${hidden} ended not shown; --all shows them.`);
    return EXIT.ok;
  },
});

export function workerEnded({ status }: Worker): boolean {
  return status.status === 'stopped' || status.status === 'failed';
}

function rowOf(worker: Worker, nowMs: number): Cell[] {
  const { status, devices, started_at: startedAt, ready_at: readyAt } = worker;
  // The API counts whole seconds.
  const startedIn =
    startedAt === undefined || readyAt === undefined
      ? '-'
      : readyAt === startedAt
        ? '<1s'
        : `${readyAt - startedAt}s`;
  return [
    { text: worker.id },
    { text: status.status, colour: stateColour(status.status) },
    { text: String(worker.revision) },
    { text: devices.length === 0 ? '-' : devices.map(shortId).join(',') },
    { text: startedIn },
    { text: spanText(nowMs - worker.created_at * 1000) },
  ];
}

/** A UUID is told from the others of a machine by its first part. */
function shortId(device: string): string {
  return /^[A-Z]+-[0-9a-f]{8}(?=-)/.exec(device)?.[0] ?? device;
}

function endOf(worker: Worker): Cell[] {
  return [exitText(worker), peakMemoryText(worker)].map((text) => ({ text: text === '' ? '-' : text }));
}

function reasonOf({ status }: Worker): Cell {
  return { text: [status.error, status.message].filter((text) => text !== '').join(': ') };
}
