import assert from 'node:assert/strict';
import { it } from 'node:test';
import { API_KEY, ServerProcess } from '../support/server-process.ts';

/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 120_000;

/** The answer's status, or null when there was nobody to connect to. */
async function ask(url: string, signal: AbortSignal): Promise<number | null> {
  try {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${API_KEY}` }, signal });
    await answer.text();
    return answer.status;
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    if (cause?.code === 'ECONNREFUSED') return null;
    throw error;
  }
}

it(
  'a server that comes back answers whoever connects, from its first moment',
  { timeout: TIME_OUT_MS },
  async () => {
    const signal = AbortSignal.timeout(TIME_OUT_MS - 20_000);
    let server = await ServerProcess.start();
    const { dataDir } = server;
    const port = Number(new URL(server.url).port);
    try {
      const id = await server.create({ worker_config: { max_replicas: 1, min_replicas: 1 } });
      const { url } = await server.until(id, ({ status }) => status.status === 'running', signal);
      await server.kill();
      const targets = [`${url}/hello`, `${server.url}/healthz`, `${server.url}/gpus/v2/endpoints/${id}`];
      const starting = ServerProcess.start({ dataDir, port });
      await Promise.all(
        targets.map(async (target) => {
          let status: number | null = null;
          while (status === null) status = await ask(target, signal);
          assert.equal(status, 200, target);
        }),
      );
      server = await starting;
    } finally {
      await server.dispose();
    }
  },
);
