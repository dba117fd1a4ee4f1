import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import type { OwnerId } from '../../src/base/ids.ts';
import type { RepeatKey } from '../../src/ports/endpoint-service.ts';
import { CALLER, ControlWorld } from '../support/control-world.ts';

const ONCE: RepeatKey = { key: 'k', fingerprint: 'f' };
const BODY = {
  type: 'sync',
  name: 'test',
  product_id: 'cpu',
  image: 'host',
  command: 'start=300',
  worker_config: { max_replicas: 1 },
};

function endpoints(world: ControlWorld): number {
  return world.control.service.list({ limit: 0, cursor: '', keyword: '', ownerIds: [] }, CALLER).views.length;
}

async function refusedWith(code: string, change: Promise<unknown>): Promise<void> {
  const error: unknown = await change.then(
    () => assert.fail('it was not refused'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AppError && error.code === code, String(error));
}

it('a create that comes again makes nothing and is answered as before, also after a crash and a delete', async () => {
  const world = await ControlWorld.open();
  const first = await world.control.service.create(BODY, CALLER, ONCE);
  assert.deepEqual(await world.control.service.create(BODY, CALLER, ONCE), { ...first, replayed: true });
  await world.restart();
  assert.deepEqual(await world.control.service.create(BODY, CALLER, ONCE), { ...first, replayed: true });
  assert.equal(endpoints(world), 1);
  await world.control.service.delete(first.id, CALLER);
  await world.advance(100);
  assert.deepEqual(await world.control.service.create(BODY, CALLER, ONCE), { ...first, replayed: true });
  assert.equal(endpoints(world), 0);
  await world.close();
});

it('an update that comes again is answered as before, whatever became of the endpoint meanwhile', async () => {
  const world = await ControlWorld.open();
  const id = await world.create({ worker_config: { max_replicas: 2, min_replicas: 1 } });
  await world.advance(1_000);
  const update = async (body: unknown, once: RepeatKey): ReturnType<typeof world.control.service.update> =>
    await world.control.service.update(id, body, CALLER, { ifMatch: null, once });
  const first = await update({ command: 'start=100' }, ONCE);
  await world.advance(60_000);
  await world.update(id, { command: 'start=200' });
  assert.deepEqual(await update({ command: 'start=100' }, ONCE), { ...first, replayed: true });
  assert.equal(world.view(id).revision.number, 3);

  // One that changed nothing has an answer too.
  const unchanged = { key: 'unchanged', fingerprint: 'f' };
  const nothing = await update({}, unchanged);
  assert.deepEqual(nothing.changed, {});
  await world.update(id, { command: 'start=400' });
  assert.deepEqual(await update({}, unchanged), { ...nothing, replayed: true });
  await world.close();
});

it('a key with another request is refused, during the first one and after it', async () => {
  const world = await ControlWorld.open();
  const other = { key: 'k', fingerprint: 'other' };
  const first = world.control.service.create(BODY, CALLER, ONCE);
  await refusedWith('IDEMPOTENCY_KEY_REUSED', world.control.service.create(BODY, CALLER, other));
  await first;
  await refusedWith('IDEMPOTENCY_KEY_REUSED', world.control.service.create(BODY, CALLER, other));
  // Another owner's keys are others.
  await world.control.service.create(BODY, { ownerId: 'other' as OwnerId, admin: false }, other);
  assert.equal(endpoints(world), 2);
  await world.close();
});

it('of many that come at once one takes effect and all are answered alike', async () => {
  const world = await ControlWorld.open();
  const answers = await Promise.all(
    Array.from({ length: 50 }, async () => await world.control.service.create(BODY, CALLER, ONCE)),
  );
  assert.equal(endpoints(world), 1);
  assert.equal(new Set(answers.map(({ id }) => id)).size, 1);
  assert.equal(answers.filter(({ replayed }) => replayed !== true).length, 1);
  await world.close();
});

it('a refused request has changed nothing, and its key is free', async () => {
  const world = await ControlWorld.open();
  const id = await world.create();
  const update = async (body: unknown, fingerprint: string): Promise<unknown> =>
    await world.control.service.update(id, body, CALLER, {
      ifMatch: null,
      once: { key: 'k', fingerprint },
    });
  await refusedWith('VALIDATOR_PARAM', update({ nmae: 'x' }, 'a'));
  world.store.refuseNextUpdate = Promise.resolve();
  await refusedWith('STORE_FAILED', update({ name: 'x' }, 'b'));
  await update({ name: 'y' }, 'c');
  assert.equal(world.view(id).endpoint.settings.name, 'y');
  await refusedWith(
    'SERVERLESS_ENDPOINT_NOT_FOUND',
    world.control.service.update('none', {}, CALLER, {
      ifMatch: null,
      once: { key: 'k2', fingerprint: 'a' },
    }),
  );
  await world.close();
});

it('a key can be used again after a day', async () => {
  const world = await ControlWorld.open();
  await world.control.service.create(BODY, CALLER, ONCE);
  await world.advance(24 * 3_600_000 - 1);
  await refusedWith(
    'IDEMPOTENCY_KEY_REUSED',
    world.control.service.create(BODY, CALLER, { ...ONCE, fingerprint: 'o' }),
  );
  await world.advance(1);
  await world.control.service.create(BODY, CALLER, { ...ONCE, fingerprint: 'o' });
  assert.equal(endpoints(world), 2);
  await world.close();
});

it('a change that was stored although its write failed has taken effect, and its repeat is answered', async () => {
  const world = await ControlWorld.open();
  const { store } = world;
  const failsBehind = (name: 'endpointInsert' | 'endpointUpdate'): void => {
    const write = store[name].bind(store) as (...given: unknown[]) => Promise<void>;
    Object.assign(store, {
      [name]: async (...given: unknown[]): Promise<void> => {
        await write(...given);
        Object.assign(store, { [name]: write });
        throw new AppError('STORE_FAILED', 'the answer of the disk was lost');
      },
    });
  };
  failsBehind('endpointInsert');
  const created = await world.control.service.create(BODY, CALLER, ONCE);
  assert.equal(endpoints(world), 1);
  assert.deepEqual(await world.control.service.create(BODY, CALLER, ONCE), { ...created, replayed: true });
  failsBehind('endpointUpdate');
  const terms = { ifMatch: null, once: { key: 'u', fingerprint: 'u' } };
  const updated = await world.control.service.update(created.id, { name: 'x' }, CALLER, terms);
  assert.equal(world.view(created.id).endpoint.settings.name, 'x');
  assert.deepEqual(await world.control.service.update(created.id, { name: 'x' }, CALLER, terms), {
    ...updated,
    replayed: true,
  });
  await world.close();
});
