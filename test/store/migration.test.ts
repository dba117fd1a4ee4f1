import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { endpointToRow, revisionToRow, workerToRow } from '../../src/adapters/store-sql/rows.ts';
import { openSqliteDatabase } from '../../src/adapters/store-sql/sqlite-database.ts';
import { openSqliteStore } from '../../src/adapters/store-sql/sqlite-store.ts';
import { ALL_MIGRATIONS } from '../../src/adapters/store-sql/migrations/all-migrations.ts';
import { rolloutOptions } from '../../src/decide/sample-world.ts';
import { UNSEEN_EXIT } from '../../src/model/worker-exit.ts';
import { withDataFolder } from '../support/data-folder.ts';
import { storedEndpoint, storedRevision, storedWorker } from '../support/stored-records.ts';

test('what the first version stored is read by this one: who, settings and times are not known', async () => {
  await withDataFolder(async (folder) => {
    const path = join(folder, 'store.sqlite');
    const database = openSqliteDatabase(path, 0, ALL_MIGRATIONS.slice(0, 1));
    // A text that looks like the key at which a rollout is added to stays what it is.
    const stored = storedEndpoint('e1', { message: 'wrote "notBeforeMs": 7' });
    const { settings_generation: _generation, ...row } = endpointToRow(stored);
    const endpoint = { ...row, record: withoutRolloutOptions(row.record) };
    const { endpoint_id, number, created_at_ms, failure, start_time_ms, spec } = revisionToRow(
      storedRevision('e1', 1, { failure: 'it exited', startTimeMs: 300 }),
    );
    const revision = { endpoint_id, number, created_at_ms, failure, start_time_ms, spec };
    const worker = storedWorker('w1', 'e1', {
      reason: 'it said "exit":{',
      exit: { ...UNSEEN_EXIT, code: 3 },
      lastOutput: '',
      lastRequests: [],
    });
    const { record: workerRecord, ...workerRow } = workerToRow(worker);
    for (const [table, row] of [
      ['endpoints', endpoint],
      ['revisions', revision],
      ['workers', { ...workerRow, record: withoutMemoryFacts(workerRecord) }],
    ] as const) {
      const names = Object.keys(row);
      database
        .prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`)
        .run(...Object.values(row));
    }
    database.close();

    const store = await openSqliteStore({ path });
    try {
      const { rollout } = stored;
      assert.ok(rollout !== null);
      assert.deepEqual(await store.endpointList(), [
        {
          ...stored,
          settingsGeneration: 1,
          rollout: { ...rollout, options: rolloutOptions({ watchMs: 0 }), order: 'go', stateSinceMs: 0 },
        },
      ]);
      assert.deepEqual(await store.workerList(), [worker]);
      assert.deepEqual(await store.revisionList(storedEndpoint('e1').id), [
        storedRevision('e1', 1, {
          failure: 'it exited',
          startTimeMs: 300,
          createdBy: null,
          settings: null,
          fromRevision: null,
        }),
      ]);
    } finally {
      await store.close();
    }
  });
});

/** A record as it was before rollouts had options. */
function withoutRolloutOptions(record: string): string {
  const parsed = JSON.parse(record) as { rollout: Record<string, unknown> };
  const { options: _options, order: _order, stateSinceMs: _sinceMs, ...rollout } = parsed.rollout;
  return JSON.stringify({ ...parsed, rollout });
}

/** A record as it was when an exit had but code and signal, and a worker left no more than that. */
function withoutMemoryFacts(record: string): string {
  const parsed = JSON.parse(record) as {
    exit: Record<string, unknown>;
    [key: string]: unknown;
  };
  const { outOfMemory: _outOfMemory, peakMemoryMib: _peakMemoryMib, ...exit } = parsed.exit;
  const { lastOutput: _lastOutput, lastRequests: _lastRequests, ...before } = parsed;
  return JSON.stringify({ ...before, exit });
}
