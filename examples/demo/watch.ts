import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '../../src/client/client.ts';
import type { Endpoint, EndpointWorker } from '../../src/client/schema.ts';
import { StepFailure } from './step-failure.ts';
import { murmur } from './screen.ts';

/** The endpoint at one moment, as the public API shows it. */
export interface Sample {
  readonly endpoint: Endpoint;
  /** Requests that wait for a place on a worker. */
  readonly waiting: number;
  /** Requests that are on a worker. */
  readonly running: number;
  /** Workers that are ready and not leaving. */
  readonly ready: number;
  /** Workers that hold their device, from before their start until they are gone. */
  readonly placed: number;
  readonly devicesFree: number;
}

const LOOK_EVERY_MS = 100;
/** The picture moves at least this often, so that nobody thinks that it hangs. */
const DRAW_EVERY_MS = 1_000;
/** Far above what anything here takes: it only ends a tour that would hang. */
const LIMIT_MS = 90_000;
const BAR_WIDTH = 21;

export class Watch {
  readonly #client: Client;
  readonly #id: string;
  readonly #signal: AbortSignal;

  constructor(client: Client, id: string, signal: AbortSignal) {
    this.#client = client;
    this.#id = id;
    this.#signal = signal;
  }

  async look(): Promise<Sample> {
    const options = { signal: this.#signal };
    const [endpoint, metrics, products] = await Promise.all([
      this.#client.call('getEndpoint', { path: { endpoint_id: this.#id } }, options),
      this.#client.call('getMetrics', {}, options),
      this.#client.call('listProducts', { query: { category: 'serverless', type: 'gpu' } }, options),
    ]);
    return {
      endpoint,
      waiting: this.#gauge(metrics, 'pilotlight_queue_length'),
      running: this.#gauge(metrics, 'pilotlight_slots_used'),
      ready: endpoint.workers.filter(({ status, drain }) => status.status === 'ready' && !drain).length,
      placed: endpoint.workers.filter(({ status }) => status.status !== 'pending').length,
      devicesFree: products.data[0]?.resource_spec.gpu.available ?? 0,
    };
  }

  /** Looks, and draws what changed, until `holds`; gives every sample it saw. */
  async until(what: string, holds: (sample: Sample) => boolean): Promise<readonly Sample[]> {
    const beganMs = performance.now();
    const samples: Sample[] = [];
    let drawn = '';
    let drawnMs = Number.NEGATIVE_INFINITY;
    for (;;) {
      const sample = await this.look();
      samples.push(sample);
      const nowMs = performance.now();
      const workers = workersPicture(sample.endpoint.workers);
      const done = holds(sample);
      if (workers !== drawn || nowMs - drawnMs >= DRAW_EVERY_MS) {
        drawn = workers;
        drawnMs = nowMs;
        murmur(picture(nowMs - beganMs, workers, sample));
      }
      if (done) return samples;
      if (nowMs - beganMs > LIMIT_MS) {
        const { status } = sample.endpoint;
        throw new StepFailure(
          `${what} was not reached in ${LIMIT_MS / 1_000} s; the endpoint is ${status.status}: ${status.message}`,
        );
      }
      await wait(LOOK_EVERY_MS, undefined, { signal: this.#signal });
    }
  }

  #gauge(metrics: string, name: string): number {
    const prefix = `${name}{endpoint="${this.#id}"} `;
    const line = metrics.split('\n').find((candidate) => candidate.startsWith(prefix));
    return line === undefined ? 0 : Number(line.slice(prefix.length));
  }
}

export const LEGEND = [
  'workers by revision: -n- waits for a device, (n) starts, [n] ready, <n> leaves',
  'requests: # running on a worker, . waiting',
];

function workersPicture(workers: readonly EndpointWorker[]): string {
  return workers
    .toSorted((one, other) => one.revision - other.revision)
    .map(({ revision, status, drain }) => {
      if (drain || status.status === 'stopping') return `<${revision}>`;
      if (status.status === 'pending') return `-${revision}-`;
      return status.status === 'ready' ? `[${revision}]` : `(${revision})`;
    })
    .join(' ');
}

function picture(elapsedMs: number, workers: string, { running, waiting }: Sample): string {
  const time = `${(elapsedMs / 1_000).toFixed(1)} s`.padStart(7);
  const requests = `${'#'.repeat(running)}${'.'.repeat(waiting)}`.slice(0, BAR_WIDTH).padEnd(BAR_WIDTH);
  return `${time}  ${workers.padEnd(23)} ${requests} ${running} run, ${waiting} wait`;
}
