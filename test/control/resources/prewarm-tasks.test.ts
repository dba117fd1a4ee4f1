import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { HOUR_MS } from '../../../src/base/units.ts';
import { PREWARMS_KEPT_MAX, PREWARMS_WAITING_MAX } from '../../../src/model/prewarm-task.ts';
import { CALLER, ControlWorld } from '../../support/control-world.ts';
import { StubImages } from '../../support/stub-images.ts';
import { storedPrewarmTask } from '../../support/stored-records.ts';

async function open(): Promise<{ world: ControlWorld; images: StubImages }> {
  const images = new StubImages();
  return { world: await ControlWorld.open({ images }), images };
}

async function begun(world: ControlWorld, body: Record<string, unknown> = {}): Promise<string> {
  const task = { image: 'nginx', region_id: 'local', ...body };
  return (await world.answerOf(world.control.resources.prewarmCreate(task, CALLER))).id;
}

/** "pending running failed": the tasks' states, in the order of their making. */
function states(world: ControlWorld): string {
  return world.control.resources
    .prewarmList(CALLER)
    .map(({ task }) => task.state)
    .join(' ');
}

test('a task pulls its image, tells how far it is, and what it came to', async () => {
  const { world, images } = await open();
  const auth = { name: 'hub', registry: 'docker.io', username: 'me', password: 'hunter2' };
  const { id: authId } = await world.answerOf(world.control.resources.registryAuthCreate(auth, CALLER));
  await begun(world, { registry_auth_id: authId, product_ids: ['cpu', 'cpu'], name: 'n', note: 'x' });
  const [pull] = images.pulls;
  assert.equal(pull?.image, 'nginx');
  assert.deepEqual(pull.context.credential, { registry: 'docker.io', username: 'me', password: 'hunter2' });
  await assert.rejects(world.answerOf(world.control.resources.registryAuthDelete(authId, CALLER)), {
    code: 'IMAGE_AUTH_IN_USE',
    message: /prewarm task/,
  });
  const progress = { layersDone: 1, layersTotal: 3, bytesDone: 5, bytesTotal: null };
  pull.context.onProgress(progress);
  assert.deepEqual(world.control.resources.prewarmList(CALLER)[0]?.progress, progress);
  await world.advance(5_000);
  pull.done({ sizeBytes: 77 });
  await world.settle();
  const [view] = world.control.resources.prewarmList(CALLER);
  assert.deepEqual(
    [view?.task.state, view?.task.imageBytes, view?.task.productIds, view?.progress],
    ['succeeded', 77, ['cpu'], null],
  );
  assert.equal(view?.task.completedAtMs, (view?.task.createdAtMs ?? 0) + 5_000);
  await world.answerOf(world.control.resources.registryAuthDelete(authId, CALLER));
  await world.close();
});

test('five run at a time, in the order in which they were asked for', async () => {
  const { world, images } = await open();
  for (let index = 0; index < 7; index += 1) await begun(world, { image: `image${index}` });
  assert.equal(states(world), 'running running running running running pending pending');
  images.pulls[3]?.done();
  await world.settle();
  assert.equal(states(world), 'running running running succeeded running running pending');
  assert.equal(images.pulls.at(-1)?.image, 'image5');
  images.pulls[0]?.fail(new AppError('WORKER_START_FAILED', 'the registry is down'));
  await world.settle();
  assert.equal(states(world), 'failed running running succeeded running running running');
  assert.deepEqual(world.control.resources.prewarmList(CALLER)[0]?.task.reasons, ['the registry is down']);
  await world.close();
});

test('a pull that never ends is given up, and the next task has its place', async () => {
  const { world, images } = await open();
  for (let index = 0; index < 6; index += 1) await begun(world);
  await world.advance(2 * HOUR_MS);
  assert.equal(states(world), 'failed failed failed failed failed running');
  assert.match(
    world.control.resources.prewarmList(CALLER)[0]?.task.reasons.join() ?? '',
    /longer than 120 minutes/,
  );
  assert.equal(images.pulls[0]?.context.signal.aborted, true);
  await world.close();
});

test('the next server takes up what ran and what waited', async () => {
  const { world, images } = await open();
  for (let index = 0; index < 6; index += 1) await begun(world, { image: `image${index}` });
  images.pulls[0]?.fail(new Error('no words for clients'));
  await world.settle();
  await world.restart();
  assert.equal(states(world), 'failed running running running running running');
  assert.deepEqual(
    images.pulls.slice(-5).map(({ image }) => image),
    ['image1', 'image2', 'image3', 'image4', 'image5'],
  );
  assert.deepEqual(world.control.resources.prewarmList(CALLER)[0]?.task.reasons, ['the pull failed']);
  await world.close();
  assert.ok(images.pulls.slice(-5).every(({ context }) => context.signal.aborted));
  assert.equal([...world.store.prewarmTasks.values()].filter(({ state }) => state === 'running').length, 5);
});

test('bad tasks are refused before anything is stored', async () => {
  const { world, images } = await open();
  const auth = { name: 'ghcr', registry: 'ghcr.io', username: 'me', password: 'p' };
  const { id: authId } = await world.answerOf(world.control.resources.registryAuthCreate(auth, CALLER));
  const bad: readonly (readonly [Record<string, unknown>, string, string])[] = [
    [{ image: '' }, 'VALIDATOR_PARAM', 'image'],
    [{ image: 'two words' }, 'VALIDATOR_PARAM', 'image'],
    [{ image: 'x'.repeat(4_096) }, 'VALIDATOR_PARAM', 'image'],
    [{ region_id: undefined }, 'VALIDATOR_PARAM', 'region_id'],
    [{ region_id: 'mars' }, 'VALIDATOR_PARAM', 'region_id'],
    [{ product_ids: ['cpu', 'warp'] }, 'SERVERLESS_PRODUCT_NOT_FOUND', 'product_ids[1]'],
    [{ registry_auth_id: 'gone' }, 'VALIDATOR_PARAM', 'registry_auth_id'],
    [{ registry_auth_id: authId }, 'VALIDATOR_PARAM', 'registry_auth_id'],
    [{ images: [] }, 'VALIDATOR_PARAM', 'images'],
  ];
  for (const [body, code, path] of bad) {
    await assert.rejects(begun(world, body), (error: AppError) => {
      assert.deepEqual([error.code, Object.keys(error.metadata)], [code, [path]], JSON.stringify(body));
      return true;
    });
  }
  assert.equal(world.store.prewarmTasks.size, 0);
  assert.equal(images.pulls.length, 0);
  await world.close();
});

test('a driver without images refuses tasks, and those of another driver fail', async () => {
  const world = await ControlWorld.open();
  await assert.rejects(begun(world), { code: 'IMAGE_NOT_SUPPORTED', message: /pulls no images/ });
  const left = storedPrewarmTask('left', { state: 'pending', regionId: 'local', registryAuthId: '' });
  world.store.prewarmTasks.set(left.id, left);
  await world.restart();
  assert.equal(states(world), 'failed');
  await world.close();
});

test('more tasks than may wait are refused, and no more are kept than may be', async () => {
  const { world, images } = await open();
  for (let index = 0; index < PREWARMS_WAITING_MAX; index += 1) await begun(world);
  await assert.rejects(begun(world), { code: 'OPERATION_LIMIT', message: /100 prewarm tasks wait or run/ });
  for (let made = PREWARMS_WAITING_MAX; made < PREWARMS_KEPT_MAX + 20; made += 1) {
    images.pulls[made - PREWARMS_WAITING_MAX]?.done();
    await world.settle();
    await begun(world);
  }
  const kept = world.control.resources.prewarmList(CALLER);
  assert.equal(kept.length, PREWARMS_KEPT_MAX);
  await world.settle();
  assert.equal(world.store.prewarmTasks.size, PREWARMS_KEPT_MAX);
  await world.close();
});
