import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AppError } from '../../src/base/errors.ts';
import type { EndpointId, OwnerId } from '../../src/base/ids.ts';
import { CALLER, ControlWorld } from '../support/control-world.ts';

/** An endpoint with one worker that is always there, and its revisions 1 to 3 rolled out. */
async function withHistory(): Promise<{ world: ControlWorld; id: EndpointId }> {
  const world = await ControlWorld.open();
  const id = await world.create({ worker_config: { max_replicas: 2, min_replicas: 1 } });
  await world.advance(5_000);
  await world.update(id, { command: 'start=200' });
  await world.advance(30_000);
  await world.update(id, { worker_config: { max_replicas: 5 } });
  await world.update(id, { command: 'start=100', envs: [{ key: 'A', value: '1' }] });
  await world.advance(30_000);
  assert.equal(world.workers(id), 'ready:3');
  return { world, id };
}

async function refusal(change: Promise<unknown>): Promise<AppError> {
  const error: unknown = await change.then(
    () => assert.fail('it was not refused'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AppError, String(error));
  return error;
}

it('a rollback brings back the fields of a revision as a rollout, and leaves the settings', async () => {
  const { world, id } = await withHistory();
  const answer = await world.control.service.rollback(id, { revision: 1 }, CALLER);
  assert.deepEqual([answer.revision, answer.changed], [4, { command: 'revision', envs: 'revision' }]);
  assert.equal(answer.rollout?.state, 'waiting');
  await world.advance(30_000);
  assert.equal(world.workers(id), 'ready:4');
  const { revision, endpoint } = world.view(id);
  assert.equal(revision.spec.command, 'start=300');
  assert.deepEqual([revision.restores, revision.fromRevision], [1, 3]);
  assert.equal(endpoint.settings.maxReplicas, 5);
  assert.equal(endpoint.rollout?.state, 'done');
  await world.close();
});

it('with settings it brings back those that the revision was made with', async () => {
  const { world, id } = await withHistory();
  const { changed } = await world.control.service.rollback(id, { revision: 2, settings: true }, CALLER);
  assert.deepEqual(changed, {
    command: 'revision',
    envs: 'revision',
    'worker_config.max_replicas': 'settings',
  });
  assert.equal(world.view(id).endpoint.settings.maxReplicas, 2);
  await world.close();
});

it('a rollback to what is in force changes nothing, and says so', async () => {
  const { world, id } = await withHistory();
  const { generation } = world.view(id).endpoint;
  assert.deepEqual(await world.control.service.rollback(id, { revision: 3 }, CALLER), {
    revision: 3,
    changed: {},
    rollout: null,
    etag: '"3-2"',
  });
  assert.equal(world.view(id).endpoint.generation, generation);
  await world.close();
});

it('while an update rolls out, a rollback to the stable revision takes it back', async () => {
  const { world, id } = await withHistory();
  await world.update(id, { command: 'never' });
  await world.advance(1_000);
  const { revision, rollout } = await world.control.service.rollback(id, { revision: 3 }, CALLER);
  assert.deepEqual([revision, rollout], [3, null]);
  await world.advance(5_000);
  assert.equal(world.workers(id), 'ready:3');
  assert.equal(world.view(id).endpoint.rollout?.state, 'superseded');
  await world.close();
});

it('a failed revision can be brought back, and proves itself anew', async () => {
  const { world, id } = await withHistory();
  await world.update(id, { command: 'exit' });
  await world.advance(60_000);
  assert.equal(world.view(id).endpoint.rollout?.state, 'failed');
  const { revision } = await world.control.service.rollback(id, { revision: 4 }, CALLER);
  assert.equal(revision, 5);
  await world.advance(60_000);
  assert.equal(world.view(id).endpoint.rollout?.state, 'failed');
  assert.equal(world.workers(id), 'ready:3');
  await world.close();
});

it('what cannot be brought back is refused before anything changes', async () => {
  const { world, id } = await withHistory();
  const { generation } = world.view(id).endpoint;
  const rollback = async (body: unknown): Promise<AppError> =>
    await refusal(world.control.service.rollback(id, body, CALLER));
  const missing = await rollback({ revision: 9 });
  assert.equal(missing.code, 'SERVERLESS_REVISION_NOT_FOUND');
  assert.match(missing.message, /There are: 1, 2, 3\.$/);
  for (const [body, field] of [
    [{}, 'revision'],
    [{ revision: 0 }, 'revision'],
    [{ revision: '1' }, 'revision'],
    [{ revision: 1, settings: 'yes' }, 'settings'],
    [{ revision: 1, setting: true }, 'setting'],
    [[], 'body'],
    [null, 'body'],
  ] as const) {
    const error = await rollback(body);
    assert.equal(error.code, 'VALIDATOR_PARAM');
    assert.deepEqual(Object.keys(error.metadata), [field]);
  }
  const terms = { ifMatch: ['"1-1"'], once: null };
  assert.equal(
    (await refusal(world.control.service.rollback(id, { revision: 1 }, CALLER, terms))).code,
    'PRECONDITION_FAILED',
  );
  assert.equal(
    (await refusal(world.control.service.rollback('none', { revision: 1 }, CALLER))).code,
    'SERVERLESS_ENDPOINT_NOT_FOUND',
  );
  const stranger = { ownerId: 'stranger' as OwnerId, admin: false };
  assert.equal(
    (await refusal(world.control.service.rollback(id, { revision: 1 }, stranger))).code,
    'FORBIDDEN',
  );
  assert.equal(world.view(id).endpoint.generation, generation);
  await world.close();
});

it('settings that do not fit the fields brought back are refused with the way out', async () => {
  const world = await ControlWorld.open();
  const id = await world.create({ ports: [9000], health_check: { port: 9000 } });
  await world.update(id, { ports: [9001], health_check: { port: 9001 } });
  const error = await refusal(world.control.service.rollback(id, { revision: 1 }, CALLER));
  assert.deepEqual(Object.keys(error.metadata), ['health_check.port']);
  assert.match(error.metadata['health_check.port'] ?? '', /"settings": true brings back those of revision 1/);
  const { changed } = await world.control.service.rollback(id, { revision: 1, settings: true }, CALLER);
  assert.deepEqual(changed, { health_check: 'settings', ports: 'revision' });
  await world.close();
});

it('settings that were not kept are refused', async () => {
  const world = await ControlWorld.open();
  const id = await world.create();
  await world.update(id, { command: 'start=100' });
  // As a database of the first version holds it.
  const first = world.store.revisions.get(`${id}/1`) ?? assert.fail('no revision 1');
  world.store.revisions.set(`${id}/1`, { ...first, settings: null, createdBy: null });
  await world.restart();
  const error = await refusal(world.control.service.rollback(id, { revision: 1, settings: true }, CALLER));
  assert.deepEqual(Object.keys(error.metadata), ['settings']);
  await world.control.service.rollback(id, { revision: 1 }, CALLER);
  assert.equal(world.view(id).revision.spec.command, 'start=300');
  await world.close();
});

it('the history tells who, from what, the difference, the outcome and the workers', async () => {
  const { world, id } = await withHistory();
  await world.update(id, { command: 'exit' });
  await world.advance(60_000);
  await world.update(id, { command: 'start=50' });
  await world.update(id, { command: 'start=60' });
  const shown = (): unknown[] =>
    world.control.service
      .revisionList(id, CALLER)
      .map(({ revision, outcome, workers }) => [
        revision.number,
        revision.fromRevision,
        revision.createdBy,
        outcome,
        workers,
      ]);
  const owner = CALLER.ownerId;
  const expected = [
    [1, null, owner, 'replaced', 0],
    [2, 1, owner, 'replaced', 0],
    [3, 2, owner, 'in_force', 1],
    [4, 3, owner, 'failed', 0],
    [5, 3, owner, 'superseded', 0],
  ];
  assert.deepEqual(shown().slice(0, 4), expected.slice(0, 4));
  assert.deepEqual((shown()[5] as unknown[]).slice(0, 4), [6, 5, owner, 'rolling_out']);
  await world.advance(150_000);
  expected[2] = [3, 2, owner, 'replaced', 0];
  assert.deepEqual(shown(), [...expected, [6, 5, owner, 'in_force', 1]]);
  await world.restart();
  assert.deepEqual(shown(), [...expected, [6, 5, owner, 'in_force', 1]]);

  const { service } = world.control;
  assert.equal(service.revision(id, 1, CALLER).changed, null);
  assert.deepEqual(service.revision(id, 3, CALLER).changed, {
    'worker_config.max_replicas': { old: 2, new: 5, class: 'settings' },
    command: { old: 'start=200', new: 'start=100', class: 'revision' },
    envs: { old: [], new: [{ key: 'A', value: '1' }], class: 'revision' },
  });
  assert.match(service.revision(id, 4, CALLER).revision.failure ?? '', /2 of its workers failed/);
  assert.throws(
    () => service.revision(id, 99, CALLER),
    (error) => error instanceof AppError && error.code === 'SERVERLESS_REVISION_NOT_FOUND',
  );
  await world.close();
});

it('the times of starts, drains and stops are measured for each revision', async () => {
  const world = await ControlWorld.open();
  const id = await world.create({
    command: 'start=2000 stop=700',
    worker_config: { max_replicas: 1, min_replicas: 1 },
  });
  await world.advance(5_000);
  world.traffic.arrive(id, 20_000);
  await world.update(id, { command: 'start=100' });
  await world.advance(40_000);
  const times = (number: number): (number | null)[] => {
    const { revision } = world.control.service.revision(id, number, CALLER);
    return [revision.pullTimeMs, revision.startTimeMs, revision.stopTimeMs];
  };
  assert.deepEqual(times(1), [0, 2_000, 700]);
  assert.deepEqual(times(2), [0, 100, null]);
  const drainMs = world.control.service.revision(id, 1, CALLER).revision.drainTimeMs ?? 0;
  assert.ok(drainMs > 0 && drainMs < 20_000, String(drainMs));
  const restored = await world.control.service.rollback(id, { revision: 1 }, CALLER);
  assert.deepEqual(times(restored.revision), [0, 2_000, 700]);
  await world.close();
});
