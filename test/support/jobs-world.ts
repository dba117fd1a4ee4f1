import { ManualClock } from '../../src/base/manual-clock.ts';
import type { EndpointId, JobId, OwnerId, WorkerId } from '../../src/base/ids.ts';
import { seededRandom } from '../../src/base/random.ts';
import { JobCommands } from '../../src/jobs/job-commands.ts';
import { Jobs } from '../../src/jobs/jobs.ts';
import type { JobLimits } from '../../src/jobs/limits.ts';
import { Webhooks } from '../../src/jobs/webhooks.ts';
import type { Caller } from '../../src/ports/endpoint-service.ts';
import type { JobOrder } from '../../src/ports/job-service.ts';
import type { JobStore } from '../../src/ports/job-store.ts';
import type { TrafficEndpoint, TrafficWorker } from '../../src/ports/traffic.ts';
import type { WebhookMessage } from '../../src/ports/webhook-sender.ts';
import { RecordingListener } from './gateway-world.ts';
import { MemoryJobs } from './memory-job-store.ts';
import { silentLog } from './silent-log.ts';

export const ENDPOINT = 'asyncendpoin' as EndpointId;
export const OWNER = 'owner-1' as OwnerId;
export const CALLER: Caller = { ownerId: OWNER, admin: false };
export const AT = { endpointId: ENDPOINT, appName: null };

export function asyncEndpoint(changes: Partial<TrafficEndpoint> = {}): TrafficEndpoint {
  return {
    endpointId: ENDPOINT,
    type: 'async',
    appName: 'app',
    ownerId: OWNER,
    healthCheckPath: '',
    slotsPerWorker: 1,
    requestTimeoutMs: 300_000,
    refusal: null,
    ...changes,
  };
}

export function jobWorker(id: string, changes: Partial<TrafficWorker> = {}): TrafficWorker {
  return {
    workerId: id as WorkerId,
    revision: 1,
    address: { host: '127.0.0.1', port: 1 },
    preference: 1,
    sampleLimit: null,
    startedAtMs: 0,
    ...changes,
  };
}

export function order(input = '{"n":1}', changes: Partial<JobOrder> = {}): JobOrder {
  return { input, policy: {}, webhook: null, once: null, ...changes };
}

export interface SentWebhook extends WebhookMessage {
  /** Answers it with this status, or fails it. */
  readonly answer: (status: number | Error) => void;
}

export interface JobsWorldOptions {
  readonly limits?: Partial<JobLimits>;
  readonly memory?: MemoryJobs;
  readonly store?: JobStore;
  readonly clock?: ManualClock;
}

/** Each server of a test draws other ids. */
let seed = 1;

/** The jobs of one endpoint on a database in memory and a clock of the test's own. */
export async function jobsWorld(options: JobsWorldOptions = {}) {
  seed += 1;
  const memory = options.memory ?? new MemoryJobs();
  const clock = options.clock ?? new ManualClock();
  const connection = memory.connect();
  const store = options.store ?? connection.store;
  const listener = new RecordingListener();
  const fatal: unknown[] = [];
  const arrivals: unknown[] = [];
  const sent: SentWebhook[] = [];
  let onSent = (): void => undefined;
  const jobs = await Jobs.open({
    clock,
    store,
    listener,
    log: silentLog,
    metrics: {
      requestEnded: () => undefined,
      forwardOverhead: () => undefined,
      coldStart: () => undefined,
      scaleDecision: () => undefined,
      workerStarted: () => undefined,
      workerFailed: () => undefined,
      arrivalsDropped: () => undefined,
      endpointForgotten: () => undefined,
      onScrape: () => undefined,
    },
    arrivals: { arrivalRecord: (_endpointId, arrival) => arrivals.push(arrival) },
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    onFatal: (error) => fatal.push(error),
  });
  const webhooks = new Webhooks({
    clock,
    random: seededRandom(1),
    log: silentLog,
    store,
    sender: {
      send: (message, signal) =>
        new Promise((resolve, reject) => {
          const answer = (status: number | Error): void => {
            if (typeof status === 'number') resolve(status);
            else reject(status);
          };
          signal.addEventListener('abort', () => reject(new Error('aborted')));
          sent.push({ ...message, answer });
          onSent();
        }),
      close: async () => undefined,
    },
    key: Buffer.alloc(32, 7),
  });
  jobs.onDelivery = () => webhooks.wake();
  const commands = new JobCommands({
    clock,
    random: seededRandom(seed),
    store,
    jobs,
    webhooks,
    workerStates: () => ({}),
  });
  return {
    clock,
    memory,
    store,
    connection,
    listener,
    fatal,
    arrivals,
    jobs,
    webhooks,
    commands,
    sent,
    /** Resolves when `count` webhooks were sent since the start. */
    webhookSent: async (count: number): Promise<void> => {
      while (sent.length < count) {
        await new Promise<void>((resolve) => {
          onSent = resolve;
        });
      }
    },
    run: async (input?: string, changes?: Partial<JobOrder>): Promise<JobId> =>
      (await commands.run(AT, order(input, changes), CALLER)).id as JobId,
    take: async (worker: string, wish = {}, signal = new AbortController().signal) =>
      await jobs.take(ENDPOINT, worker as WorkerId, { count: 1, idle: null, ...wish }, signal),
    answer: async (worker: string, handedId: string, output = '"done"') =>
      await jobs.answer(ENDPOINT, worker as WorkerId, handedId, { kind: 'output', output }),
    status: async (jobId: string) => (await commands.status(AT, jobId, CALLER)).job,
  };
}
