/**
 * A worker whose own start takes exactly as long as it is told, Node's boot included, and that says
 * with every answer how long it took. Nothing is imported before the port is open but what it needs.
 */
import { createServer } from 'node:http';

const listenAfterMs = Number(process.env['LISTEN_AFTER_MS'] ?? 300);
let listeningMs = 0;

const server = createServer((_request, response) => {
  const beganMs = performance.now();
  const body = 'ok';
  response.setHeader('worker-start-ms', listeningMs.toFixed(3));
  response.setHeader('content-length', body.length);
  response.setHeader('worker-answer-ms', (performance.now() - beganMs).toFixed(3));
  response.end(body);
});

// performance.now() counts from the start of this process, so the boot is part of the delay.
setTimeout(
  () => {
    server.listen(Number(process.env['PORT']), '127.0.0.1', () => {
      listeningMs = performance.now();
    });
  },
  Math.max(0, listenAfterMs - performance.now()),
);

process.on('SIGTERM', () => process.exit(0));
