import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { MIB } from '../../src/base/units.ts';
import { ask, KEY, startApi, type Answer } from '../support/api-server.ts';
import { STUB_ENDPOINT_ID } from '../support/stub-endpoint-service.ts';

const PATH = `/gpus/v2/endpoints/${STUB_ENDPOINT_ID}`;

function reasonOf(answer: Answer): string {
  return (answer.json as { reason: string }).reason;
}

function messageOf(answer: Answer): string {
  return (answer.json as { message: string }).message;
}

test('any JSON reaches the service as it is, to be judged whole', async (context) => {
  const { url, calls } = await startApi(context);
  const bodies: readonly unknown[] = [
    {},
    { a: [1, null, { b: '' }] },
    [],
    null,
    'text',
    5,
    false,
    { name: 7 },
  ];
  for (const body of bodies) {
    assert.equal((await ask(url + PATH, 'PUT', JSON.stringify(body))).status, 200);
    assert.deepEqual(calls.at(-1)?.args[1], body);
    assert.equal((await ask(`${url}/gpus/v2/endpoints`, 'POST', JSON.stringify(body))).status, 200);
    assert.deepEqual(calls.at(-1)?.args[0], body);
  }
});

test('the content type may have parameters, and must be JSON', async (context) => {
  const { url, calls } = await startApi(context);
  for (const type of [
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;charset=UTF-8',
  ]) {
    assert.equal((await ask(url + PATH, 'PUT', '{}', { 'content-type': type })).status, 200, type);
  }
  const taken = calls.length;
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'nonsense']) {
    const answer = await ask(url + PATH, 'PUT', '{}', { 'content-type': type });
    assert.equal(answer.status, 415, type);
    assert.equal(reasonOf(answer), 'UNSUPPORTED_MEDIA_TYPE');
    assert.match(messageOf(answer), /send the header "Content-Type: application\/json"/);
  }
  const bytes = await ask(url + PATH, 'PUT', new TextEncoder().encode('{}'), { 'content-type': '' });
  assert.equal(bytes.status, 415);
  assert.equal(calls.length, taken);
});

test('what is no JSON is refused with the place where it breaks', async (context) => {
  const { url, calls } = await startApi(context);
  for (const body of ['{', '{"a":1,}', "{'a':1}", 'NaN', '{"a":01}', '\u{feff}[', '[1]x']) {
    const answer = await ask(url + PATH, 'PUT', body);
    assert.equal(answer.status, 400, body);
    assert.equal(reasonOf(answer), 'REQUEST');
    assert.match(messageOf(answer), /^The body is not valid JSON: ./);
  }
  const invalidUtf8 = await ask(url + PATH, 'PUT', Uint8Array.of(0x22, 0xff, 0x22));
  assert.equal(invalidUtf8.status, 400);
  assert.match(messageOf(invalidUtf8), /UTF-8/);
  assert.deepEqual(calls, []);
});

test('a missing body is told as that, and DELETE takes the content type without one', async (context) => {
  const { url } = await startApi(context);
  for (const headers of [{}, { 'content-type': 'application/json' }]) {
    const answer = await ask(url + PATH, 'PUT', undefined, headers);
    assert.equal(answer.status, 400);
    assert.match(messageOf(answer), /has no body/);
    const deleted = await ask(url + PATH, 'DELETE', undefined, headers);
    assert.equal(deleted.status, 200);
    assert.deepEqual(deleted.json, {});
  }
});

test('keys that could reach a prototype are refused wherever they stand, escaped ones too', async (context) => {
  const { url, calls } = await startApi(context);
  for (const body of ['{"__proto__":{"a":1}}', '{"envs":[{"__proto__":1}]}', '{"\\u005f_proto__":1}']) {
    const answer = await ask(url + PATH, 'PUT', body);
    assert.equal(answer.status, 400, body);
    assert.match(messageOf(answer), /"__proto__"/);
  }
  assert.deepEqual(calls, []);
  assert.equal((await ask(url + PATH, 'PUT', '{"name":"__proto__ \\u00e9"}')).status, 200);
});

test('a body of exactly 1 MiB is read, one byte more is not', async (context) => {
  const { url, calls } = await startApi(context);
  const sized = (bytes: number): string => `{"a":"${'x'.repeat(bytes - 8)}"}`;
  assert.equal((await ask(url + PATH, 'PUT', sized(1_048_576))).status, 200);
  const answer = await ask(url + PATH, 'PUT', sized(1_048_577));
  assert.equal(answer.status, 413);
  assert.equal(reasonOf(answer), 'BODY_TOO_LARGE');
  assert.match(messageOf(answer), /1048576 bytes/);
  assert.equal(calls.length, 1);
});

test('a chunked body without a length is bounded too', async (context) => {
  const { port } = await startApi(context);
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
  const outgoing = request({ port, host: '127.0.0.1', path: PATH, method: 'PUT', headers });
  outgoing.write('x'.repeat(1_048_576));
  outgoing.write('x');
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 413);
  assert.equal((JSON.parse(await text(response)) as { reason: string }).reason, 'BODY_TOO_LARGE');
  outgoing.destroy();
});

test('a client that is refused while it sends gets the answer, and its connection serves on', async (context) => {
  const { port, calls } = await startApi(context);
  const socket = connect(port, '127.0.0.1');
  const large = Buffer.alloc(3 * MIB, 'x');
  const answers = statusesOf(socket);
  for (const [headers, status] of [
    [`Authorization: Bearer ${KEY}\r\nContent-Type: application/json`, '413'],
    [`Authorization: Bearer ${KEY}\r\nContent-Type: text/plain`, '415'],
    ['Authorization: Bearer wrong\r\nContent-Type: application/json', '403'],
    ['Content-Type: application/json', '401'],
  ] as const) {
    socket.write(`PUT ${PATH} HTTP/1.1\r\nHost: h\r\n${headers}\r\nContent-Length: ${large.length}\r\n\r\n`);
    // Answered before the body has come, and the body is read all the same.
    assert.deepEqual(await answers.next(), { done: false, value: status });
    socket.write(large);
  }
  socket.write('GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n');
  assert.deepEqual(await answers.next(), { done: false, value: '200' });
  assert.deepEqual(calls, []);
  socket.destroy();
});

test('what a refused client still sends is bounded in bytes and in time', async (context) => {
  const clock = new ManualClock();
  const { port } = await startApi(context, { clock });
  const head = `PUT ${PATH} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
  for (const kind of ['endless', 'stuck']) {
    const socket = connect(port, '127.0.0.1');
    // It is cut off with bytes on their way.
    socket.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
    });
    const answers = statusesOf(socket);
    socket.write(head + chunk);
    assert.equal((await answers.next()).value, '401', kind);
    if (kind === 'stuck') clock.advanceTo(clock.monotonicMs() + 10_000);
    else {
      const send = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', send);
      send();
    }
    await closed;
  }
});

/** The statuses of the answers on one connection, as they come. */
async function* statusesOf(socket: Socket): AsyncGenerator<string> {
  let seen = '';
  for await (const part of socket as AsyncIterable<Buffer>) {
    seen += part.toString('latin1');
    for (;;) {
      const found = /HTTP\/1\.1 (\d{3}) /.exec(seen);
      if (found === null) break;
      seen = seen.slice(found.index + found[0].length);
      yield found[1] ?? '';
    }
  }
}

test('nesting as deep as a body allows breaks nothing', async (context) => {
  const { url } = await startApi(context);
  for (const tail of ['', ',"\\u0061"']) {
    const depth = 500_000;
    const answer = await ask(url + PATH, 'PUT', `[${'['.repeat(depth)}${']'.repeat(depth)}${tail}]`);
    assert.ok(answer.status === 200 || answer.status === 400, String(answer.status));
  }
  assert.equal((await ask(`${url}/healthz`)).status, 200);
});
