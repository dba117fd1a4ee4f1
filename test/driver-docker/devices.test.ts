import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Docker from 'dockerode';
import type { WorkerId } from '../../src/base/ids.ts';
import { makeDockerFolder, servingSpec } from '../support/docker-world.ts';
import { engineSkip, testEngine } from '../support/engines.ts';
import { askServing } from '../support/process-world.ts';
import { untilListening } from '../support/readiness-wait.ts';
import { workerOrder } from '../support/worker-orders.ts';

describe('devices of containers', { skip: engineSkip() }, () => {
  test('Docker is asked for exactly those that were assigned, and the container sees them', async () => {
    const engine = testEngine('docker');
    const folder = await makeDockerFolder(engine);
    const driver = folder.open();
    await driver.fingerprint();
    const started = await driver.start({
      ...workerOrder('two', servingSpec(engine.image)),
      devices: ['GPU-a', 'GPU-b'],
    });
    await untilListening(started, 8000);
    const address = started.addresses[8000];
    assert.ok(address);
    assert.equal((await askServing(address)).env['NVIDIA_VISIBLE_DEVICES'], 'GPU-a,GPU-b');
    const [found] = await driver.list();
    assert.deepEqual(found?.devices, ['GPU-a', 'GPU-b']);
    await driver.stop('two' as WorkerId, 0);
    await driver.close();
    await folder.remove();
  });

  test('Podman passes over the request: the worker is refused, and nothing is left of it', async () => {
    const engine = testEngine('podman');
    const folder = await makeDockerFolder(engine);
    const driver = folder.open();
    await driver.fingerprint();
    const order = { ...workerOrder('one', servingSpec(engine.image)), devices: ['0'] };
    await assert.rejects(driver.start(order), { code: 'DEVICES_NOT_GIVEN' });
    // Once it is known no container is made for it.
    await assert.rejects(driver.start(order), { code: 'DEVICES_NOT_GIVEN' });
    const filters = { label: [`pilotlight.instance=${await folder.instance()}`] };
    const client = new Docker({ socketPath: engine.socket });
    assert.deepEqual(await client.listContainers({ all: true, filters }), []);
    assert.deepEqual(await driver.list(), []);
    await driver.close();
    await folder.remove();
  });
});
