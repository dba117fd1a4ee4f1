import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soakGateways } from '../support/gateway-soak/soak.ts';

test('no worker sees more than its slots, with clients that leave, workers that drain and threads that are killed', async () => {
  const [result] = await soakGateways({
    threads: 2,
    workers: 4,
    clients: 48,
    slots: [2],
    requests: 6_000,
    kills: 2,
    drains: 8,
    leaveShare: 0.1,
    seed: 3,
  });
  assert.ok(result !== undefined);
  const { answered, left, cut, stuck, most, killed, drained, refused } = result;
  assert.deepEqual([stuck, killed, refused], [0, 2, {}]);
  assert.ok(most.every((seen) => seen <= 2));
  // They were under load, and the other thread served on.
  assert.ok(most.includes(2) && drained > 0 && left > 0);
  assert.ok(cut > 0, 'nobody was on a thread that was killed');
  assert.ok(answered > 3_000, `${answered} of 6,000 were answered`);
  assert.equal(answered + left + cut, 6_000);
});
