import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { test } from 'node:test';

/** Restores what it replaced: the runner itself tells the time. */
async function withoutWorld(task: () => Promise<void>): Promise<readonly string[]> {
  const used: string[] = [];
  const restore: (() => void)[] = [];
  const forbid = (owner: object, name: string): void => {
    const before = Object.getOwnPropertyDescriptor(owner, name);
    assert.ok(before !== undefined, name);
    const trap = (): never => {
      used.push(name);
      throw new Error(`${name} was used while a pure module was loaded`);
    };
    Object.defineProperty(owner, name, { configurable: true, writable: true, value: trap });
    restore.push(() => Object.defineProperty(owner, name, before));
  };
  forbid(Date, 'now');
  forbid(Math, 'random');
  for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch', 'Date']) {
    forbid(globalThis, name);
  }
  try {
    await task();
  } finally {
    for (const undo of restore.reverse()) undo();
  }
  return used;
}

test('loading the pure floors asks for no time, no chance and no turn of the event loop', async () => {
  const paths = globSync([
    'src/base/**/*.ts',
    'src/model/**/*.ts',
    'src/decide/**/*.ts',
    'src/ports/**/*.ts',
    'src/http1/**/*.ts',
  ]);
  const modules = paths.filter((path) => !path.endsWith('.test.ts'));
  assert.ok(modules.length > 20, 'the modules were not found');
  // What stands behind the schemas is not ours to trap.
  await import('typebox');
  const used = await withoutWorld(async () => {
    for (const path of modules) await import(new URL(`../${path}`, import.meta.url).href);
  });
  assert.deepEqual(used, []);
});

test('the trap itself works', async () => {
  await assert.rejects(
    withoutWorld(async () => {
      await import(new URL('./fixtures/pure-floors/rolls-dice.ts', import.meta.url).href);
    }),
    /Math\.random|random was used/,
  );
});
