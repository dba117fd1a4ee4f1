import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { leftProcesses } from '../support/worker-processes.ts';
import { API_KEY } from '../support/server-process.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 120_000;
const HEADERS = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
const EVENTS = 30;

/** What a user started, and what answers behind it. */
interface Started {
  readonly top: ChildProcess;
  /** Resolves when every process that holds its output has ended: the server too, whoever its parent is. */
  readonly ended: Promise<unknown>;
  readonly output: readonly string[];
  readonly endpointUrl: string;
}

async function withServer(
  command: string,
  words: readonly string[],
  run: (started: Started) => Promise<void>,
): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'pilotlight-e2e-'));
  const top = spawn(
    command,
    [...words, '--listen=127.0.0.1:0', `--data-dir=${dataDir}`, '--gpus=0', '--log-level=error'],
    {
      cwd: REPOSITORY,
      env: { ...process.env, PILOTLIGHT_API_KEY: API_KEY },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, as a terminal gives to each command.
      detached: true,
    },
  );
  const ended = once(top, 'close');
  const output: string[] = [];
  try {
    const url = await new Promise<string>((onUrl, onEnd) => {
      createInterface({ input: top.stderr }).on('line', (line) => output.push(line));
      createInterface({ input: top.stdout }).on('line', (line) => {
        output.push(line);
        const match = /^Listening on (\S+)$/.exec(line);
        if (match?.[1] !== undefined) onUrl(match[1]);
      });
      top.once('exit', () => onEnd(new Error(`it ended before it listened:\n${output.join('\n')}`)));
    });
    const created = await fetch(`${url}/gpus/v2/endpoints`, {
      method: 'POST',
      headers: HEADERS,
      body: JSON.stringify({
        type: 'sync',
        name: 'stops',
        product_id: 'cpu',
        image: 'host:examples/echo',
        command: 'node server.ts',
        worker_config: { max_replicas: 1, max_concurrent_per_worker: 2 },
      }),
    });
    const { id } = (await created.json()) as { id: string };
    await run({ top, ended, output, endpointUrl: `${url}/e/${id}` });
  } finally {
    killGroup(top.pid);
    // A stopping server leaves its workers to the next one, and there is none here.
    for (const pid of await leftProcesses(dataDir)) killGroup(pid);
    await ended;
    await rm(dataDir, { recursive: true, force: true });
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A stream of which the first event has come. */
async function openStream({ endpointUrl }: Started, events: number): Promise<AsyncIterator<string>> {
  const answer = await fetch(`${endpointUrl}/sse?events=${events}&interval_ms=50`, { headers: HEADERS });
  assert.equal(answer.status, 200);
  assert.ok(answer.body !== null);
  const parts = answer.body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  assert.equal((await parts.next()).done, false);
  return parts;
}

async function rest(stream: AsyncIterator<string>): Promise<string> {
  let text = '';
  for (;;) {
    const part = await stream.next();
    if (part.done === true) return text;
    text += part.value;
  }
}

describe('a server that was started by a command', { timeout: TIME_OUT_MS }, () => {
  for (const [name, command, words] of [
    ['pilotlight serve', process.execPath, ['src/cli/pilotlight.ts', 'serve']],
    ['npm start', 'npm', ['start', '--']],
  ] as const) {
    it(`${name}: SIGTERM to the command finishes what runs, then both end`, () =>
      withServer(command, words, async (started) => {
        const stream = await openStream(started, EVENTS);
        started.top.kill('SIGTERM');
        assert.ok((await rest(stream)).endsWith('data: [DONE]\n\n'));
        assert.deepEqual(await started.ended, [0, null], started.output.join('\n'));
        await assert.rejects(fetch(started.endpointUrl), TypeError);
      }));
  }

  it('npm run pilotlight -- serve: one Ctrl-C finishes what runs, the next one ends it at once', () =>
    withServer('npm', ['run', 'pilotlight', '--', 'serve'], async (started) => {
      const short = await openStream(started, EVENTS);
      const long = await openStream(started, 10_000);
      // As a terminal does it: every process of the command is told, and some of them tell each other.
      const interrupt = (): void => void process.kill(-(started.top.pid ?? 0), 'SIGINT');
      interrupt();
      assert.ok((await rest(short)).endsWith('data: [DONE]\n\n'));
      assert.equal(started.top.exitCode, null, 'a request runs, so the server must');
      interrupt();
      await assert.rejects(rest(long), TypeError);
      assert.deepEqual(await started.ended, [1, null], started.output.join('\n'));
    }));
});
