import { RequestLoad, type LoadCount } from '../../test/support/request-load.ts';
import { ServerProcess } from '../../test/support/server-process.ts';

interface LiveFault {
  readonly name: string;
  readonly gpus: number;
  readonly variable: { readonly key: string; readonly value: string };
}

export interface LiveResult {
  readonly name: string;
  readonly place: string;
  readonly detectedMs: number;
  readonly badAnswers: number;
  readonly lost: number;
  readonly restoredMs: number;
  readonly requests: number;
  readonly message: string;
}

const LATENCY_MS = 60;
const HISTORY_MS = 15_000;
const LIMIT_MS = 150_000;
const CLIENTS = 6;

const FAULTS: readonly LiveFault[] = [
  { name: '5 % answered 500', gpus: 2, variable: { key: 'FAIL_RATE', value: '0.05' } },
  { name: '5 % answered 500', gpus: 1, variable: { key: 'FAIL_RATE', value: '0.05' } },
  { name: '3 times slower', gpus: 2, variable: { key: 'LATENCY_MS', value: String(3 * LATENCY_MS) } },
  { name: '3 times slower', gpus: 1, variable: { key: 'LATENCY_MS', value: String(3 * LATENCY_MS) } },
  { name: 'dies after 30 s', gpus: 2, variable: { key: 'EXIT_AFTER_MS', value: '30000' } },
];

/** The same on processes of this machine, over HTTP and in real time, one after the other. */
export async function runLive(onResult: (result: LiveResult) => void): Promise<void> {
  for (const fault of FAULTS) onResult(await runOne(fault));
}

async function runOne({ name, gpus, variable }: LiveFault): Promise<LiveResult> {
  const server = await ServerProcess.start({ gpus });
  try {
    const base = [{ key: 'LATENCY_MS', value: String(LATENCY_MS) }];
    const id = await server.create({
      name: 'bad',
      product_id: 'gpu',
      worker_config: { min_replicas: 1, max_replicas: 1, max_concurrent_per_worker: 8, request_timeout: 60 },
      envs: base,
    });
    const signal = AbortSignal.timeout(LIMIT_MS);
    await server.until(id, ({ workers }) => workers.some(({ status }) => status.status === 'ready'), signal);
    const load = new RequestLoad({ url: (await server.get(id)).url, clients: CLIENTS });
    load.start();
    await new Promise((resolve) => setTimeout(resolve, HISTORY_MS));
    const startMs = performance.now();
    await server.update(id, { envs: [...base.filter(({ key }) => key !== variable.key), variable] });
    const failed = await server.until(id, ({ status }) => /revision 2 failed/.test(status.message), signal);
    const verdictMs = performance.now();
    await server.until(
      id,
      ({ workers }) =>
        workers.some(({ revision, health }) => revision === 1 && health) &&
        workers.every(({ revision }) => revision === 1),
      signal,
    );
    const restoredMs = performance.now() - verdictMs;
    const count = await load.stop();
    const bad = badOf(name, count);
    const failures = [...count.failures.values()].reduce((sum, number) => sum + number, 0);
    return {
      name,
      place: gpus === 2 ? 'free' : 'none',
      detectedMs: verdictMs - startMs,
      badAnswers: name === '3 times slower' ? (count.revisions.get('2') ?? 0) : bad,
      lost: failures - bad,
      restoredMs,
      requests: load.total,
      message: failed.status.message,
    };
  } finally {
    await server.dispose();
  }
}

/** Failures that are the worker's own doing: it says so, or it broke off what it ran. */
function badOf(name: string, { failures }: LoadCount): number {
  const own =
    name === 'dies after 30 s'
      ? /^connection broken|WORKER_BROKE|a stream of/
      : /^status 500: \{"error":"this worker/;
  return [...failures].reduce((sum, [why, number]) => sum + (own.test(why) ? number : 0), 0);
}
