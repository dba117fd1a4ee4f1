import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import Docker from 'dockerode';
import type { DockerDriver } from '../../src/adapters/driver-docker/docker-driver.ts';
import type { WorkerId } from '../../src/base/ids.ts';
import type { RegistryCredential } from '../../src/model/registry-auth.ts';
import type { PullContext, PullProgress } from '../../src/ports/driver.ts';
import {
  credentialOf,
  makeDockerFolder,
  pushTestImage,
  servingSpec,
  type DockerFolder,
} from '../support/docker-world.ts';
import { engineSkip, testEngine, type TestEngine } from '../support/engines.ts';
import { pullContext, workerOrder } from '../support/worker-orders.ts';

const GONE = `sha256:${'1'.repeat(64)}`;

for (const kind of ['docker', 'podman'] as const) {
  describe(`images of ${kind}`, { skip: engineSkip() }, () => {
    let engine: TestEngine;
    let folder: DockerFolder;
    let driver: DockerDriver;
    let credential: RegistryCredential;

    before(async () => {
      engine = testEngine(kind);
      credential = credentialOf(engine);
      folder = await makeDockerFolder(engine);
      driver = folder.open();
      await driver.fingerprint();
    });

    after(async () => {
      for (const { workerId } of await driver.list()) await driver.stop(workerId, 0);
      await driver.close();
      await folder.remove();
    });

    function context(change: Partial<PullContext> = {}): PullContext {
      return { ...pullContext(), credential, ...change };
    }

    async function refused(image: string, change: Partial<PullContext> = {}): Promise<string> {
      const error: unknown = await driver.prepare(servingSpec(image), context(change)).then(
        () => assert.fail(`${image} was pulled`),
        (reason: unknown) => reason,
      );
      return (error as { code?: string }).code ?? String(error);
    }

    test('what is wrong with an image, a login or a registry is told by name', async () => {
      const { address } = engine.registry;
      const image = await pushTestImage(`faults-for-${kind}`, '1', kind);
      const wrong = { ...credential, password: 'wrong' };
      assert.equal(await refused(`${address}/nothing-here:1`), 'IMAGE_NOT_FOUND');
      assert.equal(await refused(`${address}/faults-for-${kind}:2`), 'IMAGE_NOT_FOUND');
      assert.equal(await refused(`${address}/faults-for-${kind}@${GONE}`), 'IMAGE_DIGEST_GONE');
      assert.equal(await refused(image, { credential: null }), 'IMAGE_AUTH_REQUIRED');
      assert.equal(await refused(image, { credential: wrong }), 'IMAGE_AUTH_REQUIRED');
      assert.equal(await refused('127.0.0.1:1/app:1'), 'REGISTRY_UNREACHABLE');
      assert.equal(await refused(GONE), 'IMAGE_DIGEST_GONE');
    });

    test('a pull tells how far it is, and once the image is here nothing is pulled', async () => {
      const image = await pushTestImage(`progress-for-${kind}`, '1', `${kind}-progress`);
      const told: PullProgress[] = [];
      const first = await driver.prepare(
        servingSpec(image),
        context({ onProgress: (progress) => told.push(progress) }),
      );
      assert.equal(first.pulled, true);
      assert.ok((first.sizeBytes ?? 0) > 1_000_000);
      assert.ok(told.length > 0);
      for (const { layersDone, layersTotal } of told) assert.ok(layersDone <= layersTotal);
      const again = await driver.prepare(servingSpec(image), pullContext());
      assert.deepEqual(again, { ...first, pulled: false });
      await driver.images.remove(first.id);
    });

    test('an image that went since it was prepared is pulled again by the start', async () => {
      const image = await pushTestImage(`again-for-${kind}`, '1', `${kind}-again`);
      const prepared = await driver.prepare(servingSpec(image), context());
      await driver.images.remove(prepared.id);
      const order = { ...workerOrder('again', servingSpec(image)), devices: [], credential };
      await driver.start(order);
      await driver.stop('again' as WorkerId, 0);
      await driver.forget('again' as WorkerId);
      await driver.images.remove(prepared.id);
    });

    test('a pull that is aborted ends at once, and leaves the engine well', async () => {
      const image = await pushTestImage(`aborted-for-${kind}`, '1', `${kind}-aborted`);
      const stop = new AbortController();
      const why = new Error('no longer wanted');
      const pull = driver.prepare(servingSpec(image), context({ signal: stop.signal }));
      stop.abort(why);
      await assert.rejects(pull, why);
      const prepared = await driver.prepare(servingSpec(image), context());
      await driver.images.remove(prepared.id);
    });

    test('the digest a tag stands for is told, and stays when the tag moves', async () => {
      const name = `moving-for-${kind}`;
      const image = await pushTestImage(name, '1', `${kind}-first`);
      const prepared = await driver.prepare(servingSpec(image), context());
      assert.match(prepared.pinned, new RegExp(`^${engine.registry.address}/${name}@sha256:[0-9a-f]{64}$`));
      const signal = new AbortController().signal;
      const resolved = await driver.images.resolve(image, credential, signal);
      // Podman asks no registry for others.
      assert.equal(resolved, kind === 'docker' ? prepared.pinned : null);
      await pushTestImage(name, '1', `${kind}-second`);
      await driver.images.remove(prepared.id);
      const pinned = await driver.prepare(servingSpec(prepared.pinned), context());
      assert.equal(pinned.id, prepared.id);
      const moved = await driver.prepare(servingSpec(image), context());
      assert.notEqual(moved.id, prepared.id);
      if (kind === 'docker') {
        assert.equal(await driver.images.resolve(image, credential, signal), moved.pinned);
      }
      for (const { id } of [pinned, moved]) await driver.images.remove(id);
    });

    test('an image that was never in a registry is named by its id', async () => {
      const signal = new AbortController().signal;
      const { Id } = await new Docker({ socketPath: engine.socket }).getImage(engine.image).inspect();
      const prepared = await driver.prepare(servingSpec(engine.image), pullContext());
      // Podman gives digests also to images that were never in a registry.
      if (kind === 'docker') assert.equal(prepared.pinned, Id);
      else assert.match(prepared.pinned, /@sha256:[0-9a-f]{64}$/);
      if (kind === 'docker') assert.equal(await driver.images.resolve(engine.image, null, signal), Id);
      const byId = await driver.prepare(servingSpec(Id), pullContext());
      assert.equal(byId.id, Id);
    });
  });
}

describe('what the registry refuses', { skip: engineSkip() }, () => {
  test('an image that lies here is not for whoever its registry refuses', async () => {
    const engine = testEngine('docker');
    const folder = await makeDockerFolder(engine);
    const driver = folder.open();
    await driver.fingerprint();
    const image = await pushTestImage('private', '1', 'private');
    const prepared = await driver.images.pull(image, { ...pullContext(), credential: credentialOf(engine) });
    const { signal } = new AbortController();
    await assert.rejects(driver.images.resolve(image, null, signal), { code: 'IMAGE_AUTH_REQUIRED' });
    await driver.images.remove(prepared.id);
    assert.equal(await driver.images.resolve('127.0.0.1:1/app:1', null, signal), null);
    await driver.close();
    await folder.remove();
  });
});
