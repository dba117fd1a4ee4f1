import { defineCommand } from '../../define-command.ts';
import { EXIT, UsageError } from '../../io.ts';
import { printable } from '../../output.ts';
import { readSecret } from '../../secret-input.ts';

export const registryAuthsCreate = defineCommand({
  name: 'registry-auths create',
  summary: 'save a credential of an image registry',
  details:
    'The password is asked for, or read from the standard input; it is never an argument, where others could see it.',
  arguments: {},
  options: {
    name: { kind: 'text', value: 'TEXT', description: 'for people; the registry when left out' },
    registry: { kind: 'text', value: 'HOST', description: 'such as ghcr.io or registry.example:5000' },
    username: { kind: 'text', value: 'TEXT', description: 'as the registry knows it' },
  },
  examples: [
    'pilotlight registry-auths create --registry ghcr.io --username robot',
    'pilotlight registry-auths create --registry ghcr.io --username robot < token.txt',
  ],
  async run({ client, io, output, options }) {
    const { registry, username } = options;
    if (registry === undefined) throw new UsageError('--registry is missing');
    if (username === undefined) throw new UsageError('--username is missing');
    const password = await readSecret(`Password of ${printable(username)} at ${printable(registry)}: `, io);
    const answer = await client.call('createRegistryAuth', {
      body: { name: options.name ?? registry, registry, username, password },
    });
    if (options.json) output.json(answer);
    else output.line(`Saved registry credential ${answer.id}; use it with --registry-auth ${answer.id}.`);
    return EXIT.ok;
  },
});
