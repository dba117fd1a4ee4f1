import { setTimeout as wait } from 'node:timers/promises';
import { figuresOf } from '../../figures.ts';
import { HttpConnection } from './http-connection.ts';
import type { Figures, Job, Pause } from './message.ts';
import { requestHead } from './request-text.ts';

const OPEN_AT_ONCE = 50;
const EVENT = /data: (\d+)\n\n/g;

/** Streams of events, each with the time of its writing. Pauses with all streams open, and when the time is up. */
export async function events(job: Extract<Job, { kind: 'events' }>, pause: Pause): Promise<Figures> {
  const head = requestHead(job.target, { method: 'GET', path: `/events?every_ms=${job.everyMs}` });
  const connections: HttpConnection[] = [];
  let measuring = false;
  let failed = 0;
  const delaysUs: number[] = [];

  const take = (chunk: Buffer): void => {
    if (!measuring) return;
    const nowNs = process.hrtime.bigint();
    for (const [, written] of chunk.toString('latin1').matchAll(EVENT)) {
      delaysUs.push(Number(nowNs - BigInt(written ?? 0)) / 1_000);
    }
  };
  const openOne = async (): Promise<void> => {
    const connection = await HttpConnection.open(job.target.port);
    connections.push(connection);
    await new Promise<void>((resolve, reject) => {
      connection.send(head, {
        onHead: (status) =>
          status === 200 ? resolve() : reject(new Error(`a stream was answered ${status}`)),
        onBody: take,
        onEnd: () => void (failed += 1),
        onFail: (error) => {
          failed += 1;
          reject(error);
        },
      });
    });
  };

  for (let opened = 0; opened < job.streams; opened += OPEN_AT_ONCE) {
    const some = Math.min(OPEN_AT_ONCE, job.streams - opened);
    await Promise.all(Array.from({ length: some }, openOne));
  }
  await wait(2 * job.everyMs);
  await pause();
  measuring = true;
  await wait(job.forMs);
  measuring = false;
  await pause();
  for (const connection of connections) connection.close();
  const { median, p95 } = figuresOf(delaysUs);
  return {
    events: delaysUs.length,
    failed,
    p50Us: median,
    p95Us: p95,
  };
}
