import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { WORKERS_FOLDER } from '../support/process-world.ts';
import { API_KEY, ServerProcess } from '../support/server-process.ts';

/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 60_000;

describe('a worker that tells that it is ready', { timeout: TIME_OUT_MS }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await ServerProcess.start();
  });
  after(async () => {
    await server.dispose();
  });

  it('is heard at the address it was given, under its own token alone', async () => {
    const id = await server.create({ image: `host:${WORKERS_FOLDER}`, command: 'node tells-ready.mjs' });
    const { url } = await server.get(id);
    for (;;) {
      const answer = await fetch(`${url}/`, { headers: { authorization: `Bearer ${API_KEY}` } });
      assert.equal(answer.status, 200);
      const told = (await answer.json()) as unknown[];
      if (told.at(-1) !== 'all') continue;
      assert.deepEqual(told, [401, 200, 200, 'all']);
      return;
    }
  });
});
