import assert from 'node:assert/strict';
import type { UpdatePlan } from '../../src/client/schema.ts';
import { seededRandom } from '../../src/base/random.ts';
import { drawStartMs } from '../../src/simulate/worker-behaviour.ts';
import { ServerProcess, type EndpointShown } from '../../test/support/server-process.ts';
import type { PlannedRollout } from './planned-rollout.ts';

const MEAN_START_MS = 3_000;
const START_VARIATION = 0.25;
const MEAN_STOP_MS = 600;
const LIMIT_MS = 120_000;

/** How the new worker gets its place. */
export type LivePlace = 'beside the old one' | 'in its place';

/**
 * The same over HTTP and in real time: a server with its simulated driver, whose workers take the start
 * times drawn for their revision. Half of the endpoints have a device each and none is free, so that
 * their update is a swap; all of them are planned and updated at once.
 */
export async function planLive(rounds: number): Promise<ReadonlyMap<LivePlace, readonly PlannedRollout[]>> {
  const server = await ServerProcess.start({
    gpus: rounds,
    flags: ['--driver=simulated', '--bake-seconds=2', '--watch-seconds=1'],
  });
  try {
    const places: readonly LivePlace[] = ['beside the old one', 'in its place'];
    const results = places.map(
      async (place) =>
        [
          place,
          await Promise.all(
            Array.from({ length: rounds }, async (_, index) => planAndUpdate(server, place, 1 + index)),
          ),
        ] as const,
    );
    return new Map(await Promise.all(results));
  } finally {
    await server.dispose();
  }
}

async function planAndUpdate(server: ServerProcess, place: LivePlace, seed: number): Promise<PlannedRollout> {
  const random = seededRandom(seed);
  const envs = (): { key: string; value: string }[] => [
    { key: 'SIMULATED_START_MS', value: String(Math.round(drawn(MEAN_START_MS))) },
    { key: 'SIMULATED_STOP_MS', value: String(Math.round(drawn(MEAN_STOP_MS))) },
  ];
  const drawn = (meanMs: number): number =>
    drawStartMs({ kind: 'logNormal', meanMs, coefficientOfVariation: START_VARIATION }, random);
  const id = await server.create({
    name: `planned-${seed}`,
    product_id: place === 'in its place' ? 'gpu' : 'cpu',
    image: 'simulated',
    command: '',
    health_check: {},
    worker_config: { max_replicas: 1, min_replicas: 1 },
    envs: envs(),
  });
  const signal = AbortSignal.timeout(LIMIT_MS);
  await server.until(id, ({ workers }) => workers.some(({ status }) => status.status === 'ready'), signal);
  await server.update(id, { envs: envs() });
  await server.until(id, (endpoint) => stateOf(endpoint) === 'done', signal);

  const body = { envs: envs() };
  const path = `/gpus/v2/endpoints/${id}`;
  const { impact, effect } = await server.api<UpdatePlan>('PUT', `${path}?dry_run=true`, body);
  assert.equal(effect, 'rollout');
  const startMs = performance.now();
  const { rollout } = await server.update(id, body);
  await server.until(
    id,
    (endpoint) => rolloutOf(endpoint)?.id === rollout?.id && /^(watching|done)$/.test(stateOf(endpoint)),
    signal,
  );
  return {
    expectedMs: (impact.expected_seconds ?? assert.fail('the expected time is not known')) * 1_000,
    tookMs: performance.now() - startMs,
    expectedWaiting: impact.requests_waiting ?? 0,
    waited: 0,
  };
}

function rolloutOf(endpoint: EndpointShown): { readonly id: string; readonly state: string } | null {
  return endpoint['rollout'] as { id: string; state: string } | null;
}

function stateOf(endpoint: EndpointShown): string {
  return rolloutOf(endpoint)?.state ?? '';
}
