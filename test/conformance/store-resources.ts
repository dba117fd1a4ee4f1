import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Store } from '../../src/ports/store.ts';
import {
  storedPrewarmTask,
  storedPulledImage,
  storedRegistryAuth,
  storedVolume,
} from '../support/stored-records.ts';
import type { StorePlace } from './store.ts';

/** What every store must do with what endpoints are made with beside their own fields. */
export function storeResourcesConformance(name: string, newPlace: () => Promise<StorePlace>): void {
  const withStore = async (body: (store: Store, place: StorePlace) => Promise<void>): Promise<void> => {
    const place = await newPlace();
    try {
      await withPlace(place, async (store) => await body(store, place));
    } finally {
      await place.remove();
    }
  };

  suite(`store of resources: ${name}`, () => {
    test('credentials, volumes, prewarm tasks and pulled images: every field comes back, in order, until deleted', async () => {
      await withStore(async (store, place) => {
        const auths = [
          storedRegistryAuth('a1'),
          storedRegistryAuth('a0', { createdAtMs: 1_800_000_000_000 }),
        ];
        const volumes = [storedVolume('v1'), storedVolume('v0', { createdAtMs: 1_800_000_000_000 })];
        const tasks = [
          storedPrewarmTask('p1'),
          storedPrewarmTask('p0', {
            state: 'running',
            createdAtMs: 1_800_000_000_000,
            imageBytes: null,
            completedAtMs: null,
            reasons: [],
          }),
        ];
        const images = [storedPulledImage('sha256:b', { lastUsedAtMs: 1 }), storedPulledImage('sha256:a')];
        for (const auth of auths.toReversed()) await store.registryAuthInsert(auth);
        for (const volume of volumes.toReversed()) await store.volumeInsert(volume);
        for (const task of tasks.toReversed()) await store.prewarmTaskPut(task);
        for (const image of images.toReversed()) await store.pulledImagePut(image);
        const check = async (reader: Store): Promise<void> => {
          assert.deepEqual(await reader.registryAuthList(), auths);
          assert.deepEqual(await reader.volumeList(), volumes);
          assert.deepEqual(await reader.prewarmTaskList(), tasks);
          assert.deepEqual(await reader.pulledImageList(), images);
        };
        await check(store);
        await store.close();
        await withPlace(place, async (next) => {
          await check(next);
          for (const auth of auths) await next.registryAuthDelete(auth.id);
          for (const volume of volumes) await next.volumeDelete(volume.id);
          for (const task of tasks) await next.prewarmTaskDelete(task.id);
          for (const image of images) await next.pulledImageDelete(image.id);
          for (const image of images) await next.pulledImageDelete(image.id);
          assert.deepEqual(await next.registryAuthList(), []);
          assert.deepEqual(await next.volumeList(), []);
          assert.deepEqual(await next.prewarmTaskList(), []);
          assert.deepEqual(await next.pulledImageList(), []);
        });
      });
    });

    test('a volume grows, a task goes on, an image is used again: the stored record follows', async () => {
      await withStore(async (store) => {
        const volume = storedVolume('v1');
        await store.volumeInsert(volume);
        await store.volumeUpdate({ ...volume, name: 'bigger', sizeGb: 400 });
        assert.deepEqual(await store.volumeList(), [{ ...volume, name: 'bigger', sizeGb: 400 }]);
        const task = storedPrewarmTask('p1', { state: 'pending' });
        await store.prewarmTaskPut(task);
        await store.prewarmTaskPut({ ...task, state: 'succeeded', imageBytes: 7 });
        assert.deepEqual(await store.prewarmTaskList(), [{ ...task, state: 'succeeded', imageBytes: 7 }]);
        const image = storedPulledImage('sha256:a');
        await store.pulledImagePut(image);
        await store.pulledImagePut({ ...image, references: ['again'], lastUsedAtMs: 9 });
        assert.deepEqual(await store.pulledImageList(), [
          { ...image, references: ['again'], lastUsedAtMs: 9 },
        ]);
      });
    });

    test('a second credential or volume of an id, and the change of a volume that is gone, are refused', async () => {
      await withStore(async (store) => {
        await store.registryAuthInsert(storedRegistryAuth('a1'));
        await store.volumeInsert(storedVolume('v1'));
        const again = storedRegistryAuth('a1', { name: 'other' });
        await assert.rejects(store.registryAuthInsert(again), { code: 'STORE_CONFLICT' });
        const other = storedVolume('v1', { name: 'other' });
        await assert.rejects(store.volumeInsert(other), { code: 'STORE_CONFLICT' });
        await assert.rejects(store.volumeUpdate(storedVolume('v2')), { code: 'STORE_CONFLICT' });
        assert.deepEqual(await store.registryAuthList(), [storedRegistryAuth('a1')]);
        assert.deepEqual(await store.volumeList(), [storedVolume('v1')]);
      });
    });
  });
}

async function withPlace(place: StorePlace, body: (store: Store) => Promise<void>): Promise<void> {
  const store = await place.open();
  try {
    await body(store);
  } finally {
    await store.close();
  }
}
