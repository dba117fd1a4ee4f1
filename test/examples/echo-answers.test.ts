import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { ExampleProcess } from './example-process.ts';

const ENTRY = 'echo/server.ts';

test('echo tells what came in and who answered', async () => {
  await using echo = new ExampleProcess(ENTRY, {
    PILOTLIGHT_REVISION: '7',
    PILOTLIGHT_WORKER_ID: 'wk-1',
    GREETING: 'good day',
  });
  const url = await echo.url();

  const answer = await fetch(`${url}/any/path?a=1`, {
    method: 'POST',
    body: 'twelve bytes',
    headers: { 'x-mine': 'yes' },
  });
  const body = (await answer.json()) as Record<string, unknown> & { headers: Record<string, string> };

  assert.equal(answer.status, 200);
  assert.equal(body.headers['x-mine'], 'yes');
  assert.deepEqual(
    { ...body, headers: undefined },
    {
      method: 'POST',
      path: '/any/path?a=1',
      headers: undefined,
      body_bytes: 12,
      revision: '7',
      worker: 'wk-1',
      greeting: 'good day',
    },
  );
});

test('echo answers the status that is asked for', async () => {
  await using echo = new ExampleProcess(ENTRY);
  const url = await echo.url();
  assert.equal((await fetch(`${url}/status/503`)).status, 503);
  assert.equal((await fetch(`${url}/status/999`)).status, 200);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  assert.equal((await fetch(`${url}/slow?ms=1`)).status, 200);
});

test('echo streams server-sent events, numbered and with an end', async () => {
  await using echo = new ExampleProcess(ENTRY);
  const answer = await fetch(`${await echo.url()}/sse?events=3&interval_ms=1`);
  const text = await answer.text();

  assert.equal(answer.headers.get('content-type'), 'text/event-stream');
  assert.deepEqual(text.match(/^id: \d+$/gm), ['id: 1', 'id: 2', 'id: 3']);
  assert.ok(text.endsWith('data: [DONE]\n\n'), text);
});

test('echo streams chunks that show one missing', async () => {
  await using echo = new ExampleProcess(ENTRY);
  const answer = await fetch(`${await echo.url()}/stream?chunks=3&bytes=4&interval_ms=0`);
  assert.equal(await answer.text(), 'aaaabbbbcccc');
});

test('echo cuts an answer in the middle', async () => {
  await using echo = new ExampleProcess(ENTRY);
  const answer = await fetch(`${await echo.url()}/cut`);
  assert.equal(answer.status, 200);
  await assert.rejects(answer.text());
});

test('echo greets a WebSocket and sends back text and bytes', async () => {
  await using echo = new ExampleProcess(ENTRY, { PILOTLIGHT_REVISION: '2' });
  const socket = new WebSocket((await echo.url()).replace('http', 'ws'));
  const received: (string | Buffer)[] = [];
  const all = new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (data: Buffer, isBinary) => {
      received.push(isBinary ? data : data.toString());
      if (received.length === 3) resolve();
    });
  });
  socket.once('open', () => {
    socket.send('ping');
    socket.send(Buffer.from([1, 2, 3]));
  });
  await all;
  socket.terminate();

  assert.deepEqual(received, [
    JSON.stringify({ revision: '2', worker: '', greeting: 'hello' }),
    'ping',
    Buffer.from([1, 2, 3]),
  ]);
});
