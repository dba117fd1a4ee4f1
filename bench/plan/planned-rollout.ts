import assert from 'node:assert/strict';
import type { EndpointId } from '../../src/base/ids.ts';
import { seededRandom, type Random } from '../../src/base/random.ts';
import { drawStartMs } from '../../src/simulate/worker-behaviour.ts';
import { CALLER, SimulatedWorld } from '../../src/simulate/world.ts';
import type { Scenario } from './scenarios.ts';

/** What was foretold of one rollout, and what came. */
export interface PlannedRollout {
  readonly expectedMs: number;
  readonly tookMs: number;
  readonly expectedWaiting: number;
  readonly waited: number;
}

/** Start times of one program on one machine are alike, but not the same. */
const START_VARIATION = 0.25;
const SERVICE_VARIATION = 0.5;
const MEAN_STOP_MS = 1_500;
/** A wait below this is the way through the gateway, not an outage. */
const WAITED_MS = 100;
/** Until the load and the times of the endpoint are known. */
const WARM_UP_MS = 400_000;
const LIMIT_MS = 7_200_000;

/** Makes an endpoint, lets it serve and be updated once, plans the next update, makes it, and measures it. */
export async function planAndRoll(scenario: Scenario, seed: number): Promise<PlannedRollout> {
  const random = seededRandom(seed);
  const drawn = (meanMs: number, coefficientOfVariation: number): number =>
    drawStartMs({ kind: 'logNormal', meanMs, coefficientOfVariation }, random);
  const world = await SimulatedWorld.open({
    seed,
    devices: scenario.devices ?? 0,
    behaviourOf: () => ({
      readyMs: drawn(scenario.meanStartMs, START_VARIATION),
      stopMs: drawn(MEAN_STOP_MS, SERVICE_VARIATION),
      endsMs: null,
    }),
  });
  const id = await create(world, scenario);
  const end = sendRequests(world, id, scenario, random, () =>
    drawn(scenario.meanServiceMs, SERVICE_VARIATION),
  );
  await world.advance(WARM_UP_MS + 10 * scenario.meanStartMs);
  await update(world, id, 'first');
  await reach(world, id, ['done']);
  await world.advance(WARM_UP_MS);

  const body = { command: 'second' };
  const { forecast } = world.control.service.updatePlan(id, body, CALLER);
  let waited = 0;
  world.traffic.onEnded = ({ waitedMs }) => {
    if (waitedMs >= WAITED_MS) waited += 1;
  };
  const startMs = world.clock.monotonicMs();
  await update(world, id, 'second');
  await reach(world, id, ['watching', 'done']);
  const tookMs = world.clock.monotonicMs() - startMs;
  // Those that still wait end soon after.
  await world.advance(30_000);
  end();
  await world.close();
  assert.deepEqual(world.errors, []);
  return {
    expectedMs:
      forecast.durationMs ?? assert.fail(`${scenario.name}: ${forecast.outcome}, ${forecast.message}`),
    tookMs,
    expectedWaiting: forecast.waiting?.requests ?? 0,
    waited,
  };
}

async function create(world: SimulatedWorld, { workers, devices }: Scenario): Promise<EndpointId> {
  const created = await world.answerOf(
    world.control.service.create(
      {
        type: 'sync',
        name: 'planned',
        product_id: devices === null ? 'cpu' : 'gpu',
        image: 'host',
        command: 'zeroth',
        worker_config: {
          max_replicas: workers,
          min_replicas: workers,
          max_concurrent_per_worker: 4,
          request_timeout: 600,
        },
      },
      CALLER,
    ),
  );
  return created.id;
}

async function update(world: SimulatedWorld, id: EndpointId, command: string): Promise<void> {
  await world.answerOf(world.control.service.update(id, { command }, CALLER));
}

async function reach(world: SimulatedWorld, id: EndpointId, states: readonly string[]): Promise<void> {
  const limitMs = world.clock.monotonicMs() + LIMIT_MS;
  for (;;) {
    const { rollout } = world.control.service.get(id, CALLER).endpoint;
    if (rollout !== null && states.includes(rollout.state)) return;
    assert.notEqual(rollout?.state, 'failed', rollout?.message);
    assert.ok(
      world.clock.monotonicMs() < limitMs,
      `the rollout stays ${rollout?.state}: ${rollout?.message}`,
    );
    await world.advance(50);
  }
}

/** Requests come by chance at a steady rate until the returned function is called. */
function sendRequests(
  world: SimulatedWorld,
  id: EndpointId,
  { requestsPerSecond }: Scenario,
  random: Random,
  serviceMs: () => number,
): () => void {
  let over = requestsPerSecond === 0;
  const come = (): void => {
    if (over) return;
    world.traffic.arrive(id, serviceMs());
    world.clock.schedule((-Math.log(1 - random.next()) * 1_000) / requestsPerSecond, come);
  };
  come();
  return () => {
    over = true;
  };
}
