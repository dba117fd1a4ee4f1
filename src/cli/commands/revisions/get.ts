import { defineCommand } from '../../define-command.ts';
import { changeRows } from '../../field-changes.ts';
import { EXIT } from '../../io.ts';
import { stateColour } from '../../output.ts';
import type { Cell } from '../../output.ts';
import { revisionNumber } from '../../revision-number.ts';

export const revisionsGet = defineCommand({
  name: 'revisions get',
  summary: 'show one revision: its fields, its settings, what it changed',
  arguments: { endpoint: 'id of the endpoint', revision: 'number of the revision' },
  options: {},
  examples: ['pilotlight revisions get ezt9nyhhtwwe 4'],
  async run({ client, output, options, arguments: { endpoint: id, revision } }) {
    const number = revisionNumber(revision);
    const shown = await client.call('getRevision', {
      path: { endpoint_id: id, revision: number },
    });
    if (options.json) {
      output.json(shown);
      return EXIT.ok;
    }
    const { spec, settings } = shown;
    const text = (name: string, value: unknown): [string, Cell] => [name, { text: valueText(value) }];
    const rows: [string, Cell][] = [
      text('revision', shown.revision),
      ['outcome', { text: shown.outcome, colour: stateColour(shown.outcome) }],
      text('digest', shown.image_digest),
      text('failure', shown.failure),
      text('made', new Date(shown.created_at * 1000).toISOString()),
      text('by', shown.created_by ?? ''),
      text('from', shown.from_revision ?? ''),
      text('restores', shown.restores ?? ''),
      text('workers', shown.workers),
      text('start time', shown.start_seconds === null ? '' : `${shown.start_seconds} s`),
      ...Object.entries({ ...spec, ...settings, worker_config: '' }).map(([name, value]) =>
        text(name, value),
      ),
      ...Object.entries({ ...settings?.worker_config, ...spec.worker_config }).map(([name, value]) =>
        text(name, value),
      ),
    ];
    const filled = rows.filter(([, cell]) => cell.text !== '');
    for (const line of output.aligned(filled.map(([name, cell]) => [{ text: name, colour: 'dim' }, cell]))) {
      output.line(line);
    }
    if (shown.changed !== null && Object.keys(shown.changed).length > 0) {
      output.line();
      output.table(['CHANGED', 'CLASS', 'BEFORE', 'AFTER'], changeRows(shown.changed));
    }
    return EXIT.ok;
  },
});

function valueText(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  return Array.isArray(value) && value.length === 0 ? '' : JSON.stringify(value);
}
