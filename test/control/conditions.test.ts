import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import type { EndpointId } from '../../src/base/ids.ts';
import { endpointEtag } from '../../src/model/etag.ts';
import { CALLER, ControlWorld } from '../support/control-world.ts';

function etag(world: ControlWorld, id: EndpointId): string {
  const { revision, endpoint } = world.view(id);
  return endpointEtag(revision.number, endpoint.settingsGeneration);
}

async function refusal(change: Promise<unknown>): Promise<AppError> {
  const error: unknown = await change.then(
    () => assert.fail('it was not refused'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AppError, String(error));
  return error;
}

it('of two clients that read, change and put at once, one is refused and no change is lost', async () => {
  const world = await ControlWorld.open();
  const id = await world.create();
  for (let round = 0; round < 10; round += 1) {
    const read = etag(world, id);
    const put = async (name: string): Promise<unknown> =>
      await world.control.service.update(id, { name }, CALLER, { ifMatch: [read], once: null });
    const names = [`a${round}`, `b${round}`];
    const results = await Promise.allSettled(names.map(async (name) => await put(name)));
    assert.deepEqual(
      results.map((result) => result.status),
      ['fulfilled', 'rejected'],
    );
    const refused = results[1] as PromiseRejectedResult;
    assert.equal((refused.reason as AppError).code, 'PRECONDITION_FAILED');
    assert.equal(world.view(id).endpoint.settings.name, names[0]);
  }
  await world.close();
});

it('a hundred clients that add to a list each, with a new try after a refusal, lose none', async () => {
  const world = await ControlWorld.open();
  const id = await world.create();
  let refused = 0;
  const add = async (key: string): Promise<void> => {
    for (;;) {
      const read = etag(world, id);
      const envs = [...world.view(id).revision.spec.envs, { key, value: '1' }];
      // As over a network: others read meanwhile.
      await Promise.resolve();
      try {
        await world.control.service.update(id, { envs }, CALLER, { ifMatch: [read], once: null });
        return;
      } catch (error) {
        assert.ok(error instanceof AppError && error.code === 'PRECONDITION_FAILED', String(error));
        refused += 1;
      }
    }
  };
  const keys = Array.from({ length: 100 }, (_, index) => `K${index}`);
  await Promise.all(keys.map(async (key) => await add(key)));
  assert.deepEqual(new Set(world.view(id).revision.spec.envs.map(({ key }) => key)), new Set(keys));
  assert.ok(refused > 0);
  await world.close();
});

it('a refusal tells the present tag and what changed since the tag that was read', async () => {
  const world = await ControlWorld.open();
  const id = await world.create();
  const read = etag(world, id);
  await world.update(id, { command: 'start=100', worker_config: { max_replicas: 5 } });
  const now = etag(world, id);
  assert.notEqual(now, read);
  const update = async (ifMatch: readonly string[]): Promise<AppError> =>
    await refusal(world.control.service.update(id, { name: 'x' }, CALLER, { ifMatch, once: null }));
  const error = await update([read]);
  assert.deepEqual(error.metadata, {
    etag: now,
    command: 'was "start=300", is now "start=100"',
    'worker_config.max_replicas': 'was 1, is now 5',
  });
  // A tag that was never given tells nothing: then all that is now is told.
  for (const unknown of [['"99-99"'], ['"what"'], [`W/${now}`], [read, '"other"']]) {
    const { metadata } = await update(unknown);
    assert.equal(metadata['etag'], now);
    assert.equal(metadata['worker_config.max_replicas'], 'is now 5');
  }
  assert.equal((await refusal(world.control.service.delete(id, CALLER, [read]))).code, 'PRECONDITION_FAILED');
  assert.equal(world.view(id).endpoint.deleting, false);
  await world.control.service.update(id, { name: 'x' }, CALLER, { ifMatch: ['"1-1"', now], once: null });
  await world.control.service.delete(id, CALLER, '*');
  assert.equal(
    (await refusal(world.control.service.update('none', {}, CALLER, { ifMatch: '*', once: null }))).code,
    'SERVERLESS_ENDPOINT_NOT_FOUND',
  );
  await world.close();
});

it('the tag stays while an endpoint moves by itself, and changes when a failed update is taken back', async () => {
  const world = await ControlWorld.open();
  const id = await world.create({ worker_config: { max_replicas: 2, min_replicas: 1 } });
  const first = etag(world, id);
  await world.advance(5_000);
  assert.equal(etag(world, id), first);
  await world.update(id, { command: 'exit' });
  const second = etag(world, id);
  assert.notEqual(second, first);
  await world.advance(60_000);
  assert.equal(world.view(id).endpoint.rollout?.state, 'failed');
  // The same fields as before are in force again.
  assert.equal(etag(world, id), first);
  await world.update(id, { worker_config: { max_replicas: 2 } });
  assert.equal(etag(world, id), first, 'nothing changed');
  await world.restart();
  assert.equal(etag(world, id), first);
  await world.close();
});

it('a faulty body is told before a tag that does not match', async () => {
  const world = await ControlWorld.open();
  const id = await world.create();
  const terms = { ifMatch: ['"9-9"'], once: null };
  assert.equal(
    (await refusal(world.control.service.update(id, { nmae: 'x' }, CALLER, terms))).code,
    'VALIDATOR_PARAM',
  );
  assert.equal(
    (await refusal(world.control.service.update(id, { product_id: 'tpu' }, CALLER, terms))).code,
    'SERVERLESS_PRODUCT_NOT_FOUND',
  );
  await world.close();
});
