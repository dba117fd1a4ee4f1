import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertNoneFailed, TIME_OUT_MS, withLoad } from '../support/load-world.ts';
import type { LoadCount } from '../support/request-load.ts';

for (const gpus of [1, 2]) {
  const how = gpus === 1 ? 'swap' : 'surge';
  describe(`an update to a broken revision under load (${how})`, () => {
    const worker = { max_replicas: 1, min_replicas: 1, max_concurrent_per_worker: 50, request_timeout: 20 };

    async function update(change: Record<string, unknown>, expected: RegExp): Promise<LoadCount> {
      let result: LoadCount | null = null;
      await withLoad(gpus, { worker_config: worker }, async ({ server, id, load }) => {
        const signal = AbortSignal.timeout(TIME_OUT_MS - 20_000);
        await load.reached(200);
        const { revision } = await server.update(id, change);
        assert.equal(revision, 2);
        // Back means: it says so, why it came to that, and a worker of the old revision serves.
        await server.until(
          id,
          ({ status, workers }) =>
            status.status === 'running' &&
            expected.test(status.message) &&
            workers.some(({ revision: of, health }) => of === 1 && health),
          signal,
        );
        const total = load.total;
        await load.reached(total + 500);
        result = await load.stop();
        const now = await server.get(id);
        assert.equal(now.status.status, 'running');
        assert.match(now.status.message, expected);
      });
      assert.ok(result !== null);
      return result;
    }

    it('that exits at once: none fails', { timeout: TIME_OUT_MS }, async () => {
      assertNoneFailed(
        await update(
          { envs: [{ key: 'EXIT_AT_START', value: '1' }] },
          /revision 2 failed.*exited with code 1.*EXIT_AT_START/s,
        ),
      );
    });

    it(
      'that never gets healthy: none fails, the old one is back for those that wait',
      { timeout: TIME_OUT_MS },
      async () => {
        if (gpus === 1) {
          assertNoneFailed(
            await update({ envs: [{ key: 'NEVER_LISTEN', value: '1' }] }, /revision 2 failed.*gave way/s),
          );
          return;
        }
        // Beside a surge the old one serves all the while; a newer update ends the waiting.
        await withLoad(gpus, { worker_config: worker }, async ({ server, id, load }) => {
          const signal = AbortSignal.timeout(TIME_OUT_MS - 20_000);
          await server.update(id, { envs: [{ key: 'NEVER_LISTEN', value: '1' }] });
          await server.until(id, ({ workers }) => workers.some(({ revision }) => revision === 2), signal);
          await load.reached(load.total + 3_000);
          await server.update(id, { envs: [] });
          await server.until(id, ({ status }) => status.status === 'running', signal);
          assertNoneFailed(await load.stop());
        });
      },
    );

    it('that answers 500: only requests of the sample fail', { timeout: TIME_OUT_MS }, async () => {
      const count = await update(
        { envs: [{ key: 'FAIL_STATUS', value: '500' }] },
        /revision 2 failed.*requests failed on it/s,
      );
      const failures = [...count.failures];
      assert.ok(
        failures.every(([why]) => why.startsWith('status 500: {"error":"this worker answers 500"')),
        JSON.stringify(failures),
      );
      const failed = failures.reduce((sum, [, number]) => sum + number, 0);
      assert.ok(failed > 0 && failed <= 20, `${failed} failed, the sample has 20`);
    });
  });
}
