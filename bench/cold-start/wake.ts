import { connect } from 'node:net';

/** One request that woke a worker. */
export interface Wake {
  /** From the request's departure to the first byte of its answer, at the client. */
  readonly totalMs: number;
  /** From the start of the worker's process to its open port, by its own clock. */
  readonly workerStartMs: number;
  /** What is left when the worker's start and its own answer time are taken away. */
  readonly shareMs: number;
  /** The same less the time from the call that spawns the worker to its process: what of the share is no `fork` and `exec`. */
  readonly overheadMs: number;
}

/** The time of the spawn is told in whole milliseconds: it lies so much later on average. */
const CUT_OFF_MS = 0.5;

/**
 * Sends one request on a new connection and measures it. Every duration is taken within one process,
 * so no two clocks are compared; but the time from the spawn is by this machine's wall clock. The client
 * is as small as can be: what it takes itself counts for whoever it measures.
 */
export async function wake(url: string, headers: Readonly<Record<string, string>>): Promise<Wake> {
  const { host, hostname, port, pathname } = new URL(url);
  const fields = Object.entries({ ...headers, host, connection: 'close' });
  const head = `GET ${pathname} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return await new Promise<Wake>((resolve, reject) => {
    let totalMs: number | null = null;
    let text = '';
    const beganMs = performance.now();
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    socket.setEncoding('latin1');
    socket.write(head);
    socket.on('data', (piece: string) => {
      totalMs ??= performance.now() - beganMs;
      text += piece;
    });
    socket.on('error', reject);
    socket.on('close', () => {
      const figure = (name: string): number => Number(new RegExp(`^${name}: (.+)\r$`, 'im').exec(text)?.[1]);
      const workerStartMs = figure('worker-start-ms');
      const spawnedMs = figure('worker-spawned-ms');
      const answerMs = figure('worker-answer-ms');
      if (!text.startsWith('HTTP/1.1 200 ') || totalMs === null || !(workerStartMs > 0)) {
        reject(new Error(`not an answer of the worker: ${text.slice(0, 300)}`));
        return;
      }
      resolve({
        totalMs,
        workerStartMs,
        shareMs: totalMs - workerStartMs - answerMs,
        overheadMs: totalMs - spawnedMs - answerMs + CUT_OFF_MS,
      });
    });
  });
}
