import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { Completion, parseRequest, RequestFault } from './completion.ts';

const environment = process.env;
const port = numberOf('PORT', 8080);
const host = environment['HOST'] ?? '127.0.0.1';
const model = environment['MODEL'] ?? 'toy-1';
const startDelayMs = numberOf('START_DELAY_MS', 0);
/** 0 is as fast as it goes. */
const tokensPerSecond = numberOf('TOKENS_PER_SECOND', 50);
const tokenIntervalMs = tokensPerSecond === 0 ? 0 : 1000 / tokensPerSecond;

const MAX_BODY_BYTES = 4_194_304;
const startedAtSeconds = nowSeconds();
let stopping = false;

const server = createServer((request, response) => {
  response.on('close', () => {
    if (stopping) setImmediate(() => server.closeIdleConnections());
  });
  answer(request, response).catch((error: unknown) => fail(response, error));
});
// The gateway, which sends the requests, must be the side that closes an idle connection.
server.keepAliveTimeout = 120_000;
setTimeout(() => {
  server.listen(port, host, () => {
    const address = server.address() as AddressInfo;
    console.log(`openai-chat: listening on http://${address.address}:${address.port}`);
  });
}, startDelayMs);

process.on('SIGTERM', () => {
  stopping = true;
  if (!server.listening) process.exit(0);
  server.close(() => process.exit(0));
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://worker').pathname;
  const operation = `${request.method} ${path}`;
  if (operation === 'GET /healthz') sendJson(response, 200, { status: 'ok' });
  else if (operation === 'GET /v1/models') sendJson(response, 200, models());
  else if (operation === 'POST /v1/chat/completions') await complete(request, response);
  else throw new RequestFault(`there is no ${operation}`, null, 404);
}

function models(): object {
  return {
    object: 'list',
    data: [{ id: model, object: 'model', created: startedAtSeconds, owned_by: 'pilotlight-example' }],
  };
}

async function complete(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const wanted = parseRequest(await readBody(request), model);
  const completion = new Completion(wanted, nowSeconds());
  if (wanted.stream) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    // One event is made when the one before has been taken: a client that is gone or slow stops it.
    await pipeline(Readable.from(events(completion), { highWaterMark: 1 }), response);
  } else {
    await wait(tokenIntervalMs * completion.tokens.length);
    sendJson(response, 200, completion.whole());
  }
}

async function* events(completion: Completion): AsyncGenerator<string> {
  yield event(completion.first());
  for (const token of completion.tokens) {
    if (tokenIntervalMs > 0) await wait(tokenIntervalMs);
    yield event(completion.part(token));
  }
  for (const last of completion.last()) yield event(last);
  yield 'data: [DONE]\n\n';
}

function event(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Not destroyed when the loop is left early: the refusal still has to be sent on this connection.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY_BYTES) throw new RequestFault(`the body is over ${MAX_BODY_BYTES} bytes`, null, 413);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function fail(response: ServerResponse, error: unknown): void {
  if (error instanceof RequestFault && !response.headersSent) {
    response.setHeader('connection', 'close');
    sendJson(response, error.status, error.body());
    return;
  }
  // A client that left in the middle of a stream is nothing to report.
  const gone = error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
  if (!gone) console.error('openai-chat: could not answer:', error);
  response.destroy();
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

function numberOf(name: string, absent: number): number {
  const text = environment[name];
  if (text === undefined || text === '') return absent;
  const value = Number(text);
  if (!(value >= 0)) throw new Error(`${name} is "${text}"; it takes a number of at least 0`);
  return value;
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
