import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkerId } from '../../src/base/ids.ts';
import { readyVariables } from '../../src/jobs/worker-protocol/ready-variables.ts';
import { ENDPOINT, head, ProtocolWorld } from './protocol-world.ts';

const LIMIT = { timeout: 20_000 };

function addressOf(world: ProtocolWorld, id: string, tokenOf = id): string {
  const holder = { endpointId: ENDPOINT, workerId: id as WorkerId };
  const { PILOTLIGHT_READY_URL = '' } = readyVariables(holder, {
    base: world.url,
    token: world.token(tokenOf),
  });
  const { pathname, search } = new URL(PILOTLIGHT_READY_URL);
  return pathname + search;
}

test('a worker that posts to its address is noticed, without a header of its own', LIMIT, async () => {
  await using world = await ProtocolWorld.open();
  const answer = await world.raw(head('POST', addressOf(world, 'w2'), { 'content-length': '0' }));
  assert.deepEqual([answer.status, answer.body], [200, '{"status":"ok"}']);
  assert.deepEqual(world.noticed, ['w2']);
});

test('nobody is noticed for a wrong method, token or worker, or after its end', LIMIT, async () => {
  await using world = await ProtocolWorld.open();
  const own = addressOf(world, 'w1');
  const foreign = addressOf(world, 'w1', 'w2');
  const bare = own.slice(0, own.indexOf('?'));
  const nobodys = `${bare}?token=plw.ep1.w1.${'A'.repeat(43)}`;
  const statuses = [];
  for (const [method, target] of [
    ['GET', own],
    ['POST', bare],
    ['POST', nobodys],
    ['POST', foreign],
  ] as const) {
    statuses.push((await world.raw(head(method, target, { 'content-length': '0' }))).status);
  }
  world.live.delete('w1');
  statuses.push((await world.raw(head('POST', own, { 'content-length': '0' }))).status);
  assert.deepEqual(statuses, [405, 401, 401, 403, 403]);
  assert.deepEqual(world.noticed, []);
});
