/**
 * The baseline: a gateway that starts the worker when a request comes and asks every 200 ms whether
 * it is ready, the default interval of Knative's activator. Everything else is as quick as can be:
 * one worker, no queue, no records. It prints its URL and ends with its parent's SIGTERM.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createPortServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const POLL_EVERY_MS = 200;
const WORKER = join(import.meta.dirname, 'worker.ts');

async function freePort(): Promise<number> {
  const server = createPortServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function accepts(port: number): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function handle(incoming: IncomingMessage, response: ServerResponse, port: number): Promise<void> {
  const worker = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', WORKER], {
    env: { ...process.env, PORT: String(port), PILOTLIGHT_STARTED_AT_MS: String(Date.now()) },
    stdio: 'ignore',
  });
  const exited = once(worker, 'exit');
  try {
    // The poll's rhythm is older than the worker: the caller says where in it the request falls.
    await wait(Number(incoming.headers['poll-phase-ms']));
    while (!(await accepts(port))) await wait(POLL_EVERY_MS);
    await new Promise<void>((resolve, reject) => {
      const upstream = request({ host: '127.0.0.1', port, path: incoming.url, agent: false }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        response.once('close', resolve);
      });
      upstream.once('error', reject);
      upstream.end();
    });
  } finally {
    worker.kill('SIGTERM');
    await exited;
  }
}

// Chosen before the request, as a cluster knows its pods' addresses: not part of the baseline's time.
let nextPort = await freePort();
const server = createServer((incoming, response) => {
  const port = nextPort;
  handle(incoming, response, port)
    .then(async () => {
      nextPort = await freePort();
    })
    .catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
});
server.listen(0, '127.0.0.1', () => {
  console.log(`Listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.on('SIGTERM', () => process.exit(0));
