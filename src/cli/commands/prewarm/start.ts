import type { Client } from '../../../client/client.ts';
import { ClientError } from '../../../client/client-error.ts';
import type { PrewarmTask } from '../../../client/schema.ts';
import { allPages } from '../../all-pages.ts';
import { defineCommand } from '../../define-command.ts';
import { EXIT } from '../../io.ts';
import { printable } from '../../output.ts';
import { sizeText } from './list.ts';

const POLL_MS = 1_000;

export const prewarmStart = defineCommand({
  name: 'prewarm start',
  summary: 'bring an image onto the machine before a worker needs it',
  arguments: { image: 'reference of the image' },
  options: {
    region: { kind: 'text', value: 'REGION', description: 'where it is to be (local)' },
    'registry-auth': { kind: 'text', value: 'ID', description: 'saved credential of its registry' },
    name: { kind: 'text', value: 'TEXT', description: 'for people' },
    note: { kind: 'text', value: 'TEXT', description: 'for people' },
    watch: { kind: 'flag', description: 'wait for its end and tell how far it is' },
  },
  examples: ['pilotlight prewarm start ghcr.io/owner/model:2 --registry-auth a3kq90zptx1m --watch'],
  async run({ client, io, output, options, arguments: { image } }) {
    const { region = 'local', 'registry-auth': auth, name, note } = options;
    const answer = await client.call('createPrewarmTask', {
      body: {
        image,
        region_id: region,
        ...(auth === undefined ? {} : { registry_auth_id: auth }),
        ...(name === undefined ? {} : { name }),
        ...(note === undefined ? {} : { note }),
      },
    });
    if (!options.watch) {
      if (options.json) output.json(answer);
      else output.line(`Prewarm task ${answer.task_id} is under way; see it with: pilotlight prewarm list`);
      return EXIT.ok;
    }
    let told = '';
    for (;;) {
      const task = await taskOf(answer.task_id, client);
      const { status } = task.status;
      if (status === 'succeeded' || status === 'failed') {
        if (options.json) output.json(task);
        else if (status === 'failed') output.note(`error: ${printable(task.reason.join('; '))}`);
        else output.line(`The image is here: ${sizeText(task.image_size)}.`);
        return status === 'failed' ? EXIT.failed : EXIT.ok;
      }
      const text = task.status.message === '' ? status : `${status}: ${task.status.message}`;
      if (!options.json && text !== told) output.line(printable(text));
      told = text;
      await io.sleep(POLL_MS);
    }
  },
});

async function taskOf(id: string, client: Client): Promise<PrewarmTask> {
  const tasks = await allPages(async (query) => client.call('listPrewarmTasks', { query }));
  const found = tasks.find(({ task_id: taskId }) => taskId === id);
  if (found !== undefined) return found;
  throw new ClientError(`the server no longer knows prewarm task ${id}`, {
    status: 200,
    reason: 'BAD_ANSWER',
  });
}
