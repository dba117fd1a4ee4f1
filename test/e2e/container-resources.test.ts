import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import Docker from 'dockerode';
import { credentialOf, pushTestImage } from '../support/docker-world.ts';
import { engineSkip, testEngine, type TestEngine } from '../support/engines.ts';
import { ServerProcess } from '../support/server-process.ts';

const AUTHS = '/gpus/v2/registry-auths';
const VOLUMES = '/gpus/v2/network-volumes';
const TASKS = '/gpus/v2/prewarm-tasks';

/** Adds a line to a file of the volume and answers with all of it, and with what is in its scratch. */
const PROGRAM = `
  const { appendFileSync, readdirSync, readFileSync, writeFileSync } = require('fs');
  appendFileSync('/data/seen', process.env.PILOTLIGHT_WORKER_ID + ' ');
  const found = readdirSync('/cache').length;
  writeFileSync('/cache/mine', '');
  require('http').createServer((question, answer) =>
    answer.end(readFileSync('/data/seen', 'utf8') + '/ ' + found)).listen(process.env.PORT);
`.replaceAll(/\s+/g, ' ');

interface Task {
  readonly task_id: string;
  readonly status: { readonly status: string };
  readonly reason: readonly string[];
  readonly image_size: number;
}

describe('private images and volumes on docker', { skip: engineSkip(), timeout: 180_000 }, () => {
  let engine: TestEngine;
  let server: ServerProcess;
  let docker: Docker;

  before(async () => {
    engine = testEngine('docker');
    docker = new Docker({ socketPath: engine.socket });
    server = await ServerProcess.start({ flags: ['--driver=docker', `--docker-socket=${engine.socket}`] });
  });

  after(async () => {
    await server.dispose();
  });

  async function volumeNames(): Promise<readonly string[]> {
    return (await docker.listVolumes()).Volumes.map(({ Name }) => Name);
  }

  async function taskOver(body: Record<string, unknown>): Promise<Task> {
    const { task_id: id } = await server.api<{ task_id: string }>('POST', TASKS, {
      region_id: 'local',
      ...body,
    });
    for (;;) {
      const { data } = await server.api<{ data: Task[] }>('GET', TASKS);
      const task = data.find(({ task_id: taskId }) => taskId === id);
      if (task?.status.status === 'succeeded' || task?.status.status === 'failed') return task;
      await new Promise((resume) => setTimeout(resume, 100));
    }
  }

  async function refusal(method: string, path: string): Promise<string> {
    const answer = await server.request(method, path);
    return ((await answer.json()) as { reason?: string }).reason ?? String(answer.status);
  }

  async function ask(id: string): Promise<{ readonly workers: number; readonly inScratch: string }> {
    const text = await (await server.request('GET', `/e/${id}/`)).text();
    const [seen = '', inScratch = ''] = text.split('/').map((part) => part.trim());
    return { workers: seen.split(' ').length, inScratch };
  }

  test('a login pulls what is private, a volume outlives workers, scratch does not, and nothing is left', async (context) => {
    const image = await pushTestImage('resources', '1');
    const { registry, username, password } = credentialOf(engine);
    const before = await volumeNames();

    const without = await taskOver({ image });
    assert.equal(without.status.status, 'failed');
    assert.match(without.reason.join(), /login|credential|registry_auth_id/i);

    const auth = { name: 'private', registry, username, password };
    const { id: authId } = await server.api<{ id: string }>('POST', AUTHS, auth);
    const pulled = await taskOver({ image, registry_auth_id: authId });
    assert.deepEqual([pulled.status.status, pulled.reason], ['succeeded', []]);
    assert.ok(pulled.image_size > 1_000_000, String(pulled.image_size));

    const { id: volumeId } = await server.api<{ id: string }>('POST', VOLUMES, { name: 'data', size: 1 });
    const id = await server.create({
      image,
      registry_auth_id: authId,
      command: `-e "${PROGRAM}"`,
      health_check: { path: '' },
      worker_config: { max_replicas: 1, min_replicas: 1 },
      volumes: [
        { id: volumeId, mount_point: '/data' },
        { type: 'local', mount_point: '/cache' },
      ],
    });
    assert.deepEqual(await ask(id), { workers: 1, inScratch: '0' });
    await server.update(id, { envs: [{ key: 'A', value: 'new workers' }] });
    await server.until(
      id,
      ({ status, workers }) =>
        status.status === 'running' && workers.every(({ revision, health }) => revision === 2 && health),
      context.signal,
    );
    assert.deepEqual(
      await ask(id),
      { workers: 2, inScratch: '0' },
      'the new worker reads what the old one wrote',
    );

    assert.equal(await refusal('DELETE', `${AUTHS}/${authId}`), 'IMAGE_AUTH_IN_USE');
    assert.equal(await refusal('DELETE', `${VOLUMES}/${volumeId}`), 'NETWORK_STORAGE_IN_USE');
    assert.ok(existsSync(join(server.dataDir, 'volumes', volumeId, 'seen')));
    await server.api('DELETE', `/gpus/v2/endpoints/${id}`);
    await server.gone(id);
    await server.api('DELETE', `${AUTHS}/${authId}`);
    await server.api('DELETE', `${VOLUMES}/${volumeId}`);
    while (readdirSync(join(server.dataDir, 'volumes')).length > 0)
      await new Promise((resume) => setTimeout(resume, 20));
    assert.deepEqual(await volumeNames(), before, 'no volume of the engine is left');
    assert.ok(!server.output.includes(password), 'the log tells no password');
  });
});
