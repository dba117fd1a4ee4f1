import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { ExampleProcess } from './example-process.ts';

const ENTRY = 'echo/server.ts';

test('START_DELAY_MS: the port opens only after it', async () => {
  const startedAtMs = performance.now();
  await using echo = new ExampleProcess(ENTRY, { START_DELAY_MS: '300' });
  const url = await echo.url();
  assert.ok(performance.now() - startedAtMs >= 300);
  assert.equal((await fetch(url)).status, 200);
});

test('HEALTH_DELAY_MS: 503 until it has passed, other paths answer', async () => {
  await using never = new ExampleProcess(ENTRY, { HEALTH_DELAY_MS: '2000000000' });
  const url = await never.url();
  assert.equal((await fetch(`${url}/healthz`)).status, 503);
  assert.equal((await fetch(`${url}/`)).status, 200);

  await using soon = new ExampleProcess(ENTRY, { HEALTH_DELAY_MS: '200' });
  const soonUrl = await soon.url();
  let status = 503;
  while (status === 503) status = (await fetch(`${soonUrl}/healthz`)).status;
  assert.equal(status, 200);
});

test('LATENCY_MS: every answer but the health answer waits', async () => {
  await using echo = new ExampleProcess(ENTRY, { LATENCY_MS: '200' });
  const url = await echo.url();
  const startedAtMs = performance.now();
  const first = await Promise.race([
    fetch(`${url}/`).then(() => 'request'),
    fetch(`${url}/healthz`).then(() => 'health'),
  ]);
  assert.equal(first, 'health');
  await fetch(`${url}/`);
  // A millisecond of leave: the timer of the other process counts whole milliseconds.
  assert.ok(performance.now() - startedAtMs >= 199);
});

test('FAIL_STATUS: every answer has it, the health answer has not', async () => {
  await using echo = new ExampleProcess(ENTRY, { FAIL_STATUS: '500' });
  const url = await echo.url();
  assert.equal((await fetch(`${url}/`)).status, 500);
  assert.equal((await fetch(`${url}/sse`)).status, 500);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test('FAIL_RATE: that share of the requests fails, evenly', async () => {
  await using echo = new ExampleProcess(ENTRY, { FAIL_RATE: '0.25' });
  const url = await echo.url();
  const statuses: number[] = [];
  for (let count = 0; count < 8; count += 1) statuses.push((await fetch(url)).status);
  assert.deepEqual(statuses, [200, 200, 200, 500, 200, 200, 200, 500]);
});

test('EXIT_AT_START and EXIT_AFTER_MS: exit code 1', async () => {
  await using atOnce = new ExampleProcess(ENTRY, { EXIT_AT_START: '1' });
  assert.deepEqual(await atOnce.exited, { code: 1, signal: null });
  assert.doesNotMatch(atOnce.output, /listening/);

  await using later = new ExampleProcess(ENTRY, { EXIT_AFTER_MS: '50' });
  await later.url();
  assert.deepEqual(await later.exited, { code: 1, signal: null });
});

test('a value that is no number ends the start with the name and the value', async () => {
  await using echo = new ExampleProcess(ENTRY, { LATENCY_MS: 'soon' });
  assert.equal((await echo.exited).code, 1);
  assert.match(echo.output, /LATENCY_MS is "soon"; it takes a number from 0 to/);
});

test('NEVER_LISTEN: the process lives and opens nothing', async () => {
  await using echo = new ExampleProcess(ENTRY, { NEVER_LISTEN: '1' });
  await echo.printed(/no port is opened/);
  echo.signal('SIGTERM');
  assert.deepEqual(await echo.exited, { code: 0, signal: null });
  assert.doesNotMatch(echo.output, /listening/);
});

test('IGNORE_SIGTERM: it serves on', async () => {
  await using echo = new ExampleProcess(ENTRY, { IGNORE_SIGTERM: '1' });
  const url = await echo.url();
  echo.signal('SIGTERM');
  await echo.printed(/SIGTERM ignored/);
  assert.equal((await fetch(url)).status, 200);
});

test('LOG_FLOOD: the log grows without end while requests are answered', async () => {
  await using echo = new ExampleProcess(ENTRY, { LOG_FLOOD: '1' });
  const url = await echo.url();
  await echo.printedBytes(1_048_576);
  assert.equal((await fetch(url)).status, 200);
});

test('GARBAGE: the answer is not HTTP', async () => {
  await using echo = new ExampleProcess(ENTRY, { GARBAGE: '1' });
  const url = new URL(await echo.url());
  await assert.rejects(fetch(url));

  const socket = connect(Number(url.port), url.hostname);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  assert.match(bytes.toString(), /this is not HTTP/);
});

test('SIGTERM: what runs is finished, nothing new is taken, exit code 0', async () => {
  await using echo = new ExampleProcess(ENTRY);
  const url = await echo.url();
  const answer = await fetch(`${url}/sse?events=20&interval_ms=10`);
  echo.signal('SIGTERM');
  await echo.printed(/finishing what runs/);
  await assert.rejects(fetch(`${url}/healthz`, { headers: { connection: 'close' } }));
  const text = await answer.text();

  assert.match(text, /^id: 20$/m);
  assert.deepEqual(await echo.exited, { code: 0, signal: null });
});
