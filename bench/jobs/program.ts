import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** Starts a program and waits for the words that say it is ready (or done); the answer stops it. */
export async function startProgram(
  program: string,
  words: readonly string[],
  ready: RegExp,
  user?: UserIds,
): Promise<() => Promise<void>> {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], ...user });
  const exited = once(child, 'exit');
  let text = '';
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      text = `${text}${chunk.toString()}`.slice(-8_000);
      if (ready.test(text)) resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${program} ended with code ${code}:\n${text}`)));
  });
  return async () => {
    child.kill('SIGTERM');
    await exited;
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
