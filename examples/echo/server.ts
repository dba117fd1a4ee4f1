import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { createAnswers } from './answers.ts';
import type { Identity } from './answers.ts';
import { readKnobs } from './knobs.ts';
import type { Knobs } from './knobs.ts';

const knobs = readKnobs(process.env);
const identity: Identity = {
  revision: process.env['PILOTLIGHT_REVISION'] ?? '',
  worker: process.env['PILOTLIGHT_WORKER_ID'] ?? '',
  greeting: process.env['GREETING'] ?? 'hello',
};

let closeWebSockets: (() => void) | undefined;
let stopping = false;
/** From the start of the process to the opening of its port: the worker's own share of a cold start. */
let listeningAfterMs = 0;

if (knobs.exitAtStart) {
  console.error('echo: EXIT_AT_START is set, so this worker gives up at once');
  process.exit(1);
}
if (knobs.neverListen) {
  setInterval(() => undefined, 60_000);
  process.on('SIGTERM', () => (knobs.ignoreSigterm ? undefined : process.exit(0)));
  console.log('echo: NEVER_LISTEN is set, so no port is opened');
  if (knobs.logFlood) floodLog();
} else if (knobs.startDelayMs > 0) {
  setTimeout(() => void listen(), knobs.startDelayMs);
} else {
  void listen();
}

async function listen(): Promise<void> {
  const server = knobs.garbage ? await createGarbageServer() : createEchoServer(knobs);
  server.listen(knobs.port, knobs.host, () => {
    listeningAfterMs = performance.now();
    const { address, port } = server.address() as AddressInfo;
    console.log(`echo: listening on http://${address}:${port}`);
    if (knobs.logFlood) floodLog();
    if (knobs.exitAfterMs > 0) setTimeout(() => exitEarly(), knobs.exitAfterMs);
  });
  process.on('SIGTERM', () => {
    if (knobs.ignoreSigterm) console.log('echo: SIGTERM ignored');
    else stop(server);
  });
}

function createEchoServer(settings: Knobs): Server {
  const answers = createAnswers(settings, identity);
  const server = createServer((request, response) => {
    // Once stopping, a connection that has become idle must go, or its keep-alive holds up the exit.
    response.on('close', () => {
      if (stopping) setImmediate(() => server.closeIdleConnections());
    });
    response.setHeader('Echo-Listening-After-Ms', listeningAfterMs.toFixed(1));
    answers.handle(request, response).catch((error: unknown) => abandon(request, response, error));
  });
  // Longer than any gateway keeps an idle connection: the side that closes first must be the one that
  // sends requests, else a request can meet a connection that is being closed.
  server.keepAliveTimeout = 120_000;
  server.on('upgrade', (request, socket, head) => {
    void upgrade(request, socket, head);
  });
  return server;
}

async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  try {
    // Loaded at the first upgrade, so that a plain worker starts without it.
    const module = await import('./websocket.ts');
    closeWebSockets = module.closeWebSockets;
    module.acceptWebSocket(request, socket, head, identity);
  } catch (error) {
    console.error('echo: WebSocket needs the package "ws":', error);
    socket.end('HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  }
}

function abandon(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  // A body cut short by the client is the client's end, not a fault of this worker.
  if (!request.destroyed || request.complete) console.error('echo: could not answer:', error);
  response.destroy();
}

async function createGarbageServer(): Promise<NetServer> {
  const net = await import('node:net');
  return net.createServer((socket) => {
    socket.on('error', (error) => console.error(`echo: ${error.message}`));
    socket.on('data', () => socket.end('\u0001\u0002 this is not HTTP \u0003\r\n\r\n'));
  });
}

/** Finishes what runs, takes nothing new, then lets the process end by itself. */
function stop(server: NetServer): void {
  if (stopping) return;
  stopping = true;
  console.log('echo: SIGTERM, finishing what runs');
  server.close(() => process.exit(0));
  closeWebSockets?.();
}

function exitEarly(): void {
  console.error('echo: EXIT_AFTER_MS has passed');
  process.exit(1);
}

function floodLog(): void {
  const block = `${'echo: LOG_FLOOD '.repeat(63)}\n`.repeat(64);
  const write = (): void => {
    // 64 KiB every 5 ms: about 13 MB a second, without starving the requests.
    if (process.stdout.write(block)) setTimeout(write, 5);
    else process.stdout.once('drain', write);
  };
  write();
}
