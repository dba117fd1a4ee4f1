/**
 * The program behind every proxy, and the worker of our endpoint: listens on PORT of the loopback.
 * Any prefix before the last part of the path is passed over, so each proxy may have its own.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

const BLOCK = Buffer.alloc(64 * 1024, 'x');
const WORK_ANSWER = JSON.stringify({ id: 'answer-1', object: 'completion', text: 'x'.repeat(82) });
const WEBSOCKET_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const HOLD_LOOK_MS = 10;

/** On the ways with slots. Streams and sockets, whose way of the peers begins with /open, have no limit to watch. */
let running = 0;
let mostRunning = 0;

async function work(request: IncomingMessage, response: ServerResponse): Promise<void> {
  for await (const _chunk of request);
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': WORK_ANSWER.length,
    'x-most-running': mostRunning,
  });
  response.end(WORK_ANSWER);
}

/** Answers when the file is there. */
async function hold(file: string, response: ServerResponse): Promise<void> {
  while (!existsSync(file)) await wait(HOLD_LOOK_MS);
  response.writeHead(200, { 'content-length': 0, 'x-most-running': mostRunning });
  response.end();
}

/** One event each `everyMs`, with the time of its writing by the machine's monotonic clock, until the client goes. */
async function events(everyMs: number, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.flushHeaders();
  const timer = setInterval(() => response.write(`data: ${process.hrtime.bigint()}\n\n`), everyMs);
  await new Promise<void>((resolve) => response.once('close', resolve));
  clearInterval(timer);
}

async function big(bytes: number, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
  for (let left = bytes; left > 0 && !response.destroyed; left -= BLOCK.length) {
    const more = response.write(left >= BLOCK.length ? BLOCK : BLOCK.subarray(0, left));
    if (!more) {
      await new Promise<void>((resolve) => {
        response.once('drain', resolve);
        response.once('close', resolve);
      });
    }
  }
  response.end();
}

/** Reads at `rate` bytes a second at most; 0: as fast as it comes. */
async function sink(rate: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let received = 0;
  const beganMs = performance.now();
  for await (const chunk of request) {
    received += (chunk as Buffer).length;
    const aheadMs = rate === 0 ? 0 : (received / rate) * 1_000 - (performance.now() - beganMs);
    if (aheadMs > 1) await wait(aheadMs);
  }
  const text = String(received);
  response.writeHead(200, { 'content-length': text.length });
  response.end(text);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://upstream');
  const number = (name: string): number => Number(url.searchParams.get(name) ?? 0);
  switch (url.pathname.split('/').at(-1)) {
    case 'hold':
      return await hold(url.searchParams.get('file') ?? '', response);
    case 'events':
      return await events(number('every_ms'), response);
    case 'big':
      return await big(number('bytes'), response);
    case 'sink':
      return await sink(number('rate'), request, response);
    default:
      return await work(request, response);
  }
}

const server = createServer({ requestTimeout: 0, keepAliveTimeout: 600_000 }, (request, response) => {
  if (request.url?.startsWith('/open/') !== true) {
    running += 1;
    mostRunning = Math.max(mostRunning, running);
    response.once('close', () => {
      running -= 1;
    });
  }
  answer(request, response).catch(() => response.destroy());
});

/** A WebSocket that gives back whatever comes, byte for byte: what it says is no business of a proxy. */
server.on('upgrade', (request, socket) => {
  const key = request.headers['sec-websocket-key'] ?? '';
  const accept = createHash('sha1').update(`${key}${WEBSOCKET_SUFFIX}`).digest('base64');
  socket.on('error', () => socket.destroy());
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.pipe(socket);
});

server.listen(Number(process.env['PORT']), '127.0.0.1', 16_384);
process.on('SIGTERM', () => process.exit(0));
