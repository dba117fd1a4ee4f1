import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import Docker from 'dockerode';
import { engineSkip, testEngine } from '../support/engines.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const IMAGE = 'pilotlight-deploy-test:1';
const API_KEY = 'a-key-for-tests-only';
/** The engines' namespace is the tests' own, and the container shares it. */
const LISTEN = '127.0.0.1:18080';
const URL = `http://${LISTEN}`;

async function call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(URL + path, {
    method,
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path} answered ${answer.status}: ${text}`);
  return JSON.parse(text) as Answer;
}

/** Reads progress to its end; its errors are lines in it. */
async function finished(client: Docker, stream: NodeJS.ReadableStream): Promise<void> {
  const lines = await new Promise<readonly { error?: string }[]>((done, fail) => {
    client.modem.followProgress(stream, (error, all) =>
      error === null ? done(all as { error?: string }[]) : fail(error),
    );
  });
  assert.equal(lines.find((line) => line.error !== undefined)?.error, undefined);
}

async function until<Value>(look: () => Promise<Value>, holds: (value: Value) => boolean): Promise<Value> {
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

test(
  'Pilotlight in its own image runs workers beside it: create, ask, update, delete',
  { skip: engineSkip(), timeout: 300_000 },
  async () => {
    const engine = testEngine('docker');
    const client = new Docker({ socketPath: engine.socket });
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-deploy-'));
    const context = join(folder, 'context');
    const data = join(folder, 'data');
    execFileSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', 'scripts/image-context.ts', context],
      { cwd: REPOSITORY, stdio: 'pipe' },
    );
    const tar = spawn('tar', ['-C', context, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await finished(client, await client.buildImage(tar.stdout, { t: IMAGE, networkmode: 'none' }));
    const server = await client.createContainer({
      Image: IMAGE,
      Env: [
        `PILOTLIGHT_LISTEN=${LISTEN}`,
        `PILOTLIGHT_DATA_DIR=${data}`,
        `PILOTLIGHT_DOCKER_SOCKET=${engine.socket}`,
        `PILOTLIGHT_API_KEY=${API_KEY}`,
        'PILOTLIGHT_GPUS=0',
        'PILOTLIGHT_BAKE_SECONDS=1',
        'PILOTLIGHT_WATCH_SECONDS=0',
        'PILOTLIGHT_STOP_GRACE_SECONDS=2',
      ],
      HostConfig: {
        NetworkMode: 'host',
        Init: true,
        Binds: [`${engine.socket}:${engine.socket}`, `${data}:${data}`],
      },
    });
    try {
      await server.start();
      await until(
        async () => await server.inspect(),
        ({ State }) => {
          assert.ok(State.Running, `the server ended with ${State.ExitCode}`);
          return State.Health?.Status === 'healthy';
        },
      );
      const { id } = await call<{ id: string }>('POST', '/gpus/v2/endpoints', {
        type: 'sync',
        name: 'echo',
        product_id: 'cpu',
        image: engine.image,
        envs: [{ key: 'GREETING', value: 'one' }],
        worker_config: { max_replicas: 2, min_replicas: 1, idle_timeout: 60 },
        health_check: { path: '/healthz' },
      });
      const ask = async (): Promise<string> => {
        const answer = await fetch(`${URL}/e/${id}/hello`, {
          headers: { authorization: `Bearer ${API_KEY}` },
        });
        assert.equal(answer.status, 200, await answer.clone().text());
        return await answer.text();
      };
      assert.match(await ask(), /one/);
      await call('PUT', `/gpus/v2/endpoints/${id}`, { envs: [{ key: 'GREETING', value: 'two' }] });
      const seen = await until(
        async () => {
          await ask();
          return await call<{ revision: number; status: { status: string } }>(
            'GET',
            `/gpus/v2/endpoints/${id}`,
          );
        },
        ({ status }) => status.status === 'running',
      );
      assert.equal(seen.revision, 2);
      assert.match(await ask(), /two/);
      await call('DELETE', `/gpus/v2/endpoints/${id}`);
      await until(
        async () => await client.listContainers({ all: true, filters: { label: ['pilotlight.instance'] } }),
        (containers) => containers.every(({ Labels }) => Labels['pilotlight.endpoint'] !== id),
      );
    } finally {
      await server.remove({ force: true });
      await client.getImage(IMAGE).remove({ force: true });
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
