import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type Docker from 'dockerode';
import { CONTAINER_TIME_OUT_MS, withContainers, type ContainerWorld } from '../support/container-world.ts';
import { pushTestImage } from '../support/docker-world.ts';
import { engineSkip } from '../support/engines.ts';
import { assertNoneFailed } from '../support/load-world.ts';
import { openOwnEngine, type OwnEngine } from '../support/own-engine.ts';

const CONFIG = { max_replicas: 2, min_replicas: 1, max_concurrent_per_worker: 20, request_timeout: 120 };
const ROUNDS = 100;
const AT_ONCE = 4;
const GONE = `sha256:${'0'.repeat(64)}`;

interface Left {
  readonly containers: readonly string[];
  readonly images: readonly string[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
}

/** What is on an engine that nobody else uses. */
async function onEngine(client: Docker): Promise<Left> {
  const [containers, images, networks, volumes] = await Promise.all([
    client.listContainers({ all: true }),
    client.listImages({ all: true }),
    client.listNetworks(),
    client.listVolumes(),
  ]);
  return {
    containers: containers.map(({ Id }) => Id).sort(),
    images: images.map(({ Id }) => Id).sort(),
    networks: networks.map(({ Id }) => Id).sort(),
    volumes: volumes.Volumes.map(({ Name }) => Name).sort(),
  };
}

/** The code and message that a call is refused with. */
async function refusal(world: ContainerWorld, method: string, path: string, body: unknown): Promise<string> {
  const answer = await world.server.request(method, path, body);
  const { reason, message } = (await answer.json()) as { reason?: string; message?: string };
  return `${reason ?? answer.status}: ${message ?? ''}`;
}

describe('containers that go wrong', { skip: engineSkip() }, () => {
  const limit = { timeout: CONTAINER_TIME_OUT_MS };
  let engine: OwnEngine;

  before(async () => {
    engine = await openOwnEngine({ liveRestore: false });
  });

  after(async () => {
    await engine.close();
  });

  it(
    'an image that is not there, not for this login or gone is refused by name, and nothing is changed',
    limit,
    async () => {
      await withContainers(
        async (world) => {
          const signal = AbortSignal.timeout(CONTAINER_TIME_OUT_MS - 20_000);
          const { server, create, authId } = world;
          const image = await pushTestImage('faults', '1');
          const { id: wrongId } = await server.api<{ id: string }>('POST', '/gpus/v2/registry-auths', {
            name: 'wrong',
            registry: image.slice(0, image.indexOf('/')),
            username: 'pilot',
            password: 'wrong',
          });
          const id = await create({ image, worker_config: CONFIG });
          await server.until(id, ({ workers }) => workers.some(({ health }) => health), signal);
          const load = await world.load(id);
          await load.reached(100);
          const path = `/gpus/v2/endpoints/${id}`;
          const name = image.slice(0, image.lastIndexOf(':'));
          const update = async (body: Record<string, unknown>): Promise<string> =>
            await refusal(world, 'PUT', path, { registry_auth_id: authId, ...body });
          assert.match(await update({ image: `${name}:2` }), /^IMAGE_NOT_FOUND: /);
          assert.match(await update({ image: `${name}@${GONE}` }), /^IMAGE_DIGEST_GONE: /);
          assert.match(await update({ image: `${name}:1`, registry_auth_id: '' }), /^IMAGE_AUTH_REQUIRED: /);
          assert.match(
            await update({ image: `${name}:1`, registry_auth_id: wrongId }),
            /^IMAGE_AUTH_REQUIRED: /,
          );
          assert.equal((await server.get(id))['revision'], 1);
          await load.reached(load.total + 100);
          assertNoneFailed(await load.stop());
        },
        { socket: engine.docker.socket },
      );
    },
  );

  it('a revision that cannot run is taken back by name, and no request is lost', limit, async () => {
    await withContainers(
      async (world) => {
        const signal = AbortSignal.timeout(CONTAINER_TIME_OUT_MS - 20_000);
        const { server, create } = world;
        const id = await create({ image: engine.image, registry_auth_id: '', worker_config: CONFIG });
        await server.until(id, ({ workers }) => workers.some(({ health }) => health), signal);
        const load = await world.load(id);
        await load.reached(100);
        const cases: readonly (readonly [Record<string, unknown>, RegExp])[] = [
          [{ entrypoint: '/no/such/program' }, /\/no\/such\/program/],
          [{ entrypoint: '', image: '127.0.0.1:1/app:1' }, /127\.0\.0\.1:1/],
        ];
        for (const [index, [body, says]] of cases.entries()) {
          await server.update(id, body);
          const failed = new RegExp(`revision ${index + 2} failed`);
          const { status } = await server.until(id, (shown) => failed.test(shown.status.message), signal);
          assert.match(status.message, says);
        }
        await load.reached(load.total + 100);
        const count = await load.stop();
        assertNoneFailed(count);
        assert.deepEqual([...count.revisions.keys()], ['1']);
      },
      { socket: engine.docker.socket },
    );
  });

  it('a container that somebody removes is replaced; only what ran on it breaks', limit, async () => {
    await withContainers(
      async (world) => {
        const signal = AbortSignal.timeout(CONTAINER_TIME_OUT_MS - 20_000);
        const { server, create, client, containers } = world;
        const worker_config = { ...CONFIG, min_replicas: 2 };
        const id = await create({ image: engine.image, registry_auth_id: '', worker_config });
        const bothReady = (): Promise<unknown> =>
          server.until(id, ({ workers }) => workers.filter(({ health }) => health).length === 2, signal);
        await bothReady();
        const load = await world.load(id);
        await load.reached(200);
        const [first] = await containers();
        assert.ok(first);
        await client.getContainer(first.Id).remove({ force: true });
        const worker = first.Labels['pilotlight.worker'] ?? '';
        while ((await server.workers(id)).find((one) => one.id === worker)?.status.status !== 'failed')
          await load.reached(load.total + 10);
        await bothReady();
        await load.reached(load.total + 200);
        const count = await load.stop();
        for (const [why, number] of count.failures) assert.match(why, /502|broken/, `${number} × ${why}`);
        const shown = await server.api<{ last_requests?: { outcome: string }[] }>(
          'GET',
          `/gpus/v2/endpoints/${id}/workers/${worker}`,
        );
        assert.ok((shown.last_requests ?? []).length > 0, 'what it served last is kept');
      },
      { socket: engine.docker.socket },
    );
  });

  it(`${ROUNDS} rounds of create, update and delete leave nothing behind`, limit, async () => {
    await withContainers(
      async (world) => {
        const signal = AbortSignal.timeout(CONTAINER_TIME_OUT_MS - 20_000);
        const { server, create, client } = world;
        const { dataDir } = server;
        const workerFolders = (): readonly string[] => readdirSync(join(dataDir, 'workers'));
        const leftBefore = await onEngine(client);
        assert.deepEqual(workerFolders(), []);
        const round = async (number: number): Promise<void> => {
          const id = await create({
            image: engine.image,
            registry_auth_id: '',
            volumes: [{ type: 'local', mount_point: '/cache', size: 1 }],
            worker_config: { ...CONFIG, min_replicas: number % 4 === 0 ? 0 : 1 },
          });
          // Some serve on both revisions, some are changed and gone while their first worker starts.
          const serves = number % 10 === 0;
          if (serves) assert.equal((await server.request('GET', `/e/${id}/one`)).status, 200);
          await server.update(id, { envs: [{ key: 'ROUND', value: String(number) }] });
          if (serves) {
            assert.equal((await server.request('GET', `/e/${id}/two`)).status, 200);
            await server.until(id, ({ status }) => status.status !== 'updating', signal);
          }
          await server.api('DELETE', `/gpus/v2/endpoints/${id}`);
          await server.gone(id);
        };
        let next = 0;
        await Promise.all(
          Array.from({ length: AT_ONCE }, async () => {
            while (next < ROUNDS && !signal.aborted) await round(next++);
          }),
        );
        assert.equal(next, ROUNDS);
        assert.deepEqual(await onEngine(client), leftBefore);
        assert.deepEqual(workerFolders(), []);
      },
      { socket: engine.docker.socket },
    );
  });
});
