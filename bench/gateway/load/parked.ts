import { writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { HttpConnection } from './http-connection.ts';
import type { Figures, Job, Pause } from './message.ts';
import { requestHead, workRequest } from './request-text.ts';

const OPEN_AT_ONCE = 200;
const HELD_SETTLE_MS = 200;
const MOST_RUNNING = /\r\nx-most-running: *(\d+)/i;
const FLUSH_LIMIT_MS = 60_000;

/**
 * Takes every slot with requests that a file releases, parks the given number behind them and lets
 * them go. Pauses with the slots taken, with all parked, and when the last was answered.
 */
export async function parked(job: Extract<Job, { kind: 'parked' }>, pause: Pause): Promise<Figures> {
  const hold = requestHead(job.target, { method: 'GET', path: `/hold?file=${encodeURIComponent(job.file)}` });
  const holders = await openMany(job.target.port, job.held);
  const held = holders.map(async (connection) => await connection.request(hold));
  await wait(HELD_SETTLE_MS);
  await pause();

  const request = Buffer.from(workRequest(job.target));
  let answered = 0;
  let refused = 0;
  let mostRunning = 0;
  let early = 0;
  let released = false;
  const answers: Promise<void>[] = [];
  const ask = async (connection: HttpConnection): Promise<void> => {
    try {
      const { status, head } = await connection.request(request);
      if (!released) early += 1;
      if (status === 200) answered += 1;
      else refused += 1;
      mostRunning = Math.max(mostRunning, Number(MOST_RUNNING.exec(head)?.[1] ?? 0));
    } catch {
      // Neither answered nor refused: lost, which the count tells.
    }
  };
  // Each sends at once: a proxy need not wait long for the request of a connection.
  const waiting = await openMany(job.target.port, job.count, (connection) => answers.push(ask(connection)));
  await pause();
  released = true;
  const beganMs = performance.now();
  writeFileSync(job.file, '');
  await Promise.race([Promise.all([...answers, ...held]), wait(FLUSH_LIMIT_MS, undefined, { ref: false })]);
  const flushMs = performance.now() - beganMs;
  await pause();
  for (const connection of [...holders, ...waiting]) connection.close();
  return { answered, refused, lost: job.count - answered - refused, early, flushMs, mostRunning };
}

async function openMany(
  port: number,
  count: number,
  onOpen: (connection: HttpConnection) => void = () => undefined,
): Promise<HttpConnection[]> {
  const connections: HttpConnection[] = [];
  while (connections.length < count) {
    const some = Math.min(OPEN_AT_ONCE, count - connections.length);
    connections.push(
      ...(await Promise.all(
        Array.from({ length: some }, async () => {
          const connection = await HttpConnection.open(port);
          onOpen(connection);
          return connection;
        }),
      )),
    );
  }
  return connections;
}
