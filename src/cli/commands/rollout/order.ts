import type { OperationName } from '../../../client/client.ts';
import { defineCommand, type Command } from '../../define-command.ts';
import { EXIT } from '../../io.ts';

type OrderName = Extract<OperationName, 'pauseRollout' | 'resumeRollout' | 'promoteRollout' | 'abortRollout'>;

function orderCommand(verb: string, operation: OrderName, summary: string, done: string): Command {
  return defineCommand({
    name: `rollout ${verb}`,
    summary,
    arguments: { endpoint: 'id of the endpoint' },
    options: {},
    examples: [`pilotlight rollout ${verb} ezt9nyhhtwwe`],
    async run({ client, output, options, arguments: { endpoint: id } }) {
      const rollout = await client.call(operation, { path: { endpoint_id: id } });
      if (options.json) output.json(rollout);
      else
        output.line(`The rollout to revision ${rollout.to_revision} ${done}; its state is ${rollout.state}.`);
      return EXIT.ok;
    },
  });
}

export const rolloutPause = orderCommand(
  'pause',
  'pauseRollout',
  'hold a rollout still; what serves goes on',
  'is paused',
);
export const rolloutResume = orderCommand('resume', 'resumeRollout', 'let a paused rollout go on', 'goes on');
export const rolloutPromote = orderCommand(
  'promote',
  'promoteRollout',
  'let a rollout go on without proof and guard',
  'goes on without proof',
);
export const rolloutAbort = orderCommand(
  'abort',
  'abortRollout',
  'go back to the former revision',
  'was told to go back',
);
