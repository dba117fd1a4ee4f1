import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { API_KEY, ServerProcess } from '../support/server-process.ts';

/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 120_000;
const IDLE_SOCKETS = 500;
const MIB = 1_048_576;
const AUTH = `Authorization: Bearer ${API_KEY}`;

let server: ServerProcess;
/** The endpoint's path on the server. */
let target: string;
const signal = AbortSignal.timeout(TIME_OUT_MS - 20_000);

async function open(): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  // A refused client may be reset; what counts is what it was answered before.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Everything the server sends until it closes the connection. */
async function answerTo(socket: Socket, text: string): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = once(socket, 'close', { signal });
  socket.write(text);
  await closed;
  return Buffer.concat(chunks).toString('latin1');
}

function statuses(answer: string): string[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status ?? '');
}

async function assertServes(): Promise<void> {
  const answer = await fetch(`${server.url}${target}/hello`, {
    headers: { authorization: `Bearer ${API_KEY}` },
    signal,
  });
  assert.equal(answer.status, 200);
  await answer.text();
  assert.equal((await server.request('GET', '/healthz')).status, 200);
}

describe('clients that misbehave', { timeout: TIME_OUT_MS, concurrency: true }, () => {
  before(async () => {
    server = await ServerProcess.start();
    const id = await server.create({
      worker_config: { max_replicas: 1, min_replicas: 1, max_concurrent_per_worker: 4, request_timeout: 3 },
    });
    const shown = await server.until(id, ({ status }) => status.status === 'running', signal);
    target = new URL(shown.url).pathname;
  });

  after(async () => {
    assert.equal(server.exitCode, null, `the server ended:\n${server.output}`);
    await server.dispose();
  });

  it('a head that comes letter by letter is refused in time, others are served meanwhile', async () => {
    const socket = await open();
    const answer = answerTo(socket, `GET ${target}/slow-head HTTP/1.1\r\nHost: h\r\n`);
    const drip = setInterval(() => socket.write('a'), 200);
    await assertServes();
    try {
      assert.deepEqual(statuses(await answer), ['408']);
    } finally {
      clearInterval(drip);
    }
    await assertServes();
  });

  it('sockets that say nothing, or half a head, keep nobody else from being served', async () => {
    const sockets = await Promise.all(Array.from({ length: IDLE_SOCKETS }, () => open()));
    for (const [index, socket] of sockets.entries()) if (index % 2 === 0) socket.write('GET /e/');
    await assertServes();
    for (const socket of sockets) socket.destroy();
    await assertServes();
  });

  it('a body that never comes to its end is bounded by request_timeout', async () => {
    const socket = await open();
    const head = `POST ${target}/slow-body HTTP/1.1\r\nHost: h\r\n${AUTH}\r\nContent-Length: 100\r\n\r\nonly this`;
    const answer = answerTo(socket, head);
    await assertServes();
    assert.deepEqual(statuses(await answer), ['504']);
    await assertServes();
  });

  it('a body that never comes to the control API is refused in time', async () => {
    const head = `POST /gpus/v2/endpoints HTTP/1.1\r\nHost: h\r\n${AUTH}\r\nContent-Type: application/json\r\n`;
    const answer = await answerTo(await open(), `${head}Content-Length: 100\r\n\r\n{`);
    assert.deepEqual(statuses(answer), ['400']);
    assert.match(answer, /did not come within/);
  });

  it('a head that is too large is refused', async () => {
    for (const path of [`${target}/`, '/gpus/v2/endpoints']) {
      const head = `GET ${path} HTTP/1.1\r\nHost: h\r\n${AUTH}\r\nX-Large: ${'a'.repeat(40_000)}\r\n\r\n`;
      assert.deepEqual(statuses(await answerTo(await open(), head)), ['431'], path);
    }
    await assertServes();
  });

  it('requests whose end can be read in two ways are refused, and what they hide is not served', async () => {
    const hidden = `GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n`;
    const framings: readonly (readonly [string, string])[] = [
      ['Content-Length: 5\r\nTransfer-Encoding: chunked', `0\r\n\r\n${hidden}`],
      ['Transfer-Encoding: chunked\r\nContent-Length: 5', `0\r\n\r\n${hidden}`],
      ['Content-Length: 5\r\nContent-Length: 6', `abcde${hidden}`],
      ['Content-Length: +5', `abcde${hidden}`],
      ['Content-Length : 5', `abcde${hidden}`],
      ['Transfer-Encoding: xchunked', `0\r\n\r\n${hidden}`],
      ['Transfer-Encoding: chunked, identity', `0\r\n\r\n${hidden}`],
      ['Transfer-Encoding: chunked', `5\nabcde\r\n0\r\n\r\n${hidden}`],
      ['Transfer-Encoding: chunked', `-1\r\nabcde\r\n0\r\n\r\n${hidden}`],
    ];
    for (const path of [`${target}/`, '/gpus/v2/endpoints']) {
      for (const [headers, rest] of framings) {
        const head = `POST ${path} HTTP/1.1\r\nHost: h\r\n${AUTH}\r\nContent-Type: application/json\r\n${headers}\r\n\r\n`;
        const answer = await answerTo(await open(), head + rest);
        assert.deepEqual(statuses(answer), ['400'], `${path} with ${headers}: ${answer}`);
      }
    }
    await assertServes();
  });

  it('a body over 1 MiB on the control API is refused, said beforehand or not', async () => {
    const large = Buffer.alloc(2 * MIB, ' ');
    for (const method of ['POST', 'PUT']) {
      for (const body of [large, new Blob([large]).stream()]) {
        const path = method === 'POST' ? '/gpus/v2/endpoints' : `/gpus/v2/endpoints/${target.slice(3)}`;
        const answer = await fetch(`${server.url}${path}`, {
          method,
          headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
          body,
          duplex: 'half',
          signal,
        });
        assert.equal(answer.status, 413);
        assert.equal(((await answer.json()) as { reason: string }).reason, 'BODY_TOO_LARGE');
      }
    }
    await assertServes();
  });
});
