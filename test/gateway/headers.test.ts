import assert from 'node:assert/strict';
import { KEY, gatewayWorld, testBoth } from '../support/gateway-world.ts';

testBoth('hop-by-hop headers stay on their connection, both ways', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  let seen: Record<string, unknown> = {};
  const worker = await world.worker((request, response) => {
    seen = request.headers;
    response.writeHead(200, {
      connection: 'close, x-worker-hop',
      'x-worker-hop': '1',
      'keep-alive': 'timeout=9',
      'proxy-authenticate': 'Basic',
      'x-pilotlight-worker': 'forged',
      'set-cookie': ['a=1', 'b=2'],
      'x-kept': 'yes',
    });
    response.end('ok');
  });
  const answer = await world.send('/', {
    headers: {
      authorization: `Bearer ${KEY}`,
      connection: 'keep-alive, x-client-hop, content-length',
      'x-client-hop': '1',
      'proxy-authorization': 'Basic x',
      te: 'trailers',
      'keep-alive': '300',
      'x-forwarded-for': '10.0.0.9',
      'x-kept': 'yes',
    },
    body: 'with a length',
  });
  for (const name of [
    'x-client-hop',
    'proxy-authorization',
    'te',
    'keep-alive',
    'authorization',
    'upgrade',
  ]) {
    assert.equal(seen[name], undefined, name);
  }
  assert.equal(seen['content-length'], '13');
  assert.equal(seen['x-kept'], 'yes');
  assert.equal(seen['host'], `127.0.0.1:${worker.port}`);
  assert.equal(seen['x-forwarded-host'], `127.0.0.1:${world.port}`);
  assert.equal(seen['x-forwarded-proto'], 'http');
  assert.equal(seen['x-forwarded-for'], '10.0.0.9, 127.0.0.1');
  assert.equal(answer.headers['x-worker-hop'], undefined);
  assert.equal(answer.headers['proxy-authenticate'], undefined);
  assert.equal(answer.headers['keep-alive']?.includes('9') ?? false, false);
  assert.equal(answer.headers['x-pilotlight-worker'], worker.id);
  assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
  assert.equal(answer.headers['x-kept'], 'yes');
});

testBoth('a request id is kept when it is harmless and made when it is not', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  await world.worker((request, response) => response.end(request.headers['x-request-id']));
  const given = async (id: string): Promise<string> => {
    const answer = await world.send('/', { headers: { authorization: `Bearer ${KEY}`, 'x-request-id': id } });
    assert.equal(answer.headers['x-request-id'], answer.body);
    return answer.body;
  };
  assert.equal(await given('req-1:a/b'), 'req-1:a/b');
  for (const bad of ['', 'a b', '<script>', 'x'.repeat(129)]) {
    assert.match(await given(bad), /^[a-z][a-z0-9]{19}$/, bad);
  }
});

testBoth('header values pass byte for byte, beyond ASCII too', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  await world.worker((request, response) => {
    response.setHeader('x-back', request.headers['x-there'] ?? '');
    response.end();
  });
  const value = Buffer.from('grüße ✓').toString('latin1');
  const answer = await world.send('/', { headers: { authorization: `Bearer ${KEY}`, 'x-there': value } });
  assert.equal(answer.headers['x-back'], value);
});
