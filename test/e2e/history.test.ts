import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { RevisionItem, UpdateAnswer, UpdatePlan } from '../../src/client/schema.ts';
import { API_KEY, ServerProcess } from '../support/server-process.ts';

/** Bounds the looking for one state; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 180_000;

interface Revisions {
  readonly data: readonly RevisionItem[];
}

const greeting = (value: string): { envs: { key: string; value: string }[] } => ({
  envs: [{ key: 'GREETING', value }],
});

it(
  'an update is planned, made, seen in the history after a crash, and brought back',
  { timeout: TIME_OUT_MS },
  async () => {
    let server = await ServerProcess.start({
      gpus: 1,
      flags: ['--bake-seconds=1', '--watch-seconds=0', '--prices=gpu=2'],
    });
    const { dataDir } = server;
    try {
      const id = await server.create({
        product_id: 'gpu',
        worker_config: { max_replicas: 1, min_replicas: 1 },
        ...greeting('first'),
      });
      const path = `/gpus/v2/endpoints/${id}`;
      const settled = async (revision: number): Promise<void> => {
        await server.until(
          id,
          ({ status, workers }) =>
            status.status === 'running' && workers.length === 1 && workers[0]?.revision === revision,
          AbortSignal.timeout(TIME_OUT_MS),
        );
      };
      const said = async (): Promise<string> => {
        const { url } = await server.get(id);
        const answer = await fetch(`${url}/hello`, { headers: { authorization: `Bearer ${API_KEY}` } });
        return await answer.text();
      };
      await settled(1);

      // A plan: everything it says, and nothing done.
      const before = { endpoint: await server.get(id), workers: await server.workers(id) };
      const plan = await server.api<UpdatePlan>('PUT', `${path}?dry_run=true`, greeting('second'));
      assert.deepEqual([plan.dry_run, plan.effect, plan.revision], [true, 'rollout', 2]);
      assert.deepEqual(plan.changed['envs'], {
        old: greeting('first').envs,
        new: greeting('second').envs,
        class: 'revision',
      });
      const [worker] = before.endpoint.workers;
      const start = plan.steps.find(({ action }) => action === 'start');
      assert.deepEqual([start?.mode, start?.devices, start?.replaces], ['swap', ['0'], [worker?.id]]);
      assert.deepEqual(plan.impact.price_change_per_hour, { at_min: 0, at_max: 0 });
      // No worker of it was ever stopped, and a swap has to wait for that.
      assert.deepEqual([plan.impact.expected_seconds, plan.impact.not_measured], [null, ['stop']]);
      assert.deepEqual({ endpoint: await server.get(id), workers: await server.workers(id) }, before);

      assert.equal((await server.update(id, greeting('second'))).revision, 2);
      await settled(2);
      assert.match(await said(), /second/);
      const known = await server.api<UpdatePlan>('POST', `${path}/rollback?dry_run=true`, { revision: 1 });
      assert.ok((known.impact.expected_seconds ?? 0) > 1, JSON.stringify(known.impact));

      // What was noted of each revision is on disk.
      await server.kill();
      server = await ServerProcess.start({
        dataDir,
        gpus: 1,
        flags: ['--bake-seconds=1', '--watch-seconds=0'],
      });
      await settled(2);
      const { data } = await server.api<Revisions>('GET', `${path}/revisions`);
      const { owner_id: owner } = await server.get(id);
      assert.deepEqual(
        data.map((item) => [item.revision, item.outcome, item.from_revision, item.created_by, item.workers]),
        [
          [2, 'in_force', 1, owner, 1],
          [1, 'replaced', null, owner, 0],
        ],
      );
      assert.ok((data[1]?.start_seconds ?? 0) > 0);

      const back = await server.api<UpdateAnswer>('POST', `${path}/rollback`, { revision: 1 });
      assert.deepEqual([back.revision, back.changed], [3, { envs: 'revision' }]);
      await settled(3);
      assert.match(await said(), /first/);
      const missing = await server.request('POST', `${path}/rollback`, { revision: 9 });
      assert.equal(missing.status, 404);
      assert.equal(((await missing.json()) as { reason: string }).reason, 'SERVERLESS_REVISION_NOT_FOUND');
    } finally {
      await server.dispose();
    }
  },
);
