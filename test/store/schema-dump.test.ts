import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { SCHEMAS, schemaText } from '../support/schema-dump.ts';

for (const { file, migrations } of SCHEMAS) {
  test(`${file.replace(/^.*\/src\//, 'src/')} is what the migrations make`, async () => {
    assert.equal(
      await readFile(file, 'utf8'),
      schemaText(migrations),
      'it is stale: run node scripts/schema-dump.ts',
    );
  });
}
