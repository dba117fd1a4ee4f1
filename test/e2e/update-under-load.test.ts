import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertNoneFailed, CLIENTS, TIME_OUT_MS, withLoad } from '../support/load-world.ts';

const REQUESTS_MIN = 5_000;

for (const [gpus, flag] of [
  [1, '--forwarder=strict'],
  [4, '--forwarder=strict'],
  [4, '--forwarder=general'],
  [4, '--gateways=2'],
] as const) {
  describe(`five updates in a row under ${CLIENTS} clients with ${gpus} device(s) and ${flag}`, () => {
    it(`fails none of at least ${REQUESTS_MIN} requests`, { timeout: TIME_OUT_MS }, async () => {
      await withLoad(
        gpus,
        {},
        async ({ server, id, load, image }) => {
          const signal = AbortSignal.timeout(TIME_OUT_MS - 20_000);
          await load.reached(200);
          const perWorker = { max_replicas: Math.min(gpus, 2), min_replicas: 1 };
          const updates: Record<string, unknown>[] = [
            { image: `host:${image}` },
            { command: 'node server.ts --second' },
            { envs: [{ key: 'GREETING', value: 'third' }] },
            { ports: [8080, 9090] },
            gpus > 1
              ? { worker_config: { ...perWorker, gpu_num: 2 } }
              : { worker_config: { ...perWorker, rootfs_size_gb: 30 } },
          ];
          for (const [index, update] of updates.entries()) {
            const before = load.total;
            const { revision, rollout } = await server.update(id, update);
            assert.equal(revision, index + 2);
            assert.notEqual(rollout, null);
            const after = await server.until(id, ({ status }) => status.status !== 'updating', signal);
            assert.equal(after.status.status, 'running', after.status.message);
            const { mode } = after['rollout'] as { mode: string };
            assert.equal(mode, gpus === 1 ? 'swap' : 'surge');
            assert.ok(
              after.workers.some(
                (worker) => worker.revision === revision && worker.status.status === 'ready',
              ),
            );
            await load.reached(before + REQUESTS_MIN / updates.length);
          }
          await load.reached(REQUESTS_MIN);
          const count = await load.stop();
          assertNoneFailed(count);
          assert.ok(count.ok >= REQUESTS_MIN, `${count.ok} requests`);
          for (const revision of ['2', '3', '4', '5', '6']) {
            assert.ok((count.revisions.get(revision) ?? 0) > 0, `revision ${revision} answered nothing`);
          }
        },
        [flag],
      );
    });
  });
}
