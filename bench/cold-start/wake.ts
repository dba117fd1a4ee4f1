import { request } from 'node:http';

/** One request that woke a worker. */
export interface Wake {
  /** From the request's departure to the first byte of its answer, at the client. */
  readonly totalMs: number;
  /** From the start of the worker's process to its open port, by its own clock. */
  readonly workerStartMs: number;
  /** What is left when the worker's start and its own answer time are taken away. */
  readonly shareMs: number;
  /** The same less the time from the order to start it to its process: what of the share is no `fork` and `exec`. */
  readonly overheadMs: number;
}

/**
 * Sends one request on a new connection and measures it. Every duration is taken within one process,
 * so no two clocks are compared; but the time from the order is by this machine's wall clock, to a millisecond.
 */
export async function wake(url: string, headers: Readonly<Record<string, string>>): Promise<Wake> {
  return await new Promise<Wake>((resolve, reject) => {
    const beganMs = performance.now();
    const sent = request(url, { agent: false, headers }, (response) => {
      let totalMs: number | null = null;
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        totalMs ??= performance.now() - beganMs;
        body += text;
      });
      response.on('error', reject);
      response.on('end', () => {
        const workerStartMs = Number(response.headers['worker-start-ms']);
        const orderedMs = Number(response.headers['worker-ordered-ms']);
        const answerMs = Number(response.headers['worker-answer-ms']);
        if (response.statusCode !== 200 || totalMs === null || !(workerStartMs > 0)) {
          reject(new Error(`not an answer of the worker: ${response.statusCode} ${body.slice(0, 300)}`));
          return;
        }
        resolve({
          totalMs,
          workerStartMs,
          shareMs: totalMs - workerStartMs - answerMs,
          overheadMs: totalMs - orderedMs - answerMs,
        });
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}
