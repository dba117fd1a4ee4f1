import assert from 'node:assert/strict';
import {
  ADMIN_KEY,
  ENDPOINT,
  KEY,
  STRANGER_KEY,
  gatewayWorld,
  testBoth,
  reasonOf,
} from '../support/gateway-world.ts';

const bearer = (key: string): { headers: { authorization: string } } => ({
  headers: { authorization: `Bearer ${key}` },
});

testBoth('only a key of the owner or of an admin reaches an endpoint', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  let served = 0;
  await world.worker((_request, response) => {
    served += 1;
    response.end('ok');
  });
  const cases: [string, number, string][] = [
    ['', 401, 'UNAUTHORIZED'],
    ['Bearer', 401, 'UNAUTHORIZED'],
    ['Bearer nonsense', 401, 'UNAUTHORIZED'],
    [`Basic ${KEY}`, 401, 'UNAUTHORIZED'],
    [`Bearer ${KEY} extra`, 401, 'UNAUTHORIZED'],
    [`Bearer ${STRANGER_KEY}`, 403, 'FORBIDDEN'],
  ];
  for (const [authorization, status, reason] of cases) {
    const answer = await world.send('/', { headers: { authorization } });
    assert.equal(answer.status, status, authorization);
    assert.equal(reasonOf(answer), reason);
  }
  assert.equal(served, 0);
  assert.equal((await world.send('/', { headers: { authorization: `bearer ${KEY}` } })).status, 200);
  assert.equal((await world.send('/', bearer(ADMIN_KEY))).status, 200);
});

testBoth(
  'an endpoint that does not exist is 404 to a known key and 401 to everyone else',
  async (t, forwarder) => {
    const world = await gatewayWorld(t, forwarder);
    const known = await world.send('/', { path: '/e/nothing/here' });
    assert.equal(known.status, 404);
    assert.equal(reasonOf(known), 'SERVERLESS_ENDPOINT_NOT_FOUND');
    assert.equal(
      (await world.send('/', { path: '/e/nothing/here', headers: { authorization: '' } })).status,
      401,
    );
  },
);

testBoth('the path form takes the rest of the target as it is', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder);
  await world.worker((request, response) => response.end(request.url));
  const cases = [
    [`/e/${ENDPOINT}`, '/'],
    [`/e/${ENDPOINT}/`, '/'],
    [`/e/${ENDPOINT}?a=1`, '/?a=1'],
    [`/e/${ENDPOINT}//x/./../y?b=%00&c=a+b`, '//x/./../y?b=%00&c=a+b'],
    [`http://elsewhere.test/e/${ENDPOINT}/abs`, '/abs'],
  ];
  for (const [path, seen] of cases) {
    assert.equal((await world.send('', { path: path as string })).body, seen);
  }
  assert.equal((await world.send('', { path: '/other' })).body, 'not the gateway');
});

testBoth('the host form names the endpoint and its app', async (t, forwarder) => {
  const world = await gatewayWorld(t, forwarder, { domain: 'run.example.test' });
  await world.worker((request, response) =>
    response.end(`${request.url} ${String(request.headers['x-forwarded-host'])}`),
  );
  const host = `${ENDPOINT}-chat-app.run.example.test`;
  const through = async (name: string, path = '/v1/x?y'): Promise<string> =>
    (await world.send('', { path, headers: { authorization: `Bearer ${KEY}`, host: name } })).body;
  assert.equal(await through(host), `/v1/x?y ${host}`);
  assert.equal(await through(`${host.toUpperCase()}:8080`), `/v1/x?y ${host.toUpperCase()}:8080`);
  // In the host form a path that looks like the path form is the worker's own.
  assert.equal(await through(host, `/e/${ENDPOINT}/z`), `/e/${ENDPOINT}/z ${host}`);
  assert.match(await through(`${ENDPOINT}-other-app.run.example.test`), /SERVERLESS_ENDPOINT_NOT_FOUND/);
  assert.equal(await through('run.example.test'), 'not the gateway');
  assert.equal(await through(`a.${host}`), 'not the gateway');
});
