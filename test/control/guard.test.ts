import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointId } from '../../src/base/ids.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { RolloutOptions } from '../../src/model/rollout-options.ts';
import { ControlWorld } from '../support/control-world.ts';

const random = seededRandom(11);

async function load(world: ControlWorld, id: EndpointId, durationMs: number, everyMs = 100): Promise<void> {
  for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs += everyMs) {
    world.traffic.arrive(id, 150 + 100 * random.next());
    await world.advance(everyMs);
  }
}

interface Bad {
  readonly devices?: number;
  readonly command?: string;
  readonly rollout?: Partial<RolloutOptions>;
  readonly answer?: (serviceMs: number) => Partial<ReturnType<ControlWorld['traffic']['answerOf']>>;
}

/** An endpoint with a minute of sound history that is updated to a revision that answers as `bad` says. */
async function update({ devices = 2, command = 'start=200', answer, rollout }: Bad) {
  const world = await ControlWorld.open({ devices, rollout: { watchMs: 60_000, ...rollout } });
  const id = await world.create({ product_id: 'gpu' });
  const sound = world.traffic.answerOf;
  world.traffic.answerOf = (worker, serviceMs) => ({
    ...sound(worker, serviceMs),
    ...(worker.revision === 2 ? answer?.(serviceMs) : {}),
  });
  await load(world, id, 60_000);
  await world.update(id, { command });
  return { world, id };
}

const rolloutOf = (world: ControlWorld, id: EndpointId) => world.view(id).endpoint.rollout;

for (const devices of [1, 2]) {
  describe(`with ${devices} device(s), a revision is taken back`, () => {
    it('that fails now and then', async () => {
      const { world, id } = await update({
        devices,
        answer: () => ({ status: random.next() < 0.1 ? 500 : 200 }),
      });
      await load(world, id, 90_000);
      assert.equal(rolloutOf(world, id)?.state, 'failed', rolloutOf(world, id)?.message);
      assert.match(world.view(id).message, /requests failed on it .* on the stable revision 0 of \d+ did/);
      assert.equal(world.workers(id), 'ready:1');
    });

    it('that cuts streams off', async () => {
      const { world, id } = await update({
        devices,
        answer: (serviceMs) => ({ firstByteMs: serviceMs / 2, breaks: random.next() < 0.1 }),
      });
      await load(world, id, 90_000);
      assert.equal(rolloutOf(world, id)?.state, 'failed', rolloutOf(world, id)?.message);
    });

    it('that takes three times as long to the first byte', async () => {
      const { world, id } = await update({
        devices,
        answer: (serviceMs) => ({ firstByteMs: 3 * serviceMs, endMs: 3 * serviceMs }),
      });
      await load(world, id, 60_000, 250);
      assert.equal(rolloutOf(world, id)?.state, 'failed', rolloutOf(world, id)?.message);
      assert.match(world.view(id).message, /it is slower: \d+ ms .* against \d+ ms on the stable revision/);
    });

    it('that takes requests and never answers', async () => {
      const { world, id } = await update({
        devices,
        answer: () => ({ firstByteMs: Infinity, endMs: Infinity }),
      });
      await load(world, id, 20_000);
      assert.equal(rolloutOf(world, id)?.state, 'failed', rolloutOf(world, id)?.message);
      assert.match(world.view(id).message, /it answered none of its \d+ requests/);
    });

    it('whose workers die 30 s after they were started', async () => {
      const { world, id } = await update({ devices, command: 'start=200 dies=30000' });
      await load(world, id, 120_000);
      assert.equal(rolloutOf(world, id)?.state, 'failed', rolloutOf(world, id)?.message);
      assert.match(world.view(id).message, /2 of its workers died/);
      assert.equal(world.workers(id), 'ready:1');
    });
  });
}

describe('a revision as good as the one before', () => {
  it('is watched for a while after it took over, and then in force', async () => {
    const { world, id } = await update({});
    await load(world, id, 20_000);
    assert.equal(rolloutOf(world, id)?.state, 'watching');
    assert.equal(world.view(id).status, 'running');
    assert.equal(world.view(id).endpoint.stableRevision, 1);
    await load(world, id, 60_000);
    assert.equal(rolloutOf(world, id)?.state, 'done');
    assert.equal(world.view(id).endpoint.stableRevision, 2);
  });

  it('is what a newer update starts from, also while it is watched', async () => {
    const { world, id } = await update({});
    await load(world, id, 20_000);
    await world.update(id, { command: 'exit' });
    assert.equal(world.view(id).endpoint.stableRevision, 2);
    await load(world, id, 20_000);
    assert.equal(rolloutOf(world, id)?.state, 'failed');
    assert.equal(world.workers(id), 'ready:2');
  });

  it('may fail as often as that one does', async () => {
    const world = await ControlWorld.open({ devices: 2, rollout: { watchMs: 20_000 } });
    const id = await world.create({ product_id: 'gpu' });
    world.traffic.statusOf = () => (random.next() < 0.2 ? 500 : 200);
    await load(world, id, 60_000);
    await world.update(id, { command: 'start=200' });
    await load(world, id, 60_000);
    assert.equal(rolloutOf(world, id)?.state, 'done', rolloutOf(world, id)?.message);
  });
});

it('a guard that is off lets a bad revision pass', async () => {
  const { world, id } = await update({
    rollout: { guard: { enabled: false, slowdown: 1.5, minFailures: 3 } },
    answer: () => ({ status: 500 }),
  });
  await load(world, id, 90_000);
  assert.equal(rolloutOf(world, id)?.state, 'done');
});

it('a revision that fails only once it serves alone is taken back too', async () => {
  let bad = false;
  const { world, id } = await update({ answer: () => ({ status: bad ? 500 : 200 }) });
  await load(world, id, 20_000);
  assert.equal(rolloutOf(world, id)?.state, 'watching');
  bad = true;
  await load(world, id, 20_000);
  assert.equal(rolloutOf(world, id)?.state, 'failed');
  assert.equal(world.workers(id), 'ready:1');
});

it('a worker that drains for longer than the deadline is freed of its requests', async () => {
  const world = await ControlWorld.open({ devices: 2, rollout: { drainDeadlineMs: 30_000 } });
  const id = await world.create({ product_id: 'gpu', worker_config: { request_timeout: 600 } });
  world.traffic.arrive(id, 500_000);
  await world.advance(1_000);
  await world.update(id, { command: 'start=200' });
  await world.advance(39_000);
  assert.equal(world.traffic.ends.cut, 0);
  assert.equal(world.workers(id), 'draining:1 ready:2');
  await world.advance(5_000);
  assert.equal(world.traffic.ends.cut, 1);
  assert.equal(world.workers(id), 'ready:2');
  assert.equal(rolloutOf(world, id)?.state, 'done');
});
