import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { before, describe, test } from 'node:test';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const COMMAND = join(REPOSITORY, 'dist/cli/pilotlight.js');
const API_KEY = 'a-key-for-tests-only';

/** The compiled program finds its threads and child processes by other names than the sources do. */
describe('the package as it is published', () => {
  before(() => {
    rmSync(join(REPOSITORY, 'dist'), { recursive: true, force: true });
    execFileSync('npm', ['run', 'build'], { cwd: REPOSITORY, stdio: 'pipe' });
  });

  test('holds the program, its contract and its papers, and no tests', () => {
    const output = execFileSync('npm', ['pack', '--dry-run', '--json'], {
      cwd: REPOSITORY,
      encoding: 'utf8',
    });
    const [pack] = JSON.parse(output) as [{ files: { path: string }[] }];
    const paths = pack.files.map(({ path }) => path);
    for (const path of [
      'dist/cli/pilotlight.js',
      'dist/main/serve.js',
      'dist/worker/start.js',
      'dist/worker/start.d.ts',
      'openapi/control-plane.json',
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
    ]) {
      assert.ok(paths.includes(path), `${path} is missing`);
    }
    const unwanted = paths.filter(
      (path) => !/^(?:dist|openapi)\/|^[A-Z]+(?:\.md)?$|^package\.json$/.test(path),
    );
    assert.deepEqual(unwanted, []);
    assert.deepEqual(
      paths.filter((path) => path.includes('.test.')),
      [],
    );
  });

  test('gives workers their kit by the name of the package', () => {
    const program = "import('pilotlight/worker').then(({ start }) => start({ handler: () => 1 }))";
    const ran = spawnSync(process.execPath, ['--eval', program], {
      cwd: REPOSITORY,
      encoding: 'utf8',
      env: {},
    });
    assert.match(ran.stderr, /RUNPOD_WEBHOOK_GET_JOB is not set/);
  });

  test('serves an endpoint, simulates it, and stops at SIGTERM', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'pilotlight-built-'));
    const server = spawn(
      process.execPath,
      [COMMAND, 'serve', '--listen=127.0.0.1:0', `--data-dir=${dataDir}`, '--gpus=0', '--log-level=error'],
      {
        cwd: REPOSITORY,
        env: { ...process.env, PILOTLIGHT_API_KEY: API_KEY },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const exited = once(server, 'exit');
    try {
      const url = await firstMatch(server.stdout, /^Listening on (\S+)$/);
      const call = (method: string, path: string, body?: unknown): Promise<Response> =>
        fetch(url + path, {
          method,
          headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
      const created = await call('POST', '/gpus/v2/endpoints', {
        type: 'sync',
        name: 'built',
        product_id: 'cpu',
        image: 'host',
        command: 'node examples/echo/server.ts',
        worker_config: { max_replicas: 1 },
      });
      const { id } = (await created.json()) as { id: string };
      const answer = await call('GET', `/e/${id}/hello`);
      assert.equal(answer.status, 200);
      assert.equal(((await answer.json()) as { path: string }).path, '/hello');
      const simulated = await call('POST', `/gpus/v2/endpoints/${id}/simulate`, {});
      assert.equal(simulated.status, 200);
      assert.equal(((await simulated.json()) as { requests: { count: number } }).requests.count, 1);
      assert.equal((await call('DELETE', `/gpus/v2/endpoints/${id}`)).status, 200);
      // Gone only when its worker is: a server that stops earlier leaves the worker to the next one.
      while ((await call('GET', `/gpus/v2/endpoints/${id}`)).status !== 404);
    } finally {
      server.kill('SIGTERM');
    }
    assert.deepEqual(await exited, [0, null]);
    rmSync(dataDir, { recursive: true, force: true });
  });
});

async function firstMatch(stream: NodeJS.ReadableStream, pattern: RegExp): Promise<string> {
  for await (const line of createInterface({ input: stream })) {
    const found = pattern.exec(line)?.[1];
    if (found !== undefined) return found;
  }
  throw new Error('the server ended before it listened');
}
