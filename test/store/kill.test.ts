import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openSqliteStore } from '../../src/adapters/store-sql/sqlite-store.ts';
import { seededRandom } from '../../src/base/random.ts';
import { withDataFolder } from '../support/data-folder.ts';

const WRITER = fileURLToPath(new URL('../fixtures/store-writer.ts', import.meta.url));
const ROUNDS = 10;
const WRITES_MAX = 200;
/** Set PILOTLIGHT_TEST_SEED to the number that a failed run printed to repeat its moments of death. */
const seed = Number(process.env['PILOTLIGHT_TEST_SEED'] ?? Date.now() % 1_000_000);

test(`no acknowledged write is lost when the writer is killed (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  await withDataFolder(async (folder) => {
    const path = join(folder, 'store.sqlite');
    const acknowledged = new Map<string, number>();
    for (let round = 1; round <= ROUNDS; round += 1) {
      const killAfter = 1 + Math.floor(random.next() * WRITES_MAX);
      await writeUntilKilled(path, `round${round}`, killAfter, acknowledged);
      await assertStored(
        path,
        acknowledged,
        `seed ${seed}, round ${round}, killed after ${killAfter} writes`,
      );
    }
    assert.ok(acknowledged.size >= ROUNDS, 'the rounds wrote something');
  });
});

/** Resolves when the writer is dead and all that it printed is read. */
async function writeUntilKilled(
  path: string,
  prefix: string,
  killAfter: number,
  acknowledged: Map<string, number>,
): Promise<void> {
  const writer = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', WRITER, path, prefix], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const ended = once(writer, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    let lines = 0;
    for await (const line of createInterface({ input: writer.stdout })) {
      const [id = '', generation = ''] = line.split(' ');
      acknowledged.set(id, Number(generation));
      lines += 1;
      if (lines === killAfter) writer.kill('SIGKILL');
    }
    const [exitCode, signal] = await ended;
    assert.equal(signal, 'SIGKILL', `the writer ended by itself with code ${exitCode}`);
  } finally {
    writer.kill('SIGKILL');
  }
}

async function assertStored(
  path: string,
  acknowledged: ReadonlyMap<string, number>,
  when: string,
): Promise<void> {
  const store = await openSqliteStore({ path });
  try {
    const endpoints = new Map(
      (await store.endpointList()).map((endpoint) => [endpoint.id as string, endpoint]),
    );
    for (const [id, generation] of acknowledged) {
      const stored = endpoints.get(id);
      assert.ok(
        stored !== undefined && stored.generation >= generation,
        `${when}: ${id} at ${generation} is lost`,
      );
    }
    for (const endpoint of endpoints.values()) {
      const revisions = await store.revisionList(endpoint.id);
      assert.equal(revisions.length, endpoint.generation, `${when}: ${endpoint.id} was written in part`);
    }
  } finally {
    await store.close();
  }
}
