import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { API_KEY, ServerProcess, type EndpointShown } from '../support/server-process.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const PILOTLIGHT = 'src/cli/pilotlight.ts';
/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 120_000;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe('the command line against a server', () => {
  let server: ServerProcess;
  before(async () => {
    server = await ServerProcess.start();
  });
  after(async () => {
    await server.dispose();
  });

  async function run(argv: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
    return await new Promise((onEnd) => {
      execFile(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', PILOTLIGHT, ...argv],
        {
          cwd: REPOSITORY,
          timeout: TIME_OUT_MS,
          env: {
            ...process.env,
            PILOTLIGHT_URL: server.url,
            PILOTLIGHT_API_KEY: API_KEY,
            NO_COLOR: '1',
            ...environment,
          },
        },
        (error, stdout, stderr) =>
          onEnd({ code: error === null ? 0 : Number(error.code ?? NaN), stdout, stderr }),
      );
    });
  }

  async function json<Value>(argv: readonly string[]): Promise<Value> {
    const { code, stdout, stderr } = await run([...argv, '--json']);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Value;
  }

  const ECHO = [
    ...['--product', 'cpu', '--image', 'host:examples/echo', '--command', 'node server.ts'],
    ...['--health-path', '/healthz', '--min', '1', '--max', '1', '--concurrency', '4'],
  ];

  async function create(name: string, more: readonly string[] = []): Promise<string> {
    return (await json<{ id: string }>(['endpoints', 'create', '--name', name, ...ECHO, ...more])).id;
  }

  async function untilReady(id: string): Promise<EndpointShown> {
    return await server.until(
      id,
      ({ workers }) => workers.some(({ status }) => status.status === 'ready'),
      AbortSignal.timeout(TIME_OUT_MS),
    );
  }

  it('creates, shows, lists and deletes an endpoint', async () => {
    const made = await run([
      'endpoints',
      'create',
      '--name',
      'from the shell',
      ...ECHO,
      '--env',
      'GREETING=hi there',
    ]);
    assert.equal(made.code, 0, made.stderr);
    const id = /Created endpoint (\S+) \(from the shell\)/.exec(made.stdout)?.[1] ?? '';
    assert.ok(made.stdout.includes(`${server.url}/e/${id}`), made.stdout);
    await untilReady(id);

    const table = await run(['endpoints', 'list', '--keyword', 'from the shell']);
    assert.equal(table.code, 0, table.stderr);
    assert.match(table.stdout, new RegExp(`^ID .*STATUS.*\n${id} +from the shell +running +1/1 +1-1 +cpu`));
    const [listed] = await json<EndpointShown[]>(['endpoints', 'list', '--keyword', id]);
    assert.equal(listed?.id, id);
    const shown = await json<EndpointShown>(['endpoints', 'get', id]);
    assert.deepEqual(shown['envs'], [{ key: 'GREETING', value: 'hi there' }]);
    assert.equal((await run(['endpoints', 'get', id])).code, 0);

    const deleted = await run(['endpoints', 'delete', id]);
    assert.equal(deleted.code, 0, deleted.stderr);
    await server.gone(id);
    const missing = await run(['endpoints', 'get', id]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /^error: .*no endpoint.*\n\(SERVERLESS_ENDPOINT_NOT_FOUND, status 404\)/);
    assert.deepEqual(await json(['endpoints', 'list', '--keyword', id]), []);
  });

  it('lists workers and prints what they wrote', async () => {
    const id = await create('with a log');
    const { workers } = await untilReady(id);
    const worker = workers[0]?.id ?? '';
    const table = await run(['workers', 'list', id]);
    assert.equal(table.code, 0, table.stderr);
    assert.match(table.stdout, new RegExp(`^ID .*STATE.*\n${worker} +ready +1 +-`));
    const log = await run(['workers', 'logs', id, worker]);
    assert.equal(log.code, 0, log.stderr);
    assert.match(log.stdout, /^echo: listening on http/m);
    const unknown = await run(['workers', 'logs', id, 'nosuchworker']);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /SERVERLESS_WORKER_NOT_FOUND/);
  });

  it('update --watch follows a good update to its end', async () => {
    const id = await create('updated');
    await untilReady(id);
    const settings = await run(['endpoints', 'update', id, '--max', '2', '--watch']);
    assert.equal(settings.code, 0, settings.stderr);
    assert.match(settings.stdout, /^In force now: worker_config/);
    const updated = await run(['endpoints', 'update', id, '--env', 'GREETING=second', '--watch']);
    assert.equal(updated.code, 0, updated.stdout + updated.stderr);
    assert.match(updated.stdout, /^Needs new workers, revision 2: envs\.$/m);
    assert.match(updated.stdout, /^Revision 2 serves: 1 worker after [\d.]+ s\.$/m);
    const { workers } = await server.get(id);
    assert.ok(workers.some(({ revision, status }) => revision === 2 && status.status === 'ready'));
    const same = await run(['endpoints', 'update', id, '--env', 'GREETING=second', '--watch']);
    assert.equal(same.code, 0, same.stderr);
    assert.match(same.stdout, /^Nothing changed\.$/m);
  });

  it('update --watch tells a failed update by its exit code, and why', async () => {
    const id = await create('broken');
    await untilReady(id);
    const { code, stdout, stderr } = await run([
      'endpoints',
      'update',
      id,
      '--env',
      'EXIT_AT_START=1',
      '--watch',
    ]);
    assert.equal(code, 1, stdout);
    assert.match(stderr, /^error: .*revision 2 failed.*exited with code 1/s);
    const answer = await run(['endpoints', 'update', id, '--env', 'EXIT_AT_START=1', '--watch', '--json']);
    assert.equal(answer.code, 1);
    const { outcome, revision } = JSON.parse(answer.stdout) as { outcome: string; revision: number };
    assert.deepEqual({ outcome, revision }, { outcome: 'failed', revision: 3 });
    assert.equal((await server.get(id)).status.status, 'running');
  });

  it('tells every refused field by its option', async () => {
    const { code, stderr } = await run([
      'endpoints',
      'create',
      '--name',
      'bad',
      ...['--product', 'cpu', '--image', 'host', '--min', '1', '--max', '0', '--port', '70000'],
    ]);
    assert.equal(code, 1);
    assert.match(stderr, /^error: the server refused 2 fields:/);
    assert.match(stderr, /worker_config\.min_replicas \(--min\): /);
    assert.match(stderr, /ports\[0\] \(--port\): /);
  });

  it('has an exit code of its own for usage, for a wrong key and for no server', async () => {
    const usage = await run(['endpoints', 'list', '--limit', 'many']);
    assert.equal(usage.code, 2, usage.stderr);
    const unknown = await run(['endpoints', 'frobnicate']);
    assert.equal(unknown.code, 2, unknown.stderr);
    const key = await run(['endpoints', 'list'], { PILOTLIGHT_API_KEY: 'no-key-of-this-server' });
    assert.equal(key.code, 4, key.stderr);
    assert.match(key.stderr, /--api-key/);
    // Port 1 needs rights that nobody who runs tests should have.
    const nowhere = await run(['endpoints', 'list'], { PILOTLIGHT_URL: 'http://127.0.0.1:1' });
    assert.equal(nowhere.code, 3, nowhere.stderr);
    assert.match(nowhere.stderr, /pilotlight serve/);
  });
});
