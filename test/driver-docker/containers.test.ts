import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import Docker from 'dockerode';
import type { DockerDriver } from '../../src/adapters/driver-docker/docker-driver.ts';
import type { WorkerId } from '../../src/base/ids.ts';
import { makeDockerFolder, servingSpec, type DockerFolder } from '../support/docker-world.ts';
import { engineSkip, testEngine, type TestEngine } from '../support/engines.ts';
import { askServing } from '../support/process-world.ts';
import { untilListening } from '../support/readiness-wait.ts';
import { recordExits, workerOrder, type ExitRecorder } from '../support/worker-orders.ts';

const LIMITS = {
  memoryMib: 256,
  pids: 100,
  capabilities: ['CHOWN'],
  readOnly: true,
  sharedMemoryMib: 32,
};

for (const kind of ['docker', 'podman'] as const) {
  describe(`containers of ${kind}`, { skip: engineSkip() }, () => {
    let engine: TestEngine;
    let client: Docker;
    let folder: DockerFolder;
    let driver: DockerDriver;
    let exits: ExitRecorder;

    before(async () => {
      engine = testEngine(kind);
      client = new Docker({ socketPath: engine.socket });
      folder = await makeDockerFolder(engine);
      driver = folder.open({ limits: LIMITS });
      exits = recordExits(driver);
      await driver.fingerprint();
    });

    after(async () => {
      for (const { workerId } of await driver.list()) await driver.stop(workerId, 0);
      assert.deepEqual(await containersOf(client, folder), []);
      await driver.close();
      await folder.remove();
    });

    function order(id: string, change: Parameters<typeof workerOrder>[1] = {}) {
      return { ...workerOrder(id, { ...servingSpec(engine.image), ...change }), devices: [] };
    }

    test('its workers see this machine at the address of their gateway', async () => {
      await driver.start(order('gateway'));
      const [container] = await containersOf(client, folder);
      const { NetworkSettings } = await client.getContainer(container?.Id ?? '').inspect();
      const gateways = Object.values(NetworkSettings.Networks).map(({ Gateway }) => Gateway);
      assert.deepEqual(gateways, [driver.hostAddress()]);
      await driver.stop('gateway' as WorkerId, 0);
    });

    test('it is labelled, held to its limits and published on the loopback alone', async () => {
      await driver.start(order('limits'));
      const [container] = await containersOf(client, folder);
      const { Config, HostConfig, Name, NetworkSettings } = await client
        .getContainer(container?.Id ?? '')
        .inspect();
      const {
        'pilotlight.instance': instance,
        'pilotlight.started-at-ms': startedAtMs,
        ...labels
      } = Config.Labels;
      assert.match(instance ?? '', /^[0-9a-f]{16}$/);
      assert.match(startedAtMs ?? '', /^\d+$/);
      assert.equal(Name, `/pilotlight-${instance}-limits`);
      assert.deepEqual(labels, {
        'pilotlight.worker': 'limits',
        'pilotlight.endpoint': 'endpoint1',
        'pilotlight.app': 'app',
        'pilotlight.revision': '3',
        'pilotlight.fence': '9',
        'pilotlight.devices': '',
        'pilotlight.ports': '8000,9000',
      });
      const published = Object.values(NetworkSettings.Ports).flat();
      assert.deepEqual(new Set(published.map(({ HostIp }) => HostIp)), new Set(['127.0.0.1']));
      assert.equal(new Set(published.map(({ HostPort }) => HostPort)).size, 2);
      assert.equal(HostConfig.Memory, 256 * 1024 * 1024);
      assert.equal(HostConfig.PidsLimit, 100);
      assert.equal(HostConfig.ShmSize, 32 * 1024 * 1024);
      assert.equal(HostConfig.ReadonlyRootfs, true);
      assert.equal(HostConfig.Init, true);
      assert.deepEqual(HostConfig.SecurityOpt, ['no-new-privileges']);
    });

    test('inside, capabilities, privileges and the file system are what they are said to be', async () => {
      const program =
        'const fs = require("fs"); const tell = (path) => { try { fs.writeFileSync(path, "1"); return "written"; } catch (error) { return error.code; } };' +
        'const status = fs.readFileSync("/proc/self/status", "utf8");' +
        'console.log(/CapEff:\\s*(\\w+)/.exec(status)[1], /NoNewPrivs:\\s*(\\d)/.exec(status)[1], tell("/app/x"), tell("/tmp/x"));';
      await driver.start(order('inside', { entrypoint: 'node -e', command: `'${program}'` }));
      await exits.of('inside' as WorkerId);
      const { text } = await driver.logs('inside' as WorkerId, 1_000);
      // Bit 0 is CHOWN.
      assert.equal(text, '0000000000000001 1 EROFS written\n');
    });

    test('it gets its variables, and what a variable of ours would be is not taken from the endpoint', async () => {
      const { addresses } = await driver.start(
        order('variables', {
          command: 'serving.mjs $GREETING "${PORT}" \'$PORT\'',
          envs: [
            { key: 'GREETING', value: 'hello there' },
            { key: 'PORT', value: '1' },
            { key: 'NVIDIA_VISIBLE_DEVICES', value: 'all' },
          ],
        }),
      );
      const address = addresses[8000];
      assert.ok(address);
      await untilListening({ addresses }, 8000);
      const { env, words } = await askServing(address);
      assert.deepEqual(words, ['hello there', '8000', '$PORT']);
      assert.deepEqual(
        [env['PORT'], env['PORT_8000'], env['PORT_9000'], env['HOST'], env['NVIDIA_VISIBLE_DEVICES']],
        ['8000', '8000', '9000', '0.0.0.0', 'void'],
      );
      assert.equal(env['PILOTLIGHT_WORKER_ID'], 'variables');
      assert.equal(env['PILOTLIGHT_ENDPOINT_ID'], 'endpoint1');
    });

    test('more memory than it may have ends it, and that is told', async () => {
      const program = 'const kept = []; for (;;) kept.push(Buffer.alloc(10_000_000, 1));';
      await driver.start(order('hungry', { entrypoint: 'node -e', command: `'${program}'` }));
      const exit = await exits.of('hungry' as WorkerId);
      assert.equal(exit.signal, 'SIGKILL');
      assert.equal(exit.outOfMemory, kind === 'docker' ? true : null);
      assert.equal(exit.peakMemoryMib, kind === 'docker' ? 256 : null);
    });

    test('one that somebody removes by hand has ended, unseen', async () => {
      await driver.start(order('removed'));
      const container = (await containersOf(client, folder)).find(
        ({ Labels }) => Labels['pilotlight.worker'] === 'removed',
      );
      await client.getContainer(container?.Id ?? '').remove({ force: true });
      const exit = await exits.of('removed' as WorkerId);
      assert.ok(exit.signal === 'SIGKILL' || (exit.code === null && exit.signal === null));
      const found = (await driver.list()).find(({ workerId }) => workerId === ('removed' as WorkerId));
      assert.equal(found?.running, false);
    });

    test('two servers on one engine do not see each other’s', async () => {
      await driver.start(order('mine'));
      const other = await makeDockerFolder(engine);
      const neighbour = other.open();
      await neighbour.fingerprint();
      assert.deepEqual(await neighbour.list(), []);
      await neighbour.start(order('mine'));
      assert.equal((await neighbour.list()).length, 1);
      await neighbour.stop('mine' as WorkerId, 0);
      const mine = (await driver.list()).find(({ workerId }) => workerId === ('mine' as WorkerId));
      assert.equal(mine?.running, true);
      await neighbour.close();
      await other.remove();
    });

    test('by the published port where its own address is not to be used', async () => {
      const other = await makeDockerFolder(engine);
      const far = other.open({ directAddresses: false });
      await far.fingerprint();
      const started = await far.start(order('far'));
      const address = started.addresses[8000];
      assert.ok(address);
      assert.deepEqual([address.host, address.throughProxy], ['127.0.0.1', true]);
      await untilListening(started, 8000);
      assert.equal((await askServing(address)).env['PILOTLIGHT_WORKER_ID'], 'far');
      await far.stop('far' as WorkerId, 0);
      await far.close();
      await other.remove();
    });

    test('volumes are there, scratch is empty, and goes with the worker', async () => {
      const before = (await client.listVolumes()).Volumes.length;
      const program =
        'const fs = require("fs"); fs.writeFileSync("/data/kept", "1"); fs.writeFileSync("/scratch/gone", "1"); console.log(fs.readdirSync("/data") + " " + fs.readdirSync("/scratch"));';
      const mounts = [
        { mountPoint: '/data', kind: 'network', id: 'v1', hostFolder: folder.path, sizeGb: 1 },
        { mountPoint: '/scratch', kind: 'local', id: '', hostFolder: null, sizeGb: null },
      ] as const;
      await driver.start({ ...order('mounts', { entrypoint: 'node -e', command: `'${program}'` }), mounts });
      await exits.of('mounts' as WorkerId);
      const { text } = await driver.logs('mounts' as WorkerId, 1_000);
      assert.match(text, /kept.* gone\n$/);
      assert.equal((await client.listVolumes()).Volumes.length, before);
    });
  });
}

async function containersOf(client: Docker, folder: DockerFolder): Promise<readonly Docker.ContainerInfo[]> {
  const filters = { label: [`pilotlight.instance=${await folder.instance()}`] };
  return await client.listContainers({ all: true, filters });
}
