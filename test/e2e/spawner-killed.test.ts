import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RequestLoad } from '../support/request-load.ts';
import { API_KEY, ServerProcess } from '../support/server-process.ts';
import { leftProcesses, spawnerOf, workerProcesses } from '../support/worker-processes.ts';

/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 120_000;
const KILLS = 3;

it(
  'kill -9 of the spawner loses no request, no worker, and the next wake works',
  { timeout: TIME_OUT_MS },
  async () => {
    const server = await ServerProcess.start();
    const signal = AbortSignal.timeout(TIME_OUT_MS - 20_000);
    try {
      const serving = await server.create({ worker_config: { max_replicas: 1, min_replicas: 1 } });
      const { url } = await server.until(serving, ({ status }) => status.status === 'running', signal);
      const before = await workerProcesses(server.dataDir);
      const load = new RequestLoad({ url, clients: 4 });
      load.start();
      await load.reached(20);

      for (let kill = 1; kill <= KILLS; kill += 1) {
        // The wake is asked for in the same moment: the order can meet the dead one, or the next one.
        const sleeping = await server.create({ worker_config: { max_replicas: 1, min_replicas: 0 } });
        const target = (await server.get(sleeping)).url;
        process.kill(spawnerOf(server.pid), 'SIGKILL');
        const answer = await fetch(`${target}/hello`, { headers: { authorization: `Bearer ${API_KEY}` } });
        assert.equal(answer.status, 200, await answer.text());
        await load.reached(load.total + 20);
        await server.api('DELETE', `/gpus/v2/endpoints/${sleeping}`);
      }

      const count = await load.stop();
      assert.deepEqual(Object.fromEntries(count.failures), {});
      const [worker] = [...before.keys()];
      assert.deepEqual([...count.workers.keys()], [worker], 'one and the same worker served all the while');
      const dataDir = server.dataDir;
      await server.removeAll();
      assert.deepEqual(await leftProcesses(dataDir), []);
    } finally {
      await server.dispose();
    }
  },
);
