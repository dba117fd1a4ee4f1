import { HttpConnection } from './http-connection.ts';
import type { Figures, Job } from './message.ts';
import { workRequest } from './request-text.ts';

const MOST_RUNNING = /\r\nx-most-running: *(\d+)/i;

/** Each connection sends its next request when its last was answered. Connections take turns at the targets. */
export async function closed(job: Extract<Job, { kind: 'closed' }>): Promise<Figures> {
  const connections = await Promise.all(
    Array.from({ length: job.connections }, async (_, index) => {
      const target = job.targets[index % job.targets.length];
      if (target === undefined) throw new Error('there is no target');
      return {
        connection: await HttpConnection.open(target.port),
        request: Buffer.from(workRequest(target)),
      };
    }),
  );
  let requests = 0;
  let refused = 0;
  let lost = 0;
  let mostRunning = 0;
  const beganMs = performance.now();
  const endMs = beganMs + job.forMs;
  await Promise.all(
    connections.map(
      async ({ connection, request }) =>
        await new Promise<void>((resolve) => {
          const next = (): void => {
            if (performance.now() >= endMs) {
              resolve();
              return;
            }
            connection.send(request, {
              onHead: (status, head) => {
                if (status !== 200) refused += 1;
                mostRunning = Math.max(mostRunning, Number(MOST_RUNNING.exec(head)?.[1] ?? 0));
              },
              onEnd: () => {
                requests += 1;
                next();
              },
              onFail: () => {
                lost += 1;
                resolve();
              },
            });
          };
          next();
        }),
    ),
  );
  const tookMs = performance.now() - beganMs;
  for (const { connection } of connections) connection.close();
  return { requests, refused, lost, mostRunning, tookMs };
}
