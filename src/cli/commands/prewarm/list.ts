import type { PrewarmTask } from '../../../client/schema.ts';
import { allPages } from '../../all-pages.ts';
import { defineCommand } from '../../define-command.ts';
import { EXIT, UsageError } from '../../io.ts';
import { spanText, stateColour, type Cell } from '../../output.ts';

const STATUSES = ['pending', 'running', 'succeeded', 'failed'] as const;

export const prewarmList = defineCommand({
  name: 'prewarm list',
  summary: 'list prewarm tasks, newest first',
  arguments: {},
  options: {
    status: { kind: 'text', value: 'STATUS', description: `only ${STATUSES.join(', ')}` },
  },
  examples: ['pilotlight prewarm list --status running'],
  async run({ client, io, output, options }) {
    const status = STATUSES.find((known) => known === options.status);
    if (options.status !== undefined && status === undefined)
      throw new UsageError(`--status is "${options.status}"; it is one of ${STATUSES.join(', ')}`);
    const tasks = await allPages(async (query) =>
      client.call('listPrewarmTasks', { query: { ...query, ...(status === undefined ? {} : { status }) } }),
    );
    tasks.reverse();
    if (options.json) output.json(tasks);
    else if (tasks.length === 0)
      output.line('No prewarm tasks. Start one with: pilotlight prewarm start IMAGE');
    else
      output.table(
        ['ID', 'STATUS', 'SIZE', 'AGE', 'IMAGE', 'MESSAGE'],
        tasks.map((task) => rowOf(task, io.nowMs())),
      );
    return EXIT.ok;
  },
});

function rowOf(task: PrewarmTask, nowMs: number): Cell[] {
  const { status, error, message } = task.status;
  return [
    { text: task.task_id },
    { text: status, colour: status === 'succeeded' ? 'green' : stateColour(status) },
    { text: task.image_size === 0 ? '-' : sizeText(task.image_size) },
    { text: spanText(nowMs - task.created_at * 1000) },
    { text: task.image },
    { text: error === '' ? message : error },
  ];
}

/** Bytes as disks count: 812 MB, 12.3 GB. */
export function sizeText(bytes: number): string {
  return bytes < 1_000_000_000
    ? `${Math.round(bytes / 1_000_000)} MB`
    : `${(bytes / 1_000_000_000).toFixed(1)} GB`;
}
