import { figuresOf } from '../../figures.ts';
import { HttpConnection } from './http-connection.ts';
import type { Figures, Job } from './message.ts';
import { workRequest } from './request-text.ts';

const TICK_MS = 1;

/**
 * Requests come at a fixed rate, whatever becomes of those before. One that finds all connections
 * busy waits for one, and that wait counts. The load's own timer does not: a request's time begins
 * with the tick that noticed it was due.
 */
export async function open(job: Extract<Job, { kind: 'open' }>): Promise<Figures> {
  const free = await Promise.all(
    Array.from({ length: job.connections }, async () => await HttpConnection.open(job.target.port)),
  );
  const all = [...free];
  const request = Buffer.from(workRequest(job.target));
  const waiting: number[] = [];
  const tookUs: number[] = [];
  let failed = 0;
  let due = 0;
  let open = 0;

  const send = (connection: HttpConnection, sinceMs: number): void => {
    let status = 0;
    connection.send(request, {
      onHead: (given) => void (status = given),
      onEnd: () => {
        tookUs.push((performance.now() - sinceMs) * 1_000);
        if (status !== 200) failed += 1;
        open -= 1;
        const next = waiting.shift();
        if (next === undefined) free.push(connection);
        else send(connection, next);
      },
      onFail: () => {
        failed += 1;
        open -= 1;
      },
    });
  };

  const beganMs = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const nowMs = performance.now();
      const wanted = Math.min(job.forMs, nowMs - beganMs) * (job.perSecond / 1_000);
      for (; due < wanted; due += 1) {
        open += 1;
        const connection = free.pop();
        if (connection === undefined) waiting.push(nowMs);
        else send(connection, nowMs);
      }
      if (nowMs - beganMs < job.forMs || (open > 0 && nowMs - beganMs < 2 * job.forMs)) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  for (const connection of all) connection.close();
  const { median, p95 } = figuresOf(tookUs);
  return {
    requests: tookUs.length,
    failed: failed + open,
    p50Us: median,
    p95Us: p95,
  };
}
