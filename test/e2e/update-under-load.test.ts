import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { RequestLoad, type LoadCount } from '../support/request-load.ts';
import { ServerProcess } from '../support/server-process.ts';

const ECHO = resolve(import.meta.dirname, '../../examples/echo');
const REQUESTS_MIN = 5_000;
const CLIENTS = 200;
/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 240_000;

interface World {
  readonly server: ServerProcess;
  readonly id: string;
  readonly load: RequestLoad;
  /** A copy of the example: another folder is another image. */
  readonly image: string;
}

async function withLoad(
  gpus: number,
  body: Record<string, unknown>,
  run: (world: World) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-image-'));
  const image = join(folder, 'echo-2');
  await cp(ECHO, image, { recursive: true });
  const server = await ServerProcess.start({ gpus });
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
    const load = new RequestLoad({ url, clients: CLIENTS });
    load.start();
    await run({ server, id, load, image });
  } finally {
    await server.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

function assertNoneFailed(count: LoadCount): void {
  assert.deepEqual(Object.fromEntries(count.failures), {}, `failed requests beside ${count.ok} good ones`);
}

for (const gpus of [1, 4]) {
  describe(`five updates in a row under ${CLIENTS} clients with ${gpus} device(s)`, () => {
    it(`fails none of at least ${REQUESTS_MIN} requests`, { timeout: TIME_OUT_MS }, async () => {
      await withLoad(gpus, {}, async ({ server, id, load, image }) => {
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
          assert.ok(
            after.workers.some((worker) => worker.revision === revision && worker.status.status === 'ready'),
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
      });
    });
  });
}

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
