import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { test } from 'node:test';

const MODULE = resolve(import.meta.dirname, '../../src/main/garbage-collection.ts');

// An engine that does not know a flag goes on without it, and says so on its standard error.
test('the engine knows the settings of its garbage collection', () => {
  const script = `import { tuneGarbageCollection } from ${JSON.stringify(MODULE)}; tuneGarbageCollection();`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
  });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
});
