import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openSqliteJobStore } from '../../src/adapters/store-sql/sqlite-job-store.ts';
import type { JobId } from '../../src/base/ids.ts';
import { seededRandom } from '../../src/base/random.ts';
import { JOB_STATES } from '../../src/model/job-state.ts';
import { withDataFolder } from '../support/data-folder.ts';

const WRITER = fileURLToPath(new URL('../fixtures/job-writer.ts', import.meta.url));
const ROUNDS = 5;
const LINES_MAX = 300;
/** Set PILOTLIGHT_TEST_SEED to the number that a failed run printed to repeat its moments of death. */
const seed = Number(process.env['PILOTLIGHT_TEST_SEED'] ?? Date.now() % 1_000_000);

test(`no acknowledged step of a job is lost when the writer is killed (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  await withDataFolder(async (folder) => {
    const path = join(folder, 'jobs.sqlite');
    const acknowledged = new Map<string, string>();
    for (let round = 1; round <= ROUNDS; round += 1) {
      const killAfter = 1 + Math.floor(random.next() * LINES_MAX);
      await writeUntilKilled(path, `round${round}`, killAfter, acknowledged);
      const store = await openSqliteJobStore({ path });
      const when = `seed ${seed}, round ${round}, killed after ${killAfter} lines`;
      for (const [id, state] of acknowledged) {
        const job = await store.jobFind(id as JobId);
        assert.ok(job !== null, `${when}: ${id} is lost`);
        // It may have come one step further than was told.
        assert.ok(
          JOB_STATES.indexOf(job.state) >= JOB_STATES.indexOf(state as never),
          `${when}: ${id} was ${state} and is ${job.state}`,
        );
        // What belongs to one step is there wholly or not at all.
        const isEnded = job.state === 'COMPLETED';
        assert.equal(job.output, isEnded ? JSON.stringify(id) : null, `${when}: ${id}`);
        assert.equal((await store.deliveryList(job.id)).length, isEnded ? 1 : 0, `${when}: ${id}`);
      }
      await store.close();
    }
    assert.ok(acknowledged.size >= ROUNDS, 'the rounds wrote something');
  });
});

/** Resolves when the writer is dead and all that it printed is read. */
async function writeUntilKilled(
  path: string,
  prefix: string,
  killAfter: number,
  acknowledged: Map<string, string>,
): Promise<void> {
  const writer = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', WRITER, path, prefix], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const ended = once(writer, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    let lines = 0;
    for await (const line of createInterface({ input: writer.stdout })) {
      const [id = '', state = ''] = line.split(' ');
      acknowledged.set(id, state);
      lines += 1;
      if (lines === killAfter) writer.kill('SIGKILL');
    }
    const [exitCode, signal] = await ended;
    assert.equal(signal, 'SIGKILL', `the writer ended by itself with code ${exitCode}`);
  } finally {
    writer.kill('SIGKILL');
  }
}
