import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const RUN_ONE = fileURLToPath(new URL('../fixtures/runner/run-one.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'runner-'));
after(() => rmSync(folder, { recursive: true }));

interface Verdict {
  readonly exitCode: number;
  readonly output: string;
  readonly summary: Readonly<Record<string, number>>;
}

/** The verdict of our own runner on a test file with this text. */
async function verdictOn(text: string, mode: 'ci' | 'local' = 'local'): Promise<Verdict> {
  const file = join(folder, 'sample.test.ts');
  writeFileSync(file, `import { test } from 'node:test';\n${text}\n`);
  const environment = { ...process.env };
  // Set for the children of a test run; a runner that sees it runs nothing.
  delete environment['NODE_TEST_CONTEXT'];
  return new Promise((resolve) => {
    const argv = ['--disable-warning=ExperimentalWarning', RUN_ONE, file, mode];
    execFile(process.execPath, argv, { env: environment }, (error, stdout, stderr) => {
      const summary = [...stdout.matchAll(/^ℹ (\w+) ([\d.]+)$/gm)].map(([, name, count]) => [
        name,
        Number(count),
      ]);
      resolve({
        exitCode: error === null ? 0 : 1,
        output: stdout + stderr,
        summary: Object.fromEntries(summary) as Record<string, number>,
      });
    });
  });
}

describe('the test runner', () => {
  test('passes a sound file and counts it', async () => {
    const { exitCode, summary } = await verdictOn("test('a', () => {}); test('b', () => {});");
    assert.equal(exitCode, 0);
    assert.deepEqual([summary['tests'], summary['pass'], summary['fail']], [2, 2, 0]);
  });

  test('fails a failing test', async () => {
    const { exitCode, output, summary } = await verdictOn("test('a', () => { throw new Error('broken') });");
    assert.equal(exitCode, 1);
    assert.equal(summary['fail'], 1);
    assert.match(output, /failing tests:[\s\S]*broken/);
  });

  test('fails a file that does not end, and says what kept it alive', async () => {
    const { exitCode, output } = await verdictOn("test('a', () => {}); setInterval(() => {}, 100);");
    assert.equal(exitCode, 1);
    assert.match(output, /sample\.test\.ts did not end within 3 s; still active: .*Timeout/);
  });

  test('fails a file that leaves a process behind, names it, and ends it', async () => {
    const { exitCode, output } = await verdictOn(`
      import { spawn } from 'node:child_process';
      test('a', () => {
        const child = spawn('sleep', ['987'], { detached: true, stdio: 'ignore' });
        child.unref();
      });`);
    assert.equal(exitCode, 1);
    const pid = Number(/never stopped:\s+(\d+) sleep 987/.exec(output)?.[1]);
    assert.ok(pid > 0, output);
    // Gone, or a zombie that nobody has fetched yet: neither has a command line.
    const cmdline = `/proc/${pid}/cmdline`;
    assert.equal(existsSync(cmdline) ? readFileSync(cmdline, 'utf8') : '', '');
  });

  test('fails a skipped and a todo test in CI alone', async () => {
    for (const text of ["test('a', { skip: 'no' }, () => {});", "test('a', { todo: 'no' }, () => {});"]) {
      assert.equal((await verdictOn(text, 'local')).exitCode, 0);
      const inCi = await verdictOn(text, 'ci');
      assert.equal(inCi.exitCode, 1);
      assert.match(inCi.output, /in CI every test must run/);
    }
  });

  test('fails a file that cannot be loaded', async () => {
    assert.equal((await verdictOn("import './nothing.ts';")).exitCode, 1);
  });
});
