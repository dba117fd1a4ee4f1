import type { RevisionItem } from '../../../client/schema.ts';
import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import { spanText, stateColour } from '../../output.ts';
import type { Cell } from '../../output.ts';

const HEADING = ['REVISION', 'OUTCOME', 'WORKERS', 'AGE', 'BY', 'CHANGED'];
/** More than an endpoint keeps. */
const PAGE_LIMIT = 1000;

export const revisionsList = defineCommand({
  name: 'revisions list',
  summary: "list an endpoint's revisions, newest first",
  arguments: { endpoint: 'id of the endpoint' },
  options: {},
  examples: ['pilotlight revisions list ezt9nyhhtwwe'],
  async run({ client, io, output, options, arguments: { endpoint: id } }) {
    const { data } = await client.call('listRevisions', {
      path: { endpoint_id: id },
      query: { limit: PAGE_LIMIT },
    });
    if (options.json) output.json(data);
    else
      output.table(
        HEADING,
        data.map((revision) => rowOf(revision, io.nowMs())),
      );
    return EXIT.ok;
  },
});

function rowOf(item: RevisionItem, nowMs: number): Cell[] {
  return [
    { text: String(item.revision) },
    { text: item.outcome, colour: stateColour(item.outcome) },
    { text: String(item.workers) },
    { text: spanText(nowMs - item.created_at * 1000) },
    { text: item.created_by ?? '-' },
    { text: changeText(item) },
  ];
}

function changeText({ revision, from_revision: from, restores, changed, failure }: RevisionItem): string {
  const fields =
    changed === null ? (revision === 1 ? 'first' : 'not known') : Object.keys(changed).join(', ');
  const origin = from === null || from === revision - 1 ? '' : ` (from ${from})`;
  const back = restores === null ? '' : `revision ${restores} again: `;
  return `${back}${fields}${origin}${failure === '' ? '' : `; failed: ${failure}`}`;
}
