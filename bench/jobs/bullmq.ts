import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Queue, Worker } from 'bullmq';
import { freePort, startProgram } from './program.ts';
import { INPUT, OUTPUT, WORKERS, type Subject } from './subject.ts';

/**
 * BullMQ on a Redis that waits for the disk before it answers. The client hears of the end of its job
 * from the worker in the same process, which costs BullMQ less than its own way over Redis does.
 */
export async function openBullMq(parent: string): Promise<Subject> {
  const folder = await mkdtemp(join(parent, 'redis-'));
  const port = await freePort();
  const stop = await startProgram(
    'redis-server',
    [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
    ],
    /Ready to accept connections/,
  );
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
  const queue = new Queue('bench', { connection });
  const waiting = new Map<string, () => void>();
  const early = new Set<string>();
  let worker: Worker | null = null;
  const options = { removeOnComplete: { count: 10_000 } };
  return {
    name: 'BullMQ on Redis',
    async enqueue() {
      await queue.add('job', INPUT, options);
    },
    async roundTrip() {
      const job = await queue.add('job', INPUT, options);
      const id = job.id ?? '';
      if (early.delete(id)) return;
      await new Promise<void>((resolve) => {
        waiting.set(id, resolve);
      });
    },
    async startWorkers() {
      worker = new Worker('bench', async () => OUTPUT, { connection, concurrency: WORKERS });
      worker.on('completed', ({ id = '' }) => {
        const done = waiting.get(id);
        waiting.delete(id);
        if (done === undefined) early.add(id);
        else done();
      });
      await worker.waitUntilReady();
    },
    async stopWorkers() {
      await worker?.close();
    },
    async clear() {
      await queue.obliterate({ force: true });
    },
    async close() {
      await queue.close();
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
