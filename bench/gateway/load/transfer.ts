import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { HttpConnection } from './http-connection.ts';
import type { Figures, Job } from './message.ts';
import { requestHead } from './request-text.ts';

const BLOCK = Buffer.alloc(64 * 1024, 'x');
type Transfer = Extract<Job, { kind: 'download' | 'upload' }>;

/** One large body; `bytesPerSecond` 0 is as fast as it goes, else this end (of a download) or the program (of an upload) reads slowly. */
export async function transfer(job: Transfer): Promise<Figures> {
  const connection = await HttpConnection.open(job.target.port);
  const beganMs = performance.now();
  const limit = Promise.withResolvers<number>();
  const timer = setTimeout(() => limit.resolve(0), job.forMs);
  const whole = job.kind === 'download' ? download(connection, job) : upload(connection, job);
  const bytes = await Promise.race([whole, limit.promise]);
  clearTimeout(timer);
  const tookMs = performance.now() - beganMs;
  connection.close();
  return { bytes, tookMs };
}

async function download(connection: HttpConnection, job: Transfer): Promise<number> {
  const { socket } = connection;
  const head = requestHead(job.target, { method: 'GET', path: `/big?bytes=${job.bytes}` });
  const beganMs = performance.now();
  let received = 0;
  await new Promise<void>((resolve, reject) => {
    connection.send(head, {
      onHead: (status) => {
        if (status !== 200) reject(new Error(`a download was answered ${status}`));
      },
      onBody: (chunk) => {
        received += chunk.length;
        if (job.bytesPerSecond === 0) return;
        const aheadMs = (received / job.bytesPerSecond) * 1_000 - (performance.now() - beganMs);
        if (aheadMs < 1) return;
        socket.pause();
        setTimeout(() => socket.resume(), aheadMs);
      },
      onEnd: resolve,
      onFail: reject,
    });
  });
  return received;
}

async function upload(connection: HttpConnection, job: Transfer): Promise<number> {
  const { socket } = connection;
  const head = requestHead(job.target, {
    method: 'POST',
    path: `/sink?rate=${job.bytesPerSecond}`,
    headers: { 'content-length': String(job.bytes) },
  });
  const answered = connection.request(head);
  // Awaited behind the body; until then its failure is not unhandled.
  answered.catch(() => undefined);
  for (let left = job.bytes; left > 0; left -= BLOCK.length) {
    const more = socket.write(left >= BLOCK.length ? BLOCK : BLOCK.subarray(0, left));
    if (!more) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    // A turn of the loop, so that an early answer is seen.
    if (socket.destroyed) break;
    await wait(0);
  }
  const { status, body } = await answered;
  if (status !== 200) throw new Error(`an upload was answered ${status}`);
  return Number(body);
}
