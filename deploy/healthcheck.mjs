// For the container's health check: 0 when the server answers.
import process from 'node:process';

const listen = process.env['PILOTLIGHT_LISTEN'] ?? '127.0.0.1:8080';
const answer = await fetch(`http://${listen}/healthz`, { signal: AbortSignal.timeout(4_000) }).catch(
  () => null,
);
process.exit(answer?.ok === true ? 0 : 1);
