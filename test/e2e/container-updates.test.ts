import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONTAINER_TIME_OUT_MS, revisionOf, withContainers } from '../support/container-world.ts';
import { pushTestImage } from '../support/docker-world.ts';
import { engineSkip } from '../support/engines.ts';
import { assertNoneFailed } from '../support/load-world.ts';

const CONFIG = { max_replicas: 2, min_replicas: 1, max_concurrent_per_worker: 20, request_timeout: 120 };

describe('containers of private images', { skip: engineSkip() }, () => {
  const limit = { timeout: CONTAINER_TIME_OUT_MS };

  it('are updated under load without losing a request; a broken image is taken back', limit, async () => {
    await withContainers(async ({ server, create, load: begin, containers }) => {
      const signal = AbortSignal.timeout(CONTAINER_TIME_OUT_MS - 20_000);
      const first = await pushTestImage('under-load', '1', 'first');
      const second = await pushTestImage('under-load', '2', 'second');
      const id = await create({ image: first, worker_config: CONFIG });
      await server.until(id, ({ workers }) => workers.some(({ health }) => health), signal);
      const load = await begin(id);
      await load.reached(200);
      const updates: Record<string, unknown>[] = [
        { image: second },
        { envs: [{ key: 'GREETING', value: 'third' }] },
        // Of this one every start fails.
        { envs: [{ key: 'EXIT_AT_START', value: '1' }] },
      ];
      for (const [index, update] of updates.entries()) {
        const before = load.total;
        const { revision } = await server.update(id, update);
        assert.equal(revision, index + 2);
        const after = await server.until(id, ({ status }) => status.status !== 'updating', signal);
        await load.reached(before + 300);
        if (revision < 4) assert.equal(after.status.status, 'running', after.status.message);
      }
      await server.until(
        id,
        ({ status }) => /revision 4 failed.*EXIT_AT_START is set/s.test(status.message),
        signal,
      );
      const count = await load.stop();
      assertNoneFailed(count);
      assert.deepEqual([...count.revisions.keys()].sort(), ['1', '2', '3']);
      const broken = await revisionOf(server, id, 4);
      assert.equal(broken.outcome, 'failed');
      assert.match(broken.failure, /exited with code 1/);
      const digests = await Promise.all(
        [1, 2, 3].map(async (number) => (await revisionOf(server, id, number)).image_digest),
      );
      assert.notEqual(digests[0], digests[1]);
      assert.equal(digests[1], digests[2], 'a variable brings no other image');
      const [running] = await containers();
      assert.equal(running?.Image, `${second.slice(0, second.lastIndexOf(':'))}@${digests[1]}`);
    });
  });

  it('run the digest that their revision was made of, also when the tag moves', limit, async () => {
    await withContainers(async ({ server, create, client, containers }) => {
      const signal = AbortSignal.timeout(CONTAINER_TIME_OUT_MS - 20_000);
      const image = await pushTestImage('moves', '1', 'before');
      const id = await create({ image, worker_config: { ...CONFIG, min_replicas: 0 } });
      const { image_digest: digest } = await revisionOf(server, id, 1);
      assert.match(digest, /^sha256:[0-9a-f]{64}$/);
      await pushTestImage('moves', '1', 'after');
      await server.api('PUT', `/gpus/v2/endpoints/${id}`, { worker_config: { ...CONFIG, min_replicas: 2 } });
      const bothReady = (): Promise<unknown> =>
        server.until(id, ({ workers }) => workers.filter(({ health }) => health).length === 2, signal);
      await bothReady();
      const images = new Set((await containers()).map(({ ImageID }) => ImageID));
      assert.equal(images.size, 1);
      const { Config } = await client.getImage([...images][0] ?? '').inspect();
      assert.ok(Config.Env.includes('COLOUR=before'), String(Config.Env));
    });
  });

  it(
    'are refused at the update where the registry does not have them, and nothing changes',
    limit,
    async () => {
      await withContainers(async ({ server, create }) => {
        const image = await pushTestImage('refusals', '1', 'refusals');
        const id = await create({ image, worker_config: { ...CONFIG, min_replicas: 0 } });
        const put = async (body: unknown): Promise<unknown> => {
          const answer = await server.request('PUT', `/gpus/v2/endpoints/${id}`, body);
          return [answer.status, ((await answer.json()) as { reason: string }).reason];
        };
        assert.deepEqual(await put({ image: image.replace(/:1$/, ':gone') }), [400, 'IMAGE_NOT_FOUND']);
        assert.deepEqual(await put({ registry_auth_id: '' }), [400, 'IMAGE_AUTH_REQUIRED']);
        assert.deepEqual(await put({ image: 'host:/srv' }), [400, 'IMAGE_NOT_SUPPORTED']);
        assert.equal((await server.get(id))['revision'], 1);
      });
    },
  );

  it('outlive a server that is killed, and are taken back by the next', limit, async () => {
    await withContainers(async (world) => {
      const signal = AbortSignal.timeout(CONTAINER_TIME_OUT_MS - 20_000);
      const image = await pushTestImage('killed', '1', 'killed');
      const id = await world.create({ image, worker_config: { ...CONFIG, min_replicas: 2 } });
      const ready = async (): Promise<void> => {
        await world.server.until(
          id,
          ({ workers }) => workers.filter(({ health }) => health).length === 2,
          signal,
        );
      };
      await ready();
      const before = (await world.containers()).map(({ Id }) => Id).sort();
      for (let kill = 0; kill < 3; kill += 1) {
        await world.server.kill();
        await world.restart();
        await ready();
        assert.deepEqual((await world.containers()).map(({ Id }) => Id).sort(), before);
      }
      // One that ended while no server watched is replaced.
      await world.server.kill();
      await world.client.getContainer(before[0] ?? '').kill();
      await world.restart();
      await ready();
      const after = (await world.containers()).map(({ Id }) => Id);
      assert.equal(after.length, 2);
      assert.ok(after.includes(before[1] ?? '') && !after.includes(before[0] ?? ''));
    });
  });
});
