import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { Knobs } from './knobs.ts';

/** Who answered: the gateway's tests and the demo read the revision and the worker from every answer. */
export interface Identity {
  readonly revision: string;
  readonly worker: string;
  readonly greeting: string;
}

export interface Answers {
  /** Answers one request; resolves when the answer is written or the client is gone. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export function createAnswers(knobs: Knobs, identity: Identity): Answers {
  const healthyAtMs = performance.now() + knobs.healthDelayMs;
  let served = 0;

  return {
    async handle(request, response) {
      const url = new URL(request.url ?? '/', 'http://worker');
      if (url.pathname === '/healthz') {
        const healthy = performance.now() >= healthyAtMs;
        sendJson(response, healthy ? 200 : 503, { status: healthy ? 'ok' : 'starting' });
        return;
      }
      served += 1;
      const failure = failureOf(knobs, served);
      const bodyBytes = await countBytes(request);
      if (knobs.latencyMs > 0) await wait(knobs.latencyMs);
      if (failure !== 0) {
        sendJson(response, failure, { error: `this worker answers ${failure}`, ...identity });
        return;
      }
      await route(url, request, response, bodyBytes, identity);
    },
  };
}

/** The status the nth request fails with, or 0. Evenly spread, so a rate of 0.1 fails 1 of each 10. */
function failureOf(knobs: Knobs, count: number): number {
  if (knobs.failStatus !== 0) return knobs.failStatus;
  const fails = Math.floor(count * knobs.failRate) > Math.floor((count - 1) * knobs.failRate);
  return fails ? 500 : 0;
}

async function route(
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
  bodyBytes: number,
  identity: Identity,
): Promise<void> {
  const query = (name: string, absent: number): number => numberOf(url.searchParams.get(name), absent);

  if (url.pathname === '/sse') {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    await sendParts(response, serverSentEvents(query('events', 10), query('interval_ms', 20), identity));
    return;
  }
  if (url.pathname === '/stream') {
    response.writeHead(200, { 'content-type': 'text/plain' });
    await sendParts(response, chunks(query('chunks', 10), query('bytes', 1024), query('interval_ms', 20)));
    return;
  }
  if (url.pathname === '/cut') {
    // A length is promised and not kept: the one way to break off that no HTTP client can miss.
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '1000' });
    response.write('cut here', () => request.socket.destroy());
    return;
  }
  if (url.pathname === '/slow') await wait(query('ms', 1000));
  const wanted = /^\/status\/([2-5]\d\d)$/.exec(url.pathname)?.[1];
  sendJson(response, wanted === undefined ? 200 : Number(wanted), {
    method: request.method,
    path: request.url,
    headers: request.headers,
    body_bytes: bodyBytes,
    ...identity,
  });
}

async function* serverSentEvents(
  count: number,
  intervalMs: number,
  identity: Identity,
): AsyncGenerator<string> {
  for (let number = 1; number <= count; number += 1) {
    if (number > 1 && intervalMs > 0) await wait(intervalMs);
    yield `id: ${number}\nevent: tick\ndata: ${JSON.stringify({ number, of: count, ...identity })}\n\n`;
  }
  yield 'data: [DONE]\n\n';
}

async function* chunks(count: number, bytes: number, intervalMs: number): AsyncGenerator<Buffer> {
  for (let number = 0; number < count; number += 1) {
    if (number > 0 && intervalMs > 0) await wait(intervalMs);
    // A letter a chunk, so that a reader can see one missing or out of order.
    yield Buffer.alloc(bytes, 97 + (number % 26));
  }
}

async function sendParts(response: ServerResponse, parts: AsyncIterable<string | Buffer>): Promise<void> {
  try {
    await pipeline(Readable.from(parts, { objectMode: true, highWaterMark: 1 }), response);
  } catch (error) {
    if (!isClientGone(error)) throw error;
  }
}

function isClientGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

async function countBytes(request: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of request) bytes += (chunk as Buffer).length;
  return bytes;
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

// Keeps a mistyped query from asking for gigabytes or for years.
const MAX_QUERY_NUMBER = 10_000_000;

function numberOf(text: string | null, absent: number): number {
  if (text === null) return absent;
  const value = Number(text);
  return Number.isInteger(value) && value >= 0 ? Math.min(value, MAX_QUERY_NUMBER) : absent;
}
