import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openSqliteStore } from '../../src/adapters/store-sql/sqlite-store.ts';
import type { EndpointId } from '../../src/base/ids.ts';
import { readArrivalChunk } from '../../src/model/arrival-chunk.ts';
import type { ArrivalChunk, Store } from '../../src/ports/store.ts';
import { withDataFolder } from '../support/data-folder.ts';

const WRITER = fileURLToPath(new URL('../fixtures/arrival-writer.ts', import.meta.url));
const ROUNDS = 3;

test('kill -9 loses no arrival that was flushed, and leaves none twice or in part', async () => {
  await withDataFolder(async (folder) => {
    const path = join(folder, 'store.sqlite');
    for (let round = 1; round <= ROUNDS; round += 1) {
      const endpointId = `round-${round}` as EndpointId;
      const flushed = await recordUntilKilled(path, endpointId, round * 3);
      const store = await openSqliteStore({ path });
      try {
        const numbers = (await allChunks(store, endpointId))
          .flatMap((chunk) => [...readArrivalChunk(chunk.bytes)])
          .map((arrival) => arrival.runMs)
          .sort((a, b) => a - b);
        assert.ok(numbers.length >= flushed, `${numbers.length} of ${flushed} arrivals are there`);
        assert.deepEqual(
          numbers,
          numbers.map((_, index) => index + 1),
        );
      } finally {
        await store.close();
      }
    }
  });
});

/** Resolves with the number of arrivals that the writer said were flushed, when it is dead. */
async function recordUntilKilled(path: string, endpointId: EndpointId, killAfter: number): Promise<number> {
  const argv = ['--disable-warning=ExperimentalWarning', WRITER, path, endpointId];
  const writer = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const ended = once(writer, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    let lines = 0;
    let flushed = 0;
    for await (const line of createInterface({ input: writer.stdout })) {
      flushed = Number(line);
      lines += 1;
      if (lines === killAfter) writer.kill('SIGKILL');
    }
    const [exitCode, signal] = await ended;
    assert.equal(signal, 'SIGKILL', `the writer ended by itself with code ${exitCode}`);
    return flushed;
  } finally {
    writer.kill('SIGKILL');
  }
}

async function allChunks(store: Store, endpointId: EndpointId): Promise<readonly ArrivalChunk[]> {
  const chunks: ArrivalChunk[] = [];
  for (;;) {
    const page = await store.arrivalChunkList(endpointId, 0, chunks.at(-1) ?? null, 10);
    if (page.length === 0) return chunks;
    chunks.push(...page);
  }
}
