import { execFileSync } from 'node:child_process';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PgBoss } from 'pg-boss';
import { freePort, startProgram, type UserIds } from './program.ts';
import { INPUT, OUTPUT, WORKERS, type Subject } from './subject.ts';

/**
 * pg-boss on a Postgres that waits for the disk (fsync and synchronous_commit are on by default). Its
 * own workers poll at most twice a second, so here workers fetch as soon as a job was sent.
 */
export async function openPgBoss(parent: string): Promise<Subject> {
  const folder = await mkdtemp(join(parent, 'postgres-'));
  // Postgres refuses to run as root.
  const user = process.getuid?.() === 0 ? idsOf('postgres') : undefined;
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const programs = programsFolder();
  const stopInit = await startProgram(
    join(programs, 'initdb'),
    ['-D', data, '-A', 'trust', '-U', 'bench', '--no-sync'],
    /Success/,
    user,
  );
  await stopInit();
  const port = await freePort();
  const stop = await startProgram(
    join(programs, 'postgres'),
    [
      '-D',
      data,
      '-p',
      String(port),
      '-k',
      folder,
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'max_connections=100',
    ],
    /ready to accept connections/,
    user,
  );
  const boss = new PgBoss({
    host: folder,
    port,
    database: 'postgres',
    user: 'bench',
    max: WORKERS,
    schedule: false,
    supervise: false,
  });
  boss.on('error', (error: unknown) => console.error(error));
  await boss.start();
  await boss.createQueue('bench');
  const sent: string[] = [];
  const idle: (() => void)[] = [];
  const waiting = new Map<string, () => void>();
  const early = new Set<string>();
  let working = false;
  let lanes: Promise<void>[] = [];
  const wake = (): void => idle.shift()?.();
  const lane = async (): Promise<void> => {
    while (working) {
      const id = sent.pop();
      if (id === undefined) {
        await new Promise<void>((resolve) => {
          idle.push(resolve);
        });
        continue;
      }
      const jobs = await boss.fetch('bench', { batchSize: 1 });
      // Another transaction held it, or it is not yet due by the clock of the database.
      if (jobs.length === 0) sent.push(id);
      for (const job of jobs) {
        await boss.complete('bench', job.id, OUTPUT);
        const done = waiting.get(job.id);
        waiting.delete(job.id);
        if (done === undefined) early.add(job.id);
        else done();
      }
    }
  };
  const send = async (): Promise<string> => {
    const id = await boss.send('bench', INPUT);
    if (id === null) throw new Error('pg-boss did not take the job');
    return id;
  };
  return {
    name: 'pg-boss on Postgres',
    async enqueue() {
      await send();
    },
    async roundTrip() {
      const id = await send();
      sent.push(id);
      wake();
      if (early.delete(id)) return;
      await new Promise<void>((resolve) => {
        waiting.set(id, resolve);
      });
    },
    async startWorkers() {
      working = true;
      lanes = Array.from({ length: WORKERS }, lane);
    },
    async stopWorkers() {
      working = false;
      while (idle.length > 0) wake();
      await Promise.all(lanes);
    },
    async clear() {
      await boss.deleteAllJobs('bench');
    },
    async close() {
      await boss.stop({ graceful: false });
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function idsOf(name: string): UserIds {
  const read = (flag: string): number => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { uid: read('-u'), gid: read('-g') };
}

/** Debian keeps Postgres's programs out of the PATH. */
export function programsFolder(): string {
  return execFileSync('pg_config', ['--bindir'], { encoding: 'utf8' }).trim();
}
