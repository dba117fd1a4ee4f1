import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCli } from './run-cli.ts';

test('serve and demo get every word as it stands, and give back the exit code', async () => {
  const serve = await runCli(['serve', '--listen', '127.0.0.1:0', '--gpus=4', '--help'], { scriptCode: 7 });
  assert.equal(serve.code, 7);
  assert.deepEqual(serve.scripts, [['src/main/serve.ts', '--listen', '127.0.0.1:0', '--gpus=4', '--help']]);

  const early = await runCli(['--api-key', 'k', 'serve', '--domain', 'example.org']);
  assert.deepEqual(early.scripts, [['src/main/serve.ts', '--api-key', 'k', '--domain', 'example.org']]);

  const demo = await runCli(['demo']);
  assert.deepEqual([demo.code, demo.scripts], [0, [['examples/demo/demo.ts']]]);
});

const harness = fileURLToPath(new URL('../fixtures/cli/run-script.ts', import.meta.url));
const script = (name: string): string => fileURLToPath(new URL(`../fixtures/cli/${name}`, import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

async function runReal(
  argv: readonly string[],
  onOutput?: (text: string, pid: number) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', harness, ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    onOutput?.(output, child.pid ?? 0);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

test('a script runs on the same terminal with its words, and its exit code is handed on', async () => {
  const { code, output } = await runReal([script('tell-words.ts'), 'a b', '--flag', '5']);
  assert.equal(output, '["a b","--flag","5"]\n');
  assert.equal(code, 5);
});

test('SIGTERM and SIGINT reach the script, which ends in its own time', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    let sent = false;
    const { code, output } = await runReal([script('await-signal.ts')], (text, pid) => {
      if (sent || !text.includes('ready')) return;
      sent = true;
      process.kill(pid, signal);
    });
    assert.equal(output, `ready\ngot ${signal}\n`);
    assert.equal(code, 3);
  }
});

test('a script that a signal ends gives the code a shell would', async () => {
  const { code } = await runReal([script('end-by-signal.ts')]);
  assert.equal(code, 128 + 9);
});

test('a script that is not installed says so, exit 2', async () => {
  const { code, output } = await runReal(['/nowhere/demo.ts']);
  assert.equal(code, 2);
  assert.equal(output, 'this installation has no /nowhere/demo.ts; run it from a clone of the repository\n');
});
