import type { EndpointId } from '../../src/base/ids.ts';
import { seededRandom, type Random } from '../../src/base/random.ts';
import { rolloutIsOver } from '../../src/model/rollout-state.ts';
import type { EndedRequest, SimulatedAnswer } from '../../src/simulate/request-flight.ts';
import { CALLER, SimulatedWorld } from '../../src/simulate/world.ts';
import { START_MS, type Fault } from './fault.ts';

export interface Scene {
  readonly workers: number;
  /** A device beside theirs is free: the new revision starts beside the old one. */
  readonly freeDevice: boolean;
  readonly seed: number;
  /** Of the stable revision, and so of an equally good one. */
  readonly failureShare?: number;
  /** Standard deviation of the logarithm of a request's length. */
  readonly spread?: number;
  readonly requestsPerSecond?: number;
  readonly historyMs?: number;
}

export interface RolloutResult {
  readonly state: string;
  readonly message: string;
  /** From the PUT to the verdict; null: none fell. */
  readonly detectedMs: number | null;
  /** Requests that the bad revision answered badly: failed, cut off, left without an answer, or slow. */
  readonly badAnswers: number;
  /** Requests that failed although the new revision had nothing to do with them. */
  readonly lost: number;
  /** Requests that it was given after the verdict. */
  readonly givenAfter: number;
  /** From the verdict until all wanted workers are of the stable revision and ready, and nothing runs elsewhere. */
  readonly restoredMs: number | null;
  readonly requests: number;
}

const SLOTS = 4;
const MEAN_SERVICE_MS = 200;
/** Half of what the workers can take: one of eight can be missing. */
const UTILIZATION = 0.5;
const START_DEADLINE_MS = 120_000;
const LIMIT_MS = 900_000;
/** What was given before the verdict has ended by then. */
const AFTERMATH_MS = 90_000;
const STEP_MS = 100;

/** One update under a steady load of requests that come by chance, on the real control code and queues. */
export async function simulateRollout(fault: Fault, scene: Scene): Promise<RolloutResult> {
  const random = seededRandom(scene.seed);
  const { workers, freeDevice } = scene;
  const world = await SimulatedWorld.open({
    devices: workers + (freeDevice ? 1 : 0),
    seed: scene.seed,
    options: { startDeadlineMs: START_DEADLINE_MS },
  });
  const id = await endpointOf(world, workers);
  const count = { bad: 0, lost: 0, after: 0, newAnswers: 0 };
  let decided = false;
  world.traffic.answerOf = (worker, serviceMs) => {
    const sound = soundAnswer(serviceMs, scene.failureShare ?? 0, random);
    if (worker.revision !== 2) return sound;
    count.newAnswers += 1;
    return fault.answer(sound, random, count.newAnswers - 1);
  };
  world.traffic.onGiven = (_, worker) => {
    if (decided && worker.revision === 2) count.after += 1;
  };
  world.traffic.onEnded = (ended) => judge(ended, fault, count);
  const stopLoad = arrivals(world, id, scene, random);
  await world.advance(scene.historyMs ?? 120_000);
  // What the stable revision answers by itself says nothing about the update.
  Object.assign(count, { bad: 0, lost: 0 });
  const startMs = world.clock.monotonicMs();
  await world.answerOf(world.control.service.update(id, { command: fault.command }, CALLER));
  const over = (): boolean => rolloutIsOver(stateOf(world, id));
  let detectedMs: number | null = null;
  world.onEvent = () => {
    if (detectedMs !== null || !over()) return;
    detectedMs = world.clock.monotonicMs() - startMs;
    decided = stateOf(world, id) === 'failed';
  };
  while (!over() && world.clock.monotonicMs() - startMs < LIMIT_MS) await world.advance(STEP_MS);
  const state = stateOf(world, id);
  const verdictMs = world.clock.monotonicMs();
  let restoredMs: number | null = null;
  while (restoredMs === null && state === 'failed' && world.clock.monotonicMs() - verdictMs < LIMIT_MS) {
    if (restored(world, id, workers)) restoredMs = world.clock.monotonicMs() - verdictMs;
    else await world.advance(STEP_MS);
  }
  stopLoad();
  await world.advance(AFTERMATH_MS);
  const message = world.control.service.get(id, CALLER).endpoint.rollout?.message ?? '';
  const requests = world.traffic.admitted;
  await world.close();
  return {
    state,
    message,
    detectedMs: state === 'failed' ? detectedMs : null,
    badAnswers: count.bad,
    lost: count.lost,
    givenAfter: count.after,
    restoredMs,
    requests,
  };
}

async function endpointOf(world: SimulatedWorld, workers: number): Promise<EndpointId> {
  const body = {
    type: 'sync',
    name: 'bench',
    product_id: 'gpu',
    image: 'host',
    command: `start=${START_MS} stop=500`,
    worker_config: {
      min_replicas: workers,
      max_replicas: workers,
      max_concurrent_per_worker: SLOTS,
      request_timeout: 60,
    },
  };
  const { id } = await world.answerOf(world.control.service.create(body, CALLER));
  await world.advance(2 * START_MS);
  return id;
}

/** A third of the way to its first byte, then a stream. */
function soundAnswer(serviceMs: number, failureShare: number, random: Random): SimulatedAnswer {
  const status = random.next() < failureShare ? 500 : 200;
  return { status, firstByteMs: serviceMs / 3, endMs: serviceMs, breaks: false };
}

function judge({ end, revision }: EndedRequest, { slow }: Fault, count: { bad: number; lost: number }): void {
  if (revision === 2) {
    if (end !== 'served' || slow === true) count.bad += 1;
  } else if (end !== 'served' && end !== 'answered5xx') {
    count.lost += 1;
  }
}

function arrivals(world: SimulatedWorld, id: EndpointId, scene: Scene, random: Random): () => void {
  const perSecond =
    scene.requestsPerSecond ?? (scene.workers * SLOTS * UTILIZATION * 1_000) / MEAN_SERVICE_MS;
  const spread = scene.spread ?? 0.5;
  let stopped = false;
  const come = (): void => {
    if (stopped) return;
    world.traffic.arrive(id, MEAN_SERVICE_MS * Math.exp(spread * normal(random) - spread ** 2 / 2));
    world.clock.schedule((-Math.log(1 - random.next()) * 1_000) / perSecond, come);
  };
  come();
  return () => {
    stopped = true;
  };
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

function stateOf(world: SimulatedWorld, id: EndpointId) {
  return world.control.service.get(id, CALLER).endpoint.rollout?.state ?? 'waiting';
}

function restored(world: SimulatedWorld, id: EndpointId, workers: number): boolean {
  const live = world.control.service.get(id, CALLER).workers;
  const ready = live.filter((worker) => worker.state === 'ready' && worker.revision === 1).length;
  const elsewhere = live.filter(
    (worker) => worker.revision === 2 && world.traffic.connectionsTo(worker.id) > 0,
  );
  return ready >= workers && elsewhere.length === 0;
}
