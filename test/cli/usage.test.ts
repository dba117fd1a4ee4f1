import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { COMMANDS } from '../../src/cli/commands/commands.ts';
import { lines, runCli } from './run-cli.ts';

test('without a command: the overview on stderr, exit 2; with --help on stdout, exit 0', async () => {
  const bare = await runCli([]);
  assert.equal(bare.code, 2);
  assert.equal(bare.stdout, '');
  for (const argv of [['--help'], ['-h'], ['help']]) {
    const helped = await runCli(argv);
    assert.equal(helped.code, 0);
    assert.equal(helped.stdout, bare.stderr);
  }
  for (const { name } of COMMANDS) assert.ok(bare.stderr.includes(`\n  ${name}`), name);
  assert.match(bare.stderr, /\n {2}serve +run the server/);
  assert.match(bare.stderr, /Exit codes: 0 done, 1 refused/);
});

test('--version is the one of the package', async () => {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  assert.deepEqual(await runCli(['--version']), { code: 0, stdout: `${version}\n`, stderr: '', scripts: [] });
});

test('every command has a help that names its arguments and options', async () => {
  for (const command of COMMANDS) {
    const { code, stdout } = await runCli([...command.name.split(' '), '--help']);
    assert.equal(code, 0);
    for (const name of Object.keys(command.arguments)) assert.ok(stdout.includes(name.toUpperCase()), name);
    for (const name of [...Object.keys(command.options), 'url', 'api-key', 'json']) {
      assert.ok(stdout.includes(`  --${name} `), `${command.name} --${name}`);
    }
  }
});

test('the help of a noun lists its verbs', async () => {
  const { code, stdout } = await runCli(['workers', '--help']);
  assert.equal(code, 0);
  assert.match(stdout, /workers list ENDPOINT/);
  assert.match(stdout, /workers logs ENDPOINT WORKER/);
  assert.doesNotMatch(stdout, /products/);
});

test('wrong words: exit 2, what was wrong and what to try', async () => {
  const rows: readonly [readonly string[], string, string][] = [
    [['endpoint'], 'there is no command "endpoint"; did you mean "endpoints"?', 'pilotlight'],
    [['xyzzy'], 'there is no command "xyzzy"', 'pilotlight'],
    [
      ['endpoints'],
      'say what to do with endpoints: list, get, create, update, rollback, delete, simulate',
      'pilotlight endpoints',
    ],
    [
      ['endpoints', 'lst'],
      'endpoints has no "lst"; did you mean "list"? It has list, get, create, update, rollback, delete, simulate',
      'pilotlight endpoints',
    ],
    [['endpoints', 'get'], 'ENDPOINT missing', 'pilotlight endpoints get'],
    [['workers', 'logs', 'ep1'], 'WORKER missing', 'pilotlight workers logs'],
    [['workers', 'logs'], 'ENDPOINT and WORKER missing', 'pilotlight workers logs'],
    [['endpoints', 'get', 'a', 'b'], 'unexpected argument "b"', 'pilotlight endpoints get'],
    [
      ['endpoints', 'list', '--keywrd', 'x'],
      'unknown option --keywrd; did you mean --keyword?',
      'pilotlight endpoints list',
    ],
    [['endpoints', 'list', '-x'], 'unknown option -x', 'pilotlight endpoints list'],
    [['endpoints', 'list', '--limit'], '--limit needs a value', 'pilotlight endpoints list'],
    [
      ['endpoints', 'list', '--keyword', '--json'],
      '--keyword needs a value; to give it "--json", write --keyword="--json"',
      'pilotlight endpoints list',
    ],
    [
      ['endpoints', 'list', '--limit', '1.5'],
      '--limit takes a whole number, and was given "1.5"',
      'pilotlight endpoints list',
    ],
    [
      ['endpoints', 'list', '--json=yes'],
      '--json takes no value, and was given "yes"',
      'pilotlight endpoints list',
    ],
    [
      ['endpoints', 'list', '--limit', '1', '--limit', '2'],
      '--limit is given 2 times; it takes one value',
      'pilotlight endpoints list',
    ],
    [
      ['endpoints', 'list', '--url', 'localhost:8080'],
      'the server\'s URL is "localhost:8080"; it must be like http://127.0.0.1:8080',
      'pilotlight endpoints list',
    ],
    [
      ['endpoints', 'list', '--api-key', 'two words'],
      'the API key holds a character that cannot be sent; was it copied whole?',
      'pilotlight endpoints list',
    ],
  ];
  for (const [argv, message, advised] of rows) {
    const run = await runCli(argv);
    assert.deepEqual(
      run,
      { code: 2, stdout: '', stderr: lines(`error: ${message}`, `Try: ${advised} --help`), scripts: [] },
      argv.join(' '),
    );
  }
});
