import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointId } from '../../src/base/ids.ts';
import type { RolloutCommand } from '../../src/model/rollout-order.ts';
import type { RolloutChoices } from '../../src/model/rollout-options.ts';
import type { WorldSettings } from '../../src/simulate/world.ts';
import { EndpointEvents } from '../../src/control/endpoint-events.ts';
import { CALLER, ControlWorld } from '../support/control-world.ts';

async function load(world: ControlWorld, id: EndpointId, durationMs: number): Promise<void> {
  for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs += 100) {
    world.traffic.arrive(id, 200);
    await world.advance(100);
  }
}

/** More requests at once than the old workers would take without the new one. */
async function crowd(world: ControlWorld, id: EndpointId, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    for (let count = 0; count < 6; count += 1) world.traffic.arrive(id, 400);
    await load(world, id, 500);
  }
}

async function order(world: ControlWorld, id: EndpointId, command: RolloutCommand) {
  return await world.answerOf(world.control.service.rolloutOrder(id, command, CALLER));
}

async function update(world: ControlWorld, id: EndpointId, command: string, rollout: RolloutChoices = {}) {
  const terms = { ifMatch: null, once: null, rollout };
  await world.answerOf(world.control.service.update(id, { command }, CALLER, terms));
}

/** Two workers that serve, on a machine with a third device. */
async function serving(settings: WorldSettings = {}): Promise<{ world: ControlWorld; id: EndpointId }> {
  const world = await ControlWorld.open({ devices: 3, ...settings });
  const id = await world.create({
    product_id: 'gpu',
    worker_config: { min_replicas: 2, max_replicas: 2, max_concurrent_per_worker: 4, request_timeout: 60 },
  });
  await load(world, id, 2_000);
  return { world, id };
}

const stateOf = (world: ControlWorld, id: EndpointId) => world.view(id).endpoint.rollout?.state;
const code = (expected: string) => (error: unknown) => (error as { code?: string }).code === expected;

describe('a paused rollout', () => {
  it('at zero workers lets the former revision serve, until it is resumed', async () => {
    const world = await ControlWorld.open();
    const id = await world.create({ worker_config: { max_replicas: 1, idle_timeout: 5 } });
    await update(world, id, 'start=200');
    await order(world, id, 'pause');
    await load(world, id, 2_000);
    assert.equal(world.workers(id), 'ready:1');
    await order(world, id, 'resume');
    await load(world, id, 30_000);
    assert.equal(stateOf(world, id), 'done');
    assert.equal(world.traffic.ends.served, world.traffic.admitted - world.traffic.open);
  });

  it('stays in its proof, shares the load, and is resumed to its end', async () => {
    const { world, id } = await serving();
    await update(world, id, 'start=200');
    await load(world, id, 1_000);
    assert.equal(stateOf(world, id), 'baking');
    await order(world, id, 'pause');
    await crowd(world, id, 100);
    assert.equal(stateOf(world, id), 'baking');
    const { guard, waitsFor } = await world.control.service.rollout(id, CALLER);
    assert.ok((guard?.target.answered ?? 0) > 50, `${guard?.target.answered} answers, the sample has 20`);
    assert.equal(waitsFor, 'somebody to resume it');
    await order(world, id, 'resume');
    await load(world, id, 30_000);
    assert.equal(stateOf(world, id), 'done');
    assert.equal(world.traffic.ends.served, world.traffic.admitted - world.traffic.open);
  });

  it('replaces no further worker', async () => {
    const { world, id } = await serving();
    await update(world, id, 'start=3000');
    while (stateOf(world, id) !== 'rolling') await load(world, id, 100);
    await order(world, id, 'pause');
    await load(world, id, 60_000);
    assert.equal(stateOf(world, id), 'rolling');
    assert.match(world.workers(id), /ready:1.*ready:2/);
  });

  it('says that it is paused only as long as it is', async () => {
    const world = await ControlWorld.open();
    const id = await world.create({ worker_config: { max_replicas: 1 } });
    await update(world, id, 'start=200');
    const message = () => world.view(id).endpoint.rollout?.message ?? '';
    for (const command of ['resume', 'promote'] as const) {
      await order(world, id, 'pause');
      assert.match(message(), /^paused/);
      await order(world, id, command);
      assert.equal(message(), '');
    }
  });

  it('is still taken back when it fails', async () => {
    const { world, id } = await serving();
    world.traffic.statusOf = (revision) => (revision === 2 ? 500 : 200);
    await update(world, id, 'start=200');
    await order(world, id, 'pause');
    await order(world, id, 'resume');
    await load(world, id, 300);
    await order(world, id, 'pause');
    await crowd(world, id, 40);
    assert.equal(stateOf(world, id), 'failed');
  });

  it('is paused still after a restart of the server', async () => {
    const { world, id } = await serving();
    await update(world, id, 'start=200');
    await load(world, id, 1_000);
    await order(world, id, 'pause');
    await world.restart();
    await load(world, id, 60_000);
    assert.equal(stateOf(world, id), 'baking');
  });
});

describe('an aborted rollout', () => {
  for (const [where, until] of [
    ['before its first worker is ready', 'starting'],
    ['in its proof', 'baking'],
    ['between the workers', 'rolling'],
    ['in its watch', 'watching'],
  ] as const) {
    it(`${where} goes back, and its revision gets nothing more`, async () => {
      const { world, id } = await serving({ rollout: { watchMs: 60_000 } });
      await update(world, id, 'start=3000');
      while (stateOf(world, id) !== until) await load(world, id, 100);
      await order(world, id, 'abort');
      assert.equal(stateOf(world, id), 'aborted');
      world.traffic.onGiven = (_, worker) => assert.equal(worker.revision, 1);
      await load(world, id, 10_000);
      assert.equal(world.workers(id), 'ready:1 ready:1');
      assert.match(world.view(id).message, /revision 2 was aborted and revision 1 serves/);
      assert.equal(world.traffic.ends.served, world.traffic.admitted - world.traffic.open);
    });
  }
});

describe('a promoted rollout', () => {
  it('is neither proven nor guarded', async () => {
    const { world, id } = await serving({ rollout: { watchMs: 60_000, bakeMs: 600_000 } });
    world.traffic.statusOf = (revision) => (revision === 2 ? 500 : 200);
    await update(world, id, 'start=200');
    await order(world, id, 'promote');
    await load(world, id, 5_000);
    assert.equal(stateOf(world, id), 'done');
    assert.equal(world.view(id).endpoint.stableRevision, 2);
  });

  it('goes on when it was paused', async () => {
    const { world, id } = await serving();
    await update(world, id, 'start=200');
    await load(world, id, 1_000);
    await order(world, id, 'pause');
    await order(world, id, 'promote');
    await load(world, id, 5_000);
    assert.equal(stateOf(world, id), 'done');
  });
});

describe('is refused', () => {
  it('every order where there never was a rollout', async () => {
    const { world, id } = await serving();
    for (const command of ['pause', 'resume', 'promote', 'abort'] as const) {
      await assert.rejects(order(world, id, command), code('ROLLOUT_NOT_FOUND'));
    }
    await assert.rejects(world.control.service.rollout(id, CALLER), code('ROLLOUT_NOT_FOUND'));
  });

  it('every order to one that is over', async () => {
    const { world, id } = await serving();
    await update(world, id, 'exit');
    await load(world, id, 20_000);
    assert.equal(stateOf(world, id), 'failed');
    for (const command of ['pause', 'resume', 'promote', 'abort'] as const) {
      await assert.rejects(order(world, id, command), code('ROLLOUT_OVER'));
    }
    assert.equal((await world.control.service.rollout(id, CALLER)).waitsFor, '');
  });
});

describe('the options of an update', () => {
  it('hold for its rollout, also after a restart, and for no other', async () => {
    const { world, id } = await serving();
    await update(world, id, 'start=200', { bakeMs: 60_000, bakeRequests: 100_000 });
    await world.restart();
    await load(world, id, 50_000);
    assert.equal(stateOf(world, id), 'baking');
    await load(world, id, 20_000);
    assert.equal(stateOf(world, id), 'done');
    await update(world, id, 'start=100');
    await load(world, id, 10_000);
    assert.equal(stateOf(world, id), 'done');
  });

  it('prove a first step of several workers, which take the places of old ones', async () => {
    const world = await ControlWorld.open({ devices: 6 });
    const id = await world.create({
      product_id: 'gpu',
      worker_config: { min_replicas: 4, max_replicas: 4, max_concurrent_per_worker: 4, request_timeout: 60 },
    });
    await load(world, id, 2_000);
    await update(world, id, 'start=200', {
      firstStep: { value: 50, unit: 'percent' },
      bakeMs: 30_000,
      bakeRequests: 100_000,
    });
    await load(world, id, 20_000);
    assert.equal(stateOf(world, id), 'baking');
    assert.equal(world.workers(id), 'ready:1 ready:1 ready:2 ready:2');
    await load(world, id, 30_000);
    assert.equal(world.workers(id), 'ready:2 ready:2 ready:2 ready:2');
    assert.equal(world.traffic.ends.served, world.traffic.admitted - world.traffic.open);
  });

  it('a surge of 0 replaces in place although a device is free', async () => {
    const { world, id } = await serving();
    await update(world, id, 'start=200', { maxSurge: { value: 0, unit: 'percent' } });
    for (let step = 0; step < 300 && stateOf(world, id) !== 'done'; step += 1) {
      assert.ok(world.machine.running <= 2, world.workers(id));
      await load(world, id, 100);
    }
    assert.equal(stateOf(world, id), 'done');
  });
});

it('a rollout tells what holds a drain, and when that is closed', async () => {
  const { world, id } = await serving();
  world.traffic.arrive(id, 40_000);
  await world.advance(100);
  await update(world, id, 'start=200', { drainDeadlineMs: 600_000, bakeMs: 0 });
  await world.advance(5_000);
  const { holders, waitsFor } = await world.control.service.rollout(id, CALLER);
  assert.equal(holders.length, 1);
  assert.equal(holders[0]?.request.revision, 1);
  assert.ok((holders[0]?.closedAtMs ?? 0) > world.clock.nowMs() + 590_000);
  assert.match(waitsFor, /1 old worker to leave .1 draining, with 1 request./);
});

it('events tell of every decision in order, and of the figures of the guard', async () => {
  const { world, id } = await serving();
  world.traffic.statusOf = (revision) => (revision === 2 ? 500 : 200);
  await load(world, id, 60_000);
  await update(world, id, 'start=200');
  await load(world, id, 20_000);
  const events = world.control.service.eventList(id, null, CALLER);
  const told = events.map(({ kind, code: why }) => `${kind}.${why}`);
  assert.equal(told.filter((text) => text === 'order.update').length, 1);
  for (const wanted of [
    'scale.min',
    'worker.ready',
    'rollout.firstWorkerAsked',
    'guard.tripped',
    'worker.stopped',
  ]) {
    assert.ok(told.includes(wanted), `${wanted} in ${told.join(' ')}`);
  }
  const tripped = events.find(({ code: why }) => why === 'tripped');
  assert.equal(tripped?.revision, 2);
  assert.ok(Number(tripped?.facts['targetFailed']) >= 3);
  assert.ok(events.every((event, index) => index === 0 || event.id > (events[index - 1]?.id ?? 0)));
  const { guard, rollout } = await world.control.service.rollout(id, CALLER);
  assert.equal(rollout.state, 'failed');
  assert.match(guard?.tripped ?? '', /requests failed on it/);
});

it('an event of a leaving worker names it, and a device that goes to another endpoint is told to both', async () => {
  const world = await ControlWorld.open({ devices: 1 });
  const limits = { max_replicas: 1, idle_timeout: 600, request_timeout: 60 };
  const first = await world.create({ product_id: 'gpu', worker_config: limits });
  const second = await world.create({ product_id: 'gpu', worker_config: limits });
  world.traffic.arrive(first, 100);
  await world.advance(60_000);
  world.traffic.arrive(second, 100);
  await world.advance(5_000);
  const evicted = world.control.service
    .eventList(first, null, CALLER)
    .find(({ kind }) => kind === 'eviction');
  assert.equal(typeof evicted?.workerId, 'string');
  assert.equal(evicted?.facts['devices'], '0');
  const coming = world.control.service
    .eventList(second, null, CALLER)
    .find(({ kind }) => kind === 'eviction');
  assert.deepEqual([coming?.code, coming?.facts], ['devicesComing', { devices: '0', why: 'giveWayIdle' }]);
  assert.deepEqual(
    world.view(second).workers.map((worker) => worker.id),
    [coming?.workerId],
  );
  assert.ok(coming?.message.includes(`${evicted?.workerId} of endpoint ${first} `), coming?.message);
  await world.answerOf(world.control.service.update(first, { worker_config: { max_replicas: 0 } }, CALLER));
  const events = world.control.service.eventList(first, null, CALLER);
  assert.equal(events.at(-1)?.code, 'update');
  const { id } = events[0] ?? assert.fail('no event');
  assert.equal(world.control.service.eventList(first, id, CALLER).length, events.length - 1);
});

it('who follows events has each in its turn, up to the limit of readers, until the endpoint is gone', async () => {
  const world = await ControlWorld.open();
  const id = await world.create();
  const seen: string[] = [];
  let ended = 0;
  const reader = { onEvent: ({ code: why }: { code: string }) => seen.push(why), onEnd: () => (ended += 1) };
  const follow = () => world.control.service.eventsFollow(id, null, CALLER, { ...reader });
  const followed = follow();
  world.traffic.arrive(id, 100);
  await world.advance(1_000);
  assert.ok(seen.includes('ready'), seen.join(' '));
  followed.stop();
  const readers = Array.from({ length: 32 }, follow);
  assert.throws(follow, code('EVENT_READERS_LIMIT'));
  readers[0]?.stop();
  await world.answerOf(world.control.service.delete(id, CALLER));
  await world.advance(60_000);
  assert.equal(ended, 31);
});

it('events that are no longer kept are told to be missing', () => {
  const events = new EndpointEvents(1_000);
  for (let count = 0; count < 600; count += 1) {
    events.note(1_000 + count, { kind: 'scale', code: 'x', message: String(count) });
  }
  const kept = events.after(null);
  assert.deepEqual([kept.length, kept[0]?.message], [500, '100']);
  assert.equal(events.missedAfter(kept[0]?.id ?? 0), false);
  assert.equal(events.missedAfter((kept[0]?.id ?? 0) - 2), true);
  const newest = kept.at(-1)?.id ?? 0;
  assert.deepEqual([events.missedAfter(newest), events.after(newest)], [false, []]);
  assert.equal(events.missedAfter(newest + 1), true, 'of a server whose clock was ahead');
  assert.equal(events.after(newest + 1).length, kept.length);
});
