import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ERROR_STATUS } from '../../src/model/error-status.ts';
import { rowsBelow } from './markdown-table.ts';

test('docs/errors.md names every error once, with the status it is answered with', () => {
  const rows = rowsBelow(readFileSync('docs/errors.md', 'utf8'), 'reason');
  const written = rows.map(([reason, status]) => `${reason} ${status}`);
  const answered = Object.entries(ERROR_STATUS).map(([reason, status]) => `${reason} ${status}`);
  assert.deepEqual(written.toSorted(), answered.toSorted());
});

test('docs/errors.md says for each error who meets it and what to do', () => {
  for (const [reason, , who, remedy] of rowsBelow(readFileSync('docs/errors.md', 'utf8'), 'reason')) {
    assert.ok((who?.length ?? 0) > 10, `${reason} says nothing of when it comes`);
    assert.ok((remedy?.length ?? 0) > 0, `${reason} says nothing of what to do`);
  }
});
