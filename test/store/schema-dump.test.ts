import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { schemaFile, schemaText } from '../support/schema-dump.ts';

test('the committed schema is what the migrations make', async () => {
  assert.equal(
    await readFile(schemaFile, 'utf8'),
    schemaText(),
    'src/adapters/store-sql/schema.sql is stale: run node scripts/schema-dump.ts',
  );
});
