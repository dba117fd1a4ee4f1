import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';

const DEMO = join(import.meta.dirname, '../../examples/demo/demo.ts');
/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 240_000;

interface Outcome {
  readonly code: number | null;
  readonly output: string;
  /** What it left in the folder for temporary files. */
  readonly left: readonly string[];
}

async function runDemo(onOutput?: (output: string, interrupt: () => void) => void): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotlight-demo-test-'));
  const demo = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', DEMO], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    let seen = '';
    demo.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      onOutput?.(seen, () => demo.kill('SIGINT'));
    });
    const [errors] = await Promise.all([text(demo.stderr), once(demo, 'close')]);
    return { code: demo.exitCode, output: seen + errors, left: readdirSync(folder) };
  } finally {
    demo.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

describe('the demo', () => {
  it('holds all it promises, loses no request and leaves nothing', { timeout: TIME_OUT_MS }, async () => {
    const { code, output, left } = await runDemo();
    assert.equal(code, 0, output);
    const summary = /(\d+) requests sent, (\d+) answered, 0 lost/.exec(output);
    assert.ok(summary !== null, output);
    assert.equal(summary[1], summary[2]);
    assert.ok(Number(summary[1]) > 100, `only ${summary[1]} requests`);
    assert.doesNotMatch(output, /FAILED/);
    assert.deepEqual(left, []);
    const wide = output.split('\n').filter((line) => line.length > 80);
    assert.deepEqual(wide, [], 'lines wider than a terminal');
  });

  it('cleans up when it is interrupted', { timeout: TIME_OUT_MS }, async () => {
    let interrupted = false;
    const { code, output, left } = await runDemo((seen, interrupt) => {
      // Workers run and requests are on their way.
      if (interrupted || !seen.includes('[1] [1]')) return;
      interrupted = true;
      interrupt();
    });
    assert.equal(code, 130, output);
    assert.match(output, /Interrupted/);
    assert.deepEqual(left, []);
  });
});
