import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { processLives } from '../../src/adapters/driver-process/process-table.ts';
import { seededRandom } from '../../src/base/random.ts';
import { EndpointWriter, ServerGone, type RevisionKind } from '../support/endpoint-writer.ts';
import { RequestLoad } from '../support/request-load.ts';
import { ServerProcess } from '../support/server-process.ts';
import { leftProcesses, spawnerOf, workerProcesses } from '../support/worker-processes.ts';

const KILLS = 20;
/** Every so many kills the server dies in a quiet moment, so that what it must adopt is known exactly. */
const QUIET_EVERY = 4;
const CLIENTS = 10;
/** The longest time of changes before a kill. */
const CHURN_MS = 1_200;
/** Between two changes of one endpoint, at most. */
const PAUSE_MS = 200;
/** Bounds a hang; nothing here is judged by the time it takes. */
const TIME_OUT_MS = 360_000;
const OPTIONS = { gpus: 3, flags: ['--bake-seconds=1', '--stop-grace-seconds=5'] };

const WORKER = { max_replicas: 1, min_replicas: 1, max_concurrent_per_worker: 20, request_timeout: 60 };
/** With three devices each of the two can surge, unless the other does so at the same time. */
const LASTING: readonly { appName: string; productId: string; kinds: readonly RevisionKind[] }[] = [
  { appName: 'first-gpu', productId: 'gpu', kinds: ['good', 'exits'] },
  { appName: 'second-gpu', productId: 'gpu', kinds: ['good', 'good', 'exits'] },
  { appName: 'on-cpu', productId: 'cpu', kinds: ['good', 'silent', 'exits'] },
];

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const random = seededRandom(seed);

function pick<T>(choices: readonly T[]): T {
  const choice = choices[Math.floor(random.next() * choices.length)];
  assert.ok(choice !== undefined);
  return choice;
}

/** Changes one endpoint again and again until the server is gone. */
async function churn(
  server: ServerProcess,
  change: () => Promise<void>,
  ended: () => boolean,
): Promise<void> {
  try {
    while (!ended()) {
      await change();
      await pause(random.next() * PAUSE_MS);
    }
  } catch (error) {
    if (!(error instanceof ServerGone)) throw new Error(server.output, { cause: error });
  }
}

async function changeLasting(
  server: ServerProcess,
  writer: EndpointWriter,
  kinds: readonly RevisionKind[],
): Promise<void> {
  if (random.next() < 0.5) await writer.rename(server);
  else await writer.revise(server, pick(kinds));
}

/** Creates and deletes endpoints, each with a name of its own. */
async function changeShortLived(server: ServerProcess, writers: EndpointWriter[]): Promise<void> {
  const writer = writers.at(-1);
  if (writer?.isCreated === true) {
    await writer.remove(server);
    return;
  }
  const next = new EndpointWriter(`short-${writers.length}`);
  writers.push(next);
  await next.create(server, { worker_config: { ...WORKER, min_replicas: random.next() < 0.5 ? 0 : 1 } });
}

/** Until the processes the kernel knows are the workers the server shows. */
async function untilNoOrphan(server: ServerProcess, signal: AbortSignal): Promise<void> {
  for (;;) {
    const shown = (await server.list()).flatMap(({ workers }) => workers);
    const running = await workerProcesses(server.dataDir);
    const known = new Set(shown.map(({ id }) => id));
    const orphans = [...running.keys()].filter((id) => !known.has(id));
    const missing = shown.filter(({ id, status }) => status.status === 'ready' && !running.has(id));
    if (orphans.length === 0 && missing.length === 0) return;
    if (signal.aborted) {
      throw new Error(`orphans: ${orphans.join()}; no process: ${JSON.stringify(missing)}\n${server.output}`);
    }
    await pause(50);
  }
}

/** Ready workers of all endpoints with their pids. */
async function readyWorkers(server: ServerProcess): Promise<Map<string, number | undefined>> {
  const running = await workerProcesses(server.dataDir);
  const ready = (await server.list()).flatMap(({ workers }) =>
    workers.filter(({ status }) => status.status === 'ready'),
  );
  return new Map(ready.map(({ id }) => [id, running.get(id)]));
}

async function untilSettled(
  server: ServerProcess,
  writers: readonly EndpointWriter[],
  signal: AbortSignal,
): Promise<void> {
  for (const writer of writers) {
    if (!writer.endsGood) await writer.revise(server, 'good');
  }
  for (const { id } of writers) {
    assert.ok(id !== null);
    await server.until(
      id,
      ({ status, workers }) =>
        status.status === 'running' && workers.length === 1 && workers[0]?.status.status === 'ready',
      signal,
    );
  }
}

describe(`kill -9 of the server, ${KILLS} times`, () => {
  it(
    `keeps every answered write and every worker (SEED=${seed})`,
    { timeout: TIME_OUT_MS },
    async (context) => {
      context.diagnostic(`SEED=${seed}`);
      const signal = AbortSignal.timeout(TIME_OUT_MS - 20_000);
      let server = await ServerProcess.start(OPTIONS);
      const { dataDir } = server;
      const lasting = LASTING.map(({ appName, productId, kinds }) => ({
        writer: new EndpointWriter(appName),
        productId,
        kinds,
      }));
      const lastingWriters = lasting.map(({ writer }) => writer);
      const shortLived: EndpointWriter[] = [];
      let served = 0;
      let adopted = 0;
      try {
        for (const { writer, productId } of lasting) {
          await writer.create(server, { product_id: productId, worker_config: WORKER });
        }
        for (let round = 1; round <= KILLS; round += 1) {
          const urls = (await server.list())
            .filter((endpoint) => lastingWriters.some(({ appName }) => appName === endpoint['app_name']))
            .map(({ url }) => url);
          const loads = urls.map((url) => new RequestLoad({ url, clients: CLIENTS }));
          for (const load of loads) load.start();

          let ended = false;
          const churns = [
            ...lasting.map(({ writer, kinds }) =>
              churn(
                server,
                () => changeLasting(server, writer, kinds),
                () => ended,
              ),
            ),
            churn(
              server,
              () => changeShortLived(server, shortLived),
              () => ended,
            ),
          ];
          await pause(random.next() * CHURN_MS);
          const isQuiet = round % QUIET_EVERY === 0;
          let before: Map<string, number | undefined> | null = null;
          if (isQuiet) {
            ended = true;
            await Promise.all(churns);
            await untilSettled(server, lastingWriters, signal);
            before = await readyWorkers(server);
          }
          for (const load of loads) load.expectCut();
          ended = true;
          await server.kill();
          await Promise.all(churns);
          for (const load of loads) {
            const count = await load.stop();
            served += count.ok;
            assert.deepEqual(Object.fromEntries(count.failures), {}, `round ${round}\n${server.output}`);
          }

          server = await ServerProcess.start({ ...OPTIONS, dataDir });
          const shown = await server.list();
          for (const writer of [...lastingWriters, ...shortLived]) writer.check(shown);
          assert.deepEqual(
            shown.filter(({ id }) => ![...lastingWriters, ...shortLived].some((writer) => writer.id === id)),
            [],
            'endpoints nobody asked for',
          );
          if (before !== null) {
            for (const [id, pid] of before) {
              assert.equal(
                (await readyWorkers(server)).get(id),
                pid,
                `worker ${id} was not adopted\n${server.output}`,
              );
              adopted += 1;
            }
          }
          await untilNoOrphan(server, signal);
          for (const writer of [...lastingWriters, ...shortLived]) await writer.checkWorkers(server);
        }
        await untilSettled(server, lastingWriters, signal);
        await untilNoOrphan(server, signal);
        context.diagnostic(`${served} requests served, ${adopted} workers adopted in quiet moments`);
        assert.ok(served > 500, `${served} requests`);

        const spawner = spawnerOf(server.pid);
        const workersFolder = join(dataDir, 'workers');
        await server.removeAll();
        while ((await readdir(workersFolder)).length > 0 && !signal.aborted) await pause(20);
        assert.deepEqual(await readdir(workersFolder), []);
        assert.deepEqual(await leftProcesses(dataDir), []);
        await server.terminate();
        while (processLives(spawner, null) && !signal.aborted) await pause(20);
        assert.equal(processLives(spawner, null), false, 'the spawner is left');
      } finally {
        // After a failure: an orphan that this test found is not left on the machine.
        for (const pid of await leftProcesses(dataDir)) process.kill(pid, 'SIGKILL');
        await server.dispose();
      }
    },
  );
});
