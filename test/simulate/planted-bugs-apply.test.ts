import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { huntBug } from './planted-bugs/bug-hunt.ts';
import { PLANTED_BUGS } from './planted-bugs/bugs.ts';
import { plant } from './planted-bugs/planted-bug.ts';

describe('the planted bugs', () => {
  it('are ten or more, each of its own', () => {
    assert.ok(PLANTED_BUGS.length >= 10);
    assert.equal(new Set(PLANTED_BUGS.map(({ name }) => name)).size, PLANTED_BUGS.length);
  });

  for (const bug of PLANTED_BUGS) {
    it(`apply to the code as it is: ${bug.name}`, () => {
      const text = readFileSync(`src/${bug.file}`, 'utf8');
      assert.notEqual(plant(bug, text), text);
    });
  }

  it('say so where they do not', () => {
    const bug = { name: 'x', file: 'base/ids.ts', find: 'a', replace: 'b' };
    assert.throws(
      () => plant(bug, 'no such letter'),
      /"x" does not apply: its text occurs 0 times in src\/base/,
    );
    assert.throws(() => plant(bug, 'a a'), /occurs 2 times/);
  });

  it('are what is found: the same copy of the sources without one holds', async () => {
    const nothing = { name: 'nothing', file: 'control/reconciler.ts', find: 'import', replace: 'import' };
    const text = readFileSync('src/control/reconciler.ts', 'utf8');
    const first = text.slice(0, text.indexOf(';') + 1);
    assert.equal(await huntBug({ ...nothing, find: first, replace: first }, 60), null);
  });
});
