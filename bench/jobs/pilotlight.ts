import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openSqliteJobStore } from '../../src/adapters/store-sql/sqlite-job-store.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { systemRandom } from '../../src/adapters/system-random.ts';
import type { EndpointId, OwnerId, WorkerId } from '../../src/base/ids.ts';
import { JobCommands } from '../../src/jobs/job-commands.ts';
import { Jobs } from '../../src/jobs/jobs.ts';
import { Webhooks } from '../../src/jobs/webhooks.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import type { TrafficListener } from '../../src/ports/traffic.ts';
import { INPUT, OUTPUT, WORKERS, type Subject } from './subject.ts';

const ENDPOINT = 'benchendpoin' as EndpointId;
const OWNER = 'bench' as OwnerId;
const AT = { endpointId: ENDPOINT, appName: null };
const CALLER = { ownerId: OWNER, admin: true };
const WAIT_MS = 60_000;

const nothing = (): void => undefined;
const LISTENER: TrafficListener = {
  requestWaiting: nothing,
  requestGone: nothing,
  requestStarted: nothing,
  requestAnswered: nothing,
  requestEnded: nothing,
  workerDrained: nothing,
  workerSpent: nothing,
  workerLeft: nothing,
};
const METRICS: Metrics = {
  requestEnded: nothing,
  forwardOverhead: nothing,
  coldStart: nothing,
  scaleDecision: nothing,
  workerStarted: nothing,
  workerFailed: nothing,
  arrivalsDropped: nothing,
  endpointForgotten: nothing,
  onScrape: nothing,
};
const LOG = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export interface PilotlightQueue extends Subject {
  readonly jobs: Jobs;
  /** Takes one job and answers it; the queue must not be empty. */
  takeOne(): Promise<void>;
}

/** The product's own queue and store on a folder, called where its HTTP routes call it. */
export async function openPilotlight(parent: string): Promise<PilotlightQueue> {
  const folder = await mkdtemp(join(parent, 'jobs-'));
  const clock = systemClock();
  const random = systemRandom();
  const store = await openSqliteJobStore({ path: join(folder, 'jobs.sqlite') });
  const jobs = await Jobs.open({
    clock,
    store,
    listener: LISTENER,
    log: LOG,
    metrics: METRICS,
    arrivals: { arrivalRecord: nothing },
    limits: { waitingPerEndpoint: 10_000_000 },
    onFatal: (error) => {
      throw error;
    },
  });
  jobs.endpointPut({
    endpointId: ENDPOINT,
    type: 'async',
    appName: 'bench',
    ownerId: OWNER,
    healthCheckPath: '',
    slotsPerWorker: 1,
    requestTimeoutMs: WAIT_MS,
    refusal: null,
  });
  const webhooks = new Webhooks({
    clock,
    random,
    log: LOG,
    store,
    sender: { send: async () => 200, close: async () => undefined },
    key: Buffer.alloc(32),
  });
  const commands = new JobCommands({ clock, random, store, jobs, webhooks, workerStates: () => ({}) });
  const input = JSON.stringify(INPUT);
  const output = JSON.stringify(OUTPUT);
  const order = { input, policy: {}, webhook: null, once: null };
  const never = new AbortController().signal;
  let leave = new AbortController();
  let lanes: Promise<void>[] = [];

  const workOne = async (worker: WorkerId, signal: AbortSignal): Promise<void> => {
    for (const { handedId } of await jobs.take(ENDPOINT, worker, { count: 1, idle: null }, signal)) {
      await jobs.answer(ENDPOINT, worker, handedId, { kind: 'output', output });
    }
  };
  const addWorker = (name: string): WorkerId => {
    const workerId = name as WorkerId;
    const address = { host: '127.0.0.1', port: 1 };
    jobs.workerPut(ENDPOINT, {
      workerId,
      revision: 1,
      address,
      preference: 1,
      sampleLimit: null,
      startedAtMs: 0,
    });
    return workerId;
  };

  return {
    name: 'Pilotlight',
    jobs,
    async enqueue() {
      await commands.run(AT, order, CALLER);
    },
    async roundTrip() {
      const { id } = await commands.run(AT, order, CALLER);
      const { job } = await commands.status(AT, id, CALLER, { waitMs: WAIT_MS, signal: never });
      if (job.state !== 'COMPLETED') throw new Error(`job ${id} is ${job.state}: ${job.error}`);
    },
    async startWorkers() {
      leave = new AbortController();
      const { signal } = leave;
      lanes = Array.from({ length: WORKERS }, async (_, index) => {
        const worker = addWorker(`worker${index}`);
        while (!signal.aborted) await workOne(worker, signal);
        jobs.workerRemove(ENDPOINT, worker);
      });
    },
    async stopWorkers() {
      leave.abort();
      await Promise.all(lanes);
    },
    async clear() {
      await commands.purge(AT, CALLER);
    },
    async takeOne() {
      await workOne(addWorker('taker'), never);
    },
    async close() {
      jobs.close();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
