import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../src/base/manual-clock.ts';
import type { WorkerId } from '../../src/base/ids.ts';
import { HOUR_MS } from '../../src/base/units.ts';
import type { ControlPorts } from '../../src/control/control-options.ts';
import { ImageCleaner } from '../../src/control/resources/image-cleaner.ts';
import { credentialOf, makeDockerFolder, pushTestImage, servingSpec } from '../support/docker-world.ts';
import { engineSkip, testEngine } from '../support/engines.ts';
import { silentLog } from '../support/silent-log.ts';
import { pullContext, workerOrder } from '../support/worker-orders.ts';

/** What a cleaner needs of a server. */
function portsOf(driver: ControlPorts['driver'], clock: ManualClock): ControlPorts {
  const store = { pulledImagePut: async () => undefined, pulledImageDelete: async () => undefined };
  const options = { images: { unusedMs: HOUR_MS, bytes: null } };
  const onFatal = (error: unknown): never => assert.fail(String(error));
  return { driver, clock, log: silentLog, onFatal, options, store } as unknown as ControlPorts;
}

for (const kind of ['docker', 'podman'] as const) {
  test(
    `on ${kind} an image goes when nothing needs it, and stays while a container is made from it`,
    { skip: engineSkip() },
    async () => {
      const engine = testEngine(kind);
      const folder = await makeDockerFolder(engine);
      const driver = folder.open();
      await driver.fingerprint();
      const image = await pushTestImage(`swept-on-${kind}`, '1', kind);
      const clock = new ManualClock();
      let needed: readonly string[] = [];
      const cleaner = new ImageCleaner(portsOf(driver, clock), () => ({ needed, reserved: [] }));
      const sweepAfter = async (hours: number): Promise<boolean> => {
        clock.advance(hours * HOUR_MS);
        await cleaner.sweep();
        return (await driver.images.find(image)) !== null;
      };
      try {
        const pulled = await driver.images.pull(image, {
          ...pullContext(),
          credential: credentialOf(engine),
        });
        cleaner.note(image, pulled);
        needed = [pulled.pinned];
        assert.equal(await sweepAfter(5), true);
        needed = [];
        await driver.start({ ...workerOrder('sweep', servingSpec(image)), devices: [] });
        assert.equal(await sweepAfter(5), true);
        await driver.stop('sweep' as WorkerId, 0);
        assert.equal(await sweepAfter(0.5), true);
        assert.equal(await sweepAfter(1), false);
      } finally {
        for (const { workerId } of await driver.list()) await driver.stop(workerId, 0);
        await driver.close();
        await folder.remove();
      }
    },
  );
}
