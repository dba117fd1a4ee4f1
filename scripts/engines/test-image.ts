import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type Docker from 'dockerode';
import { copyNode } from '../node-tree.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');

/**
 * The file tree of the image that engine tests run, from what is on this machine alone: the pinned
 * Node with the libraries it names, the echo example, and the tests' small workers, in /app.
 */
export function buildImageTree(root: string): void {
  mkdirSync(join(root, 'app'), { recursive: true });
  copyNode(root);
  cpSync(join(REPOSITORY, 'examples/echo'), join(root, 'app/echo'), { recursive: true });
  cpSync(join(REPOSITORY, 'test/fixtures/workers'), join(root, 'app'), { recursive: true });
  const websocket = 'node_modules/ws';
  cpSync(join(REPOSITORY, websocket), join(root, 'app', websocket), { recursive: true });
}

/** Makes an image of one layer of it. `name` without a tag. */
export async function importImage(client: Docker, root: string, name: string, tag: string): Promise<void> {
  const tar = spawn('tar', ['-C', root, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const answer = await client.importImage(tar.stdout, {
    // Podman knows no `tag` here, and gives "latest".
    repo: `${name}:${tag}`,
    changes: [
      'ENTRYPOINT ["node"]',
      'CMD ["/app/echo/server.ts"]',
      'WORKDIR /app',
      'ENV PATH=/usr/local/bin',
    ],
  });
  await finished(client, answer);
  if (tar.exitCode === null) await once(tar, 'exit');
  if (tar.exitCode !== 0) throw new Error(`tar failed with exit code ${tar.exitCode}`);
}

export interface Login {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
}

/**
 * Another image of the same files, with changes such as `ENV COLOUR=green`, in the registry alone. `name`
 * begins with the registry's `host:port`.
 */
export async function pushVariant(
  client: Docker,
  image: string,
  variant: { readonly name: string; readonly tag: string; readonly changes: string; readonly login: Login },
): Promise<void> {
  const { name, tag, changes, login } = variant;
  const container = await client.createContainer({ Image: image });
  try {
    await container.commit({ repo: name, tag, changes });
  } finally {
    await container.remove();
  }
  await pushImage(client, name, tag, login);
  await client.getImage(`${name}:${tag}`).remove();
}

/** `name` begins with the registry's `host:port`. */
export async function pushImage(client: Docker, name: string, tag: string, login: Login): Promise<void> {
  await finished(client, await client.getImage(`${name}:${tag}`).push({ tag, authconfig: login }));
}

/** Reads a stream of progress to its end. Its errors are lines in it, which followProgress passes by. */
async function finished(client: Docker, stream: NodeJS.ReadableStream): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.modem.followProgress(stream, (error, lines) => {
      const fault = error?.message ?? (lines as { error?: string }[]).find((line) => line.error)?.error;
      if (fault === undefined) resolve();
      else reject(new Error(fault));
    });
  });
}
