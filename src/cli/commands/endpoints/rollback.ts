import { CHANGE_OPTIONS, ROLLOUT_OPTIONS } from '../../change-flags.ts';
import { defineCommand } from '../../define-command.ts';
import { applyChange } from '../../endpoint-change.ts';
import { revisionNumber } from '../../revision-number.ts';

export const endpointsRollback = defineCommand({
  name: 'endpoints rollback',
  summary: 'bring a former revision back, as a rollout like any other',
  details: 'The settings stay as they are, unless --settings asks for those the revision was made with.',
  arguments: { endpoint: 'id of the endpoint', revision: 'number of the revision, see revisions list' },
  options: {
    settings: { kind: 'flag', description: 'also bring back the settings it was made with' },
    ...CHANGE_OPTIONS,
    ...ROLLOUT_OPTIONS,
  },
  examples: ['pilotlight endpoints rollback ezt9nyhhtwwe 4 --watch'],
  async run({ client, io, output, options, arguments: { endpoint: id, revision } }) {
    const body = { revision: revisionNumber(revision), settings: options.settings };
    const before = await client.call('getEndpoint', { path: { endpoint_id: id } });
    return await applyChange({
      client,
      io,
      output,
      options,
      before,
      send: async (header, query) =>
        client.call('rollbackEndpoint', { path: { endpoint_id: id }, query, header, body }),
    });
  },
});
