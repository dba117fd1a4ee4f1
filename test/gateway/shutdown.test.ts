import assert from 'node:assert/strict';
import { gatewayWorld, testBoth, readAnswer, reasonOf } from '../support/gateway-world.ts';

testBoth(
  'a drain refuses new requests and ends when those that run and wait have ended',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    const open: (() => void)[] = [];
    await world.worker((_request, response) => {
      response.write('a');
      open.push(() => response.end('b'));
    });
    const { answer } = await world.open('/running');
    const waiting = world.send('/waiting');
    await world.listener.seen('waiting');
    let drained = false;
    const drain = world.gateway.beginDrain().then(() => (drained = true));
    const refused = await world.send('/new');
    assert.equal(refused.status, 503);
    assert.equal(reasonOf(refused), 'SHUTTING_DOWN');
    assert.equal(refused.headers.connection, 'close');
    assert.equal(drained, false);
    open[0]?.();
    assert.equal((await readAnswer(answer)).body, 'ab');
    while (open.length < 2) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(drained, false);
    open[1]?.();
    const late = await waiting;
    assert.equal(late.body, 'ab');
    assert.equal(late.headers.connection, 'close');
    await drain;
    assert.equal(world.gateway.inFlight, 0);
  },
);

testBoth('a drain of an idle gateway ends at once', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  await world.gateway.beginDrain();
});
