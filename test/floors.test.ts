import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { FLOORS } from './support/floor-table.ts';
import { floorFaults, type FloorFault } from './support/import-graph.ts';

const packageFile = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
  'dependencies' | 'peerDependencies',
  Record<string, string>
>;
const packages = Object.keys(packageFile.dependencies);

test('the sources keep to the floors', () => {
  const paths = globSync(['src/**/*.ts', 'test/**/*.ts']);
  assert.ok(paths.length > 30, 'the sources were not found');
  const files = new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]));
  const faults = floorFaults(files, packages);
  assert.deepEqual(
    faults.map(({ path, line, message }) => `${path}:${line} ${message}`),
    [],
  );
});

test('a package that a floor may load where it is installed is a peer in package.json', () => {
  const peers = Object.values(FLOORS).flatMap(({ peers = [] }) => peers);
  assert.deepEqual(peers.toSorted(), Object.keys(packageFile.peerDependencies).toSorted());
});

/** One line a rule: the file that breaks it, what it says, and the rule that must answer. */
const BROKEN: readonly (readonly [what: string, path: string, text: string, rule: FloorFault['rule']])[] = [
  ['base imports model', 'src/base/a.ts', "import { x } from '../model/x.ts';", 'arrow'],
  ['model imports decide', 'src/model/a.ts', "import { x } from '../decide/x.ts';", 'arrow'],
  ['decide imports a port, as a type', 'src/decide/a.ts', "import type { X } from '../ports/x.ts';", 'arrow'],
  ['ports import decide', 'src/ports/a.ts', "export type { X } from '../decide/x.ts';", 'arrow'],
  ['ports import an adapter', 'src/ports/a.ts', "export * from '../adapters/x.ts';", 'arrow'],
  ['the codec imports the model', 'src/http1/a.ts', "import { x } from '../model/x.ts';", 'arrow'],
  ['the codec opens a connection', 'src/http1/a.ts', "import { connect } from 'node:net';", 'package'],
  ['the codec waits', 'src/http1/a.ts', 'export async function x() {}', 'async'],
  ['control imports gateway', 'src/control/a.ts', "import { x } from '../gateway/x.ts';", 'arrow'],
  ['control imports an adapter', 'src/control/a.ts', "import { x } from '../adapters/x.ts';", 'arrow'],
  ['gateway imports api', 'src/gateway/steps/a.ts', "import { x } from '../../api/x.ts';", 'arrow'],
  ['api imports control', 'src/api/a.ts', "const x = await import('../control/x.ts');", 'arrow'],
  ['an import in a type', 'src/api/a.ts', "type X = import('../control/x.ts').X;", 'arrow'],
  ['an adapter imports decide', 'src/adapters/a.ts', "import { x } from '../decide/x.ts';", 'arrow'],
  ['an adapter imports control', 'src/adapters/d/a.ts', "import { x } from '../../control/x.ts';", 'arrow'],
  ['an adapter imports another', 'src/adapters/d/a.ts', "import { x } from '../e/x.ts';", 'arrow'],
  ['a shared adapter imports a driver', 'src/adapters/worker-files/a.ts', "import '../e/x.ts';", 'arrow'],
  ['an adapter imports a lone one', 'src/adapters/d/a.ts', "import { x } from '../e.ts';", 'arrow'],
  ['main imports cli', 'src/main/a.ts', "import { x } from '../cli/x.ts';", 'arrow'],
  ['cli imports main', 'src/cli/a.ts', "import { x } from '../main/x.ts';", 'arrow'],
  ['cli imports model', 'src/cli/commands/a.ts', "import type { X } from '../../model/x.ts';", 'arrow'],
  ['client imports base', 'src/client/a.ts', "import { x } from '../base/x.ts';", 'arrow'],
  [
    'simulate imports a real driver',
    'src/simulate/a.ts',
    "import '../adapters/driver-process/x.ts';",
    'arrow',
  ],
  ['simulate imports a package', 'src/simulate/a.ts', "import { x } from 'undici';", 'package'],
  ['simulate imports main', 'src/simulate/a.ts', "import { x } from '../main/x.ts';", 'arrow'],
  ['simulate imports the client', 'src/simulate/a.ts', "import { x } from '../client/x.ts';", 'arrow'],
  ['control imports simulate', 'src/control/a.ts', "import { x } from '../simulate/x.ts';", 'arrow'],
  ['api imports simulate', 'src/api/a.ts', "import { x } from '../simulate/x.ts';", 'arrow'],
  ['control imports main', 'src/control/a.ts', "import { x } from '../main/x.ts';", 'arrow'],
  ['a worker imports a port', 'src/worker/a.ts', "import type { X } from '../ports/x.ts';", 'arrow'],
  ['a worker imports a package', 'src/worker/a.ts', "import { Pool } from 'undici';", 'package'],
  ['a worker imports the HTTP server', 'src/worker/a.ts', "import 'node:http';", 'package'],
  ['the server imports a worker', 'src/main/a.ts', "import { x } from '../worker/x.ts';", 'arrow'],
  ['a computed import', 'src/main/a.ts', 'const x = await import(name);', 'arrow'],

  ['base imports Node', 'src/base/a.ts', "import { join } from 'node:path';", 'package'],
  ['decide imports Node', 'src/decide/a.ts', "import { hash } from 'node:crypto';", 'package'],
  ['control imports Node', 'src/control/a.ts', "import { get } from 'node:http';", 'package'],
  ['gateway imports files', 'src/gateway/a.ts', "import { open } from 'node:fs';", 'package'],
  [
    'gateway imports timers',
    'src/gateway/a.ts',
    "import { setTimeout } from 'node:timers/promises';",
    'package',
  ],
  ['decide imports a package', 'src/decide/a.ts', "import { x } from 'typebox';", 'package'],
  ['gateway imports the web framework', 'src/gateway/a.ts', "import fastify from 'fastify';", 'package'],
  ['api imports the HTTP client', 'src/api/a.ts', "import { Pool } from 'undici';", 'package'],
  ['a package for development', 'src/adapters/a.ts', "import { WebSocket } from 'ws';", 'package'],
  ['a package that is not there', 'src/main/a.ts', "import x from '@nobody/knows/x';", 'package'],

  ['decide reads the date', 'src/decide/a.ts', 'export const x = Date.now();', 'global'],
  ['decide makes a date', 'src/decide/a.ts', 'export const x = new Date(0);', 'global'],
  ['decide names a date type', 'src/decide/a.ts', 'export type X = Date;', 'global'],
  ['decide rolls dice', 'src/decide/a.ts', 'export const x = Math.random();', 'global'],
  ['decide rolls dice, written oddly', 'src/decide/a.ts', "export const x = Math['random']();", 'global'],
  ['decide takes the dice', 'src/decide/a.ts', 'const { random } = Math;', 'global'],
  ['model sets a timer', 'src/model/a.ts', 'setTimeout(() => {}, 1);', 'global'],
  ['base repeats a timer', 'src/base/a.ts', 'setInterval(() => {}, 1);', 'global'],
  ['decide defers', 'src/decide/a.ts', 'setImmediate(() => {});', 'global'],
  ['decide defers a little', 'src/decide/a.ts', 'queueMicrotask(() => {});', 'global'],
  ['decide measures', 'src/decide/a.ts', 'export const x = performance.now();', 'global'],
  ['model reads the process', 'src/model/a.ts', 'export const x = process.pid;', 'global'],
  ['ports fetch', 'src/ports/a.ts', "export const x = fetch('http://a');", 'global'],
  ['base makes an id by chance', 'src/base/a.ts', 'export const x = crypto.randomUUID();', 'global'],
  ['decide prints', 'src/decide/a.ts', "console.log('x');", 'global'],
  ['decide goes around', 'src/decide/a.ts', 'export const x = globalThis.Date;', 'global'],
  ['decide hands a global on', 'src/decide/a.ts', 'export const x = { Date };', 'global'],
  ['control reads the date', 'src/control/a.ts', 'export const x = Date.now();', 'global'],
  ['simulate reads the date', 'src/simulate/a.ts', 'export const x = Date.now();', 'global'],
  ['simulate measures', 'src/simulate/a.ts', 'export const x = performance.now();', 'global'],
  ['simulate sets a timer', 'src/simulate/a.ts', 'setTimeout(() => {}, 1);', 'global'],
  ['simulate rolls dice', 'src/simulate/a.ts', 'export const x = Math.random();', 'global'],
  ['control gives way to others', 'src/control/a.ts', 'setImmediate(() => {});', 'global'],
  ['gateway sets a timer', 'src/gateway/a.ts', 'setTimeout(() => {}, 1);', 'global'],
  [
    'gateway lets a signal time out',
    'src/gateway/a.ts',
    'export const x = AbortSignal.timeout(1);',
    'global',
  ],
  ['api reads the environment', 'src/api/a.ts', "export const x = process.env['X'];", 'global'],
  ['an adapter reads the environment', 'src/adapters/a.ts', "export const x = process.env['X'];", 'global'],
  ['an adapter takes the environment', 'src/adapters/a.ts', 'const { env } = process;', 'global'],
  [
    'an adapter imports the environment',
    'src/adapters/a.ts',
    "import { env } from 'node:process';",
    'global',
  ],
  ['main reads the environment', 'src/main/compose.ts', "export const x = process['env'];", 'global'],
  ['an adapter imports a peer', 'src/adapters/a.ts', "import '@aws-sdk/client-s3';", 'package'],
  ['a worker reads the environment', 'src/worker/a.ts', 'export const x = process.env;', 'global'],
  ['a command reads the environment', 'src/cli/commands/a.ts', 'export const x = process.env;', 'global'],

  ['decide is async', 'src/decide/a.ts', 'export async function x(): Promise<void> {}', 'async'],
  ['decide has an async arrow', 'src/decide/a.ts', 'export const x = async () => {};', 'async'],
  ['decide has an async method', 'src/decide/a.ts', 'export const x = { async y() {} };', 'async'],
  ['decide awaits', 'src/decide/a.ts', 'await null;', 'async'],
  ['decide awaits in a loop', 'src/decide/a.ts', 'for await (const x of []) x;', 'async'],
  ['decide promises', 'src/decide/a.ts', 'export type X = Promise<number>;', 'async'],

  ['a test tool in the product', 'src/main/a.ts', "import fc from 'fast-check';", 'test-only'],
  ['the test runner in the product', 'src/main/a.ts', "import test from 'node:test';", 'test-only'],
  ['a test of src in the product', 'src/main/a.ts', "import '../model/words.test.ts';", 'test-only'],
  ['test code in the product', 'src/main/a.ts', "import '../../test/support/x.ts';", 'test-only'],
  ['an example in the product', 'src/cli/a.ts', "import '../../examples/x.ts';", 'test-only'],

  ['a long file', 'src/main/a.ts', '\n'.repeat(600), 'size'],
  ['a name in camel case', 'src/main/someThing.ts', '', 'name'],
  ['a drawer for everything', 'src/base/string-utils.ts', '', 'name'],
  ['a folder for everything', 'src/control/helpers/a.ts', '', 'name'],
  ['a manager', 'src/control/worker-manager.ts', '', 'name'],
  ['a barrel', 'src/control/index.ts', '', 'name'],
  ['a folder on no floor', 'src/plugins/a.ts', '', 'name'],
  ['a file on no floor', 'src/a.ts', '', 'name'],
  ['tests that are not run', 'test/gateway/queue.spec.ts', "import test from 'node:test';", 'not-run'],
];

describe('every rule bites', () => {
  for (const [what, path, text, rule] of BROKEN) {
    test(`${what}: ${rule}`, () => {
      const rules = floorFaults(new Map([[path, text]]), packages).map((fault) => fault.rule);
      assert.ok(rules.includes(rule), `answered by ${JSON.stringify(rules)}`);
    });
  }

  test('a circle of imports', () => {
    const files = new Map([
      ['src/model/a.ts', "import { b } from './b.ts';"],
      ['src/model/b.ts', "import { type C } from './deep/c.ts';"],
      ['src/model/deep/c.ts', "export * from '../a.ts';"],
    ]);
    const [first] = floorFaults(files, packages);
    assert.equal(first?.rule, 'cycle');
    assert.match(first.message, /a\.ts → .*b\.ts → .*c\.ts → .*a\.ts$/);
  });

  test('two files that only know each other’s types are no circle', () => {
    const files = new Map([
      ['src/model/a.ts', "import { b } from './b.ts';"],
      ['src/model/b.ts', "import type { A } from './a.ts';"],
    ]);
    assert.deepEqual(floorFaults(files, packages), []);
  });

  test('a fault names its line', () => {
    const files = new Map([
      ['src/decide/a.ts', '// é\n\nexport const x = 1;\nexport const y = Date.now();\n'],
    ]);
    assert.deepEqual(
      floorFaults(files, packages).map(({ line }) => line),
      [4],
    );
  });
});

/** What looks like a fault and is none. */
const SOUND: readonly (readonly [what: string, path: string, text: string])[] = [
  ['a property named like a global', 'src/decide/a.ts', 'export const x = (y: { process: 1 }) => y.process;'],
  ['a key named like a global', 'src/model/a.ts', 'export const x = { performance: 1, Date: 2 };'],
  ['a comment and a text', 'src/decide/a.ts', "// Date.now()\nexport const x = 'await Date.now()';"],
  ['decide imports model', 'src/decide/rollout/a.ts', "import { x } from '../../model/x.ts';"],
  ['a port promises', 'src/ports/a.ts', 'export interface X { y(signal: AbortSignal): Promise<void> }'],
  [
    'an adapter sets a timer',
    'src/adapters/d/a.ts',
    "import { b } from './b.ts';\nsetTimeout(b, Date.now());",
  ],
  ['a driver imports a shared one', 'src/adapters/d/a.ts', "import { b } from '../worker-files/b.ts';"],
  ['the gateway speaks HTTP', 'src/gateway/a.ts', "import { Server } from 'node:http';\nimport 'undici';"],
  ['the gateway sets a socket’s timer', 'src/gateway/a.ts', 'export const x = (y: any) => y.setTimeout(1);'],
  ['config reads the environment', 'src/main/config.ts', 'export const x = process.env;'],
  ['a worker reads its own', 'src/worker/start.ts', 'export const x = process.env;'],
  ['a worker uploads', 'src/worker/a.ts', "export const x = await import('@aws-sdk/client-s3');"],
  ['the command line reads its own', 'src/cli/process-io.ts', 'export const x = process.env;'],
  [
    'simulate lets others have their turn',
    'src/simulate/a.ts',
    "import '../control/b.ts';\nsetImmediate(() => {});",
  ],
  ['a test beside a decision', 'src/decide/a.test.ts', "import test from 'node:test';\nimport 'fast-check';"],
  [
    'a shared suite',
    'test/conformance/a.test.ts',
    "import test from 'node:test';\nimport '../support/b.ts';",
  ],
];

describe('no rule bites where it should not', () => {
  for (const [what, path, text] of SOUND) {
    test(what, () => {
      assert.deepEqual(floorFaults(new Map([[path, text]]), packages), []);
    });
  }
});
