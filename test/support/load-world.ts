import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { RequestLoad, type LoadCount } from './request-load.ts';
import { ServerProcess } from './server-process.ts';

const ECHO = resolve(import.meta.dirname, '../../examples/echo');
export const CLIENTS = 200;
/** Bounds a hang; nothing is judged by the time it takes. */
export const TIME_OUT_MS = 240_000;

/** A real server with one endpoint that many clients use. */
export interface LoadWorld {
  readonly server: ServerProcess;
  readonly id: string;
  readonly load: RequestLoad;
  /** A copy of the example: another folder is another image. */
  readonly image: string;
}

export async function withLoad(
  gpus: number,
  body: Record<string, unknown>,
  run: (world: LoadWorld) => Promise<void>,
  flags: readonly string[] = [],
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-image-'));
  const image = join(folder, 'echo-2');
  await cp(ECHO, image, { recursive: true });
  const server = await ServerProcess.start({ gpus, flags });
  let load: RequestLoad | null = null;
  try {
    const id = await server.create({
      product_id: 'gpu',
      ports: [8080],
      worker_config: {
        max_replicas: Math.min(gpus, 2),
        min_replicas: 1,
        max_concurrent_per_worker: 50,
        request_timeout: 120,
      },
      ...body,
    });
    const { url } = await server.get(id);
    load = new RequestLoad({ url, clients: CLIENTS });
    load.start();
    await run({ server, id, load, image });
  } finally {
    await load?.stop();
    await server.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

export function assertNoneFailed(count: LoadCount): void {
  assert.deepEqual(Object.fromEntries(count.failures), {}, `failed requests beside ${count.ok} good ones`);
}
