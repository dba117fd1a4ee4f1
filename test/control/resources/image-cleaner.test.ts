import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/base/units.ts';
import type { Driver } from '../../../src/ports/driver.ts';
import { CALLER, ControlWorld } from '../../support/control-world.ts';
import { StubImages } from '../../support/stub-images.ts';

const OPTIONS = { images: { unusedMs: DAY_MS, bytes: null } };

async function open(options = OPTIONS): Promise<{ world: ControlWorld; images: StubImages }> {
  const images = new StubImages();
  const world = await ControlWorld.open({ images, options });
  // What a driver with images tells of a worker's image.
  const machine: Driver = world.machine;
  const prepare = machine.prepare.bind(machine);
  machine.prepare = async (spec, context) => {
    await prepare(spec, context);
    const pulled = !images.held.has(`sha256:${spec.image}`);
    if (pulled) images.hold({ id: `sha256:${spec.image}`, references: [spec.image], sizeBytes: 10 });
    return { id: `sha256:${spec.image}`, pinned: `sha256:${spec.image}`, sizeBytes: 10, pulled };
  };
  return { world, images };
}

async function prewarmed(world: ControlWorld, images: StubImages, image: string): Promise<void> {
  const body = { image, region_id: 'local' };
  await world.answerOf(world.control.resources.prewarmCreate(body, CALLER));
  images.pulls.at(-1)?.done();
  await world.settle();
}

test('a prewarmed image that nobody came to use goes after the bound, not before', async () => {
  const { world, images } = await open();
  await prewarmed(world, images, 'nginx');
  await world.advance(DAY_MS - MINUTE_MS);
  assert.deepEqual(images.removed, []);
  await world.advance(20 * MINUTE_MS);
  assert.deepEqual(images.removed, ['sha256:nginx']);
  assert.equal(world.store.pulledImages.size, 0);
  await world.close();
});

test('the image of a kept revision stays, and goes a while after its endpoint, also across a restart', async () => {
  const { world, images } = await open();
  const id = await world.create({ image: 'llm:1', worker_config: { max_replicas: 1, min_replicas: 1 } });
  await world.advance(MINUTE_MS);
  await world.update(id, { image: 'llm:2' });
  await world.advance(3 * DAY_MS);
  assert.deepEqual([...images.held.keys()], ['sha256:llm:1', 'sha256:llm:2']);
  await world.answerOf(world.control.service.delete(id, CALLER));
  await world.advance(HOUR_MS);
  await world.restart();
  await world.advance(DAY_MS - 2 * HOUR_MS);
  assert.deepEqual(images.removed, []);
  await world.advance(2 * HOUR_MS);
  assert.deepEqual(new Set(images.removed), new Set(['sha256:llm:1', 'sha256:llm:2']));
  await world.close();
});

test('what was there before is never removed', async () => {
  const { world, images } = await open();
  images.hold({ id: 'sha256:llm:1', references: ['llm:1'], sizeBytes: 10 });
  const id = await world.create({ image: 'llm:1', worker_config: { max_replicas: 1, min_replicas: 1 } });
  await world.advance(MINUTE_MS);
  await world.answerOf(world.control.service.delete(id, CALLER));
  await world.advance(30 * DAY_MS);
  assert.deepEqual(images.removed, []);
  assert.equal(world.store.pulledImages.size, 0);
  await world.close();
});

test('an endpoint that comes to need an image while others are being removed keeps it', async () => {
  const { world, images } = await open();
  await prewarmed(world, images, 'one');
  await prewarmed(world, images, 'two');
  await world.advance(DAY_MS - MINUTE_MS);
  const [first, second] = ['sha256:one', 'sha256:two'];
  images.beforeRemove = async (id) => {
    if (id !== first) return;
    const body = { type: 'sync', name: 'late', product_id: 'cpu', image: 'two' };
    await world.control.service.create({ ...body, worker_config: { max_replicas: 1 } }, CALLER);
  };
  await world.advance(HOUR_MS);
  assert.deepEqual(images.removed, [first]);
  assert.ok(images.held.has(second ?? ''));
  await world.close();
});

test('one that cannot be removed holds up no other, and is tried again', async () => {
  const { world, images } = await open();
  await prewarmed(world, images, 'one');
  await prewarmed(world, images, 'two');
  let refusals = 1;
  images.beforeRemove = () => {
    if (refusals-- > 0) throw new Error('the engine is busy');
  };
  await world.advance(DAY_MS + 5 * MINUTE_MS);
  assert.deepEqual(images.removed, ['sha256:two']);
  await world.advance(20 * MINUTE_MS);
  assert.deepEqual(images.removed, ['sha256:two', 'sha256:one']);
  await world.close();
});

test('without bounds nothing is ever looked at', async () => {
  const { world, images } = await open({ images: { unusedMs: null, bytes: null } as never });
  images.list = async () => assert.fail('nobody asked for the images');
  await prewarmed(world, images, 'nginx');
  await world.advance(30 * DAY_MS);
  assert.deepEqual(images.removed, []);
  await world.close();
});
