/**
 * A worker whose own start takes exactly as long as it is told, Node's boot included, and that says
 * with every answer how long it took. NOTICE=fd or url: it tells its server when its port is open.
 */
import { writeSync } from 'node:fs';
import { createServer, get, request } from 'node:http';
import type { AddressInfo } from 'node:net';

const listenAfterMs = Number(process.env['LISTEN_AFTER_MS'] ?? 300);
const spawnedAtMs = Number(process.env['PILOTLIGHT_STARTED_AT_MS']);
let listeningMs = 0;

const server = createServer((_request, response) => {
  const beganMs = performance.now();
  const body = 'ok';
  response.setHeader('worker-start-ms', listeningMs.toFixed(3));
  response.setHeader('worker-spawned-ms', (performance.timeOrigin + listeningMs - spawnedAtMs).toFixed(3));
  response.setHeader('content-length', body.length);
  response.setHeader('worker-answer-ms', (performance.now() - beganMs).toFixed(3));
  response.end(body);
});

// A server of Node compiles its way through its first request. That is the worker's own start, as the
// loading of a model is: it happens on another port, before the one that is waited for is open.
server.listen(0, '127.0.0.1', () => {
  get({ port: (server.address() as AddressInfo).port, agent: false }, (answer) => {
    answer.resume();
    answer.once('end', () => server.close());
  });
});
await new Promise((resolve) => server.once('close', resolve));

// performance.now() counts from the start of this process, so the boot is part of the delay.
setTimeout(
  () => {
    server.listen(Number(process.env['PORT']), '127.0.0.1', () => {
      listeningMs = performance.now();
      tell();
    });
  },
  Math.max(0, listenAfterMs - performance.now()),
);

function tell(): void {
  const { NOTICE, PILOTLIGHT_READY_FD, PILOTLIGHT_READY_URL = '' } = process.env;
  if (NOTICE === 'fd') writeSync(Number(PILOTLIGHT_READY_FD), '\n');
  if (NOTICE === 'url') request(PILOTLIGHT_READY_URL, { method: 'POST', agent: false }).end();
}

process.on('SIGTERM', () => process.exit(0));
