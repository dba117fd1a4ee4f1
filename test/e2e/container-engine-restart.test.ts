import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONTAINER_TIME_OUT_MS, withContainers } from '../support/container-world.ts';
import { engineSkip } from '../support/engines.ts';
import { openOwnEngine } from '../support/own-engine.ts';

const CONFIG = { max_replicas: 2, min_replicas: 2, max_concurrent_per_worker: 20, request_timeout: 120 };

for (const liveRestore of [false, true]) {
  describe(
    `the engine is restarted under load, ${liveRestore ? 'with' : 'without'} live-restore`,
    { skip: engineSkip() },
    () => {
      it(
        'its workers are found again or replaced, and who waits is served',
        { timeout: CONTAINER_TIME_OUT_MS },
        async () => {
          const signal = AbortSignal.timeout(CONTAINER_TIME_OUT_MS - 20_000);
          const engine = await openOwnEngine({ liveRestore });
          try {
            await withContainers(
              async ({ server, create, load: begin, containers }) => {
                const id = await create({ image: engine.image, registry_auth_id: '', worker_config: CONFIG });
                const bothReady = (): Promise<unknown> =>
                  server.until(
                    id,
                    ({ workers }) => workers.filter(({ health }) => health).length === 2,
                    signal,
                  );
                await bothReady();
                const before = (await containers()).map(({ Id }) => Id).sort();
                const load = await begin(id);
                await load.reached(200);
                await engine.docker.stop();
                await engine.docker.start();
                const answered = load.count.ok;
                await bothReady();
                while (load.count.ok < answered + 200) await load.reached(load.total + 50);
                const count = await load.stop();
                const after = (await containers()).map(({ Id }) => Id).sort();
                assert.equal(after.length, 2);
                if (liveRestore) {
                  assert.deepEqual(after, before);
                  assert.deepEqual(Object.fromEntries(count.failures), {});
                } else {
                  assert.ok(after.every((containerId) => !before.includes(containerId)));
                  // What ran on a worker that was killed broke with it; what waited did not.
                  for (const [why, number] of count.failures)
                    assert.match(why, /502|broken/, `${number} × ${why}`);
                  assert.equal(
                    await server.request('GET', `/e/${id}/after`).then(({ status }) => status),
                    200,
                  );
                }
              },
              { socket: engine.docker.socket },
            );
          } finally {
            await engine.close();
          }
        },
      );
    },
  );
}
