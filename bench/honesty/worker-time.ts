import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '../../src/client/client.ts';

const LOOK_EVERY_MS = 25;
/** Without a process, or without one any more. */
const WITHOUT_PROCESS = new Set(['pending', 'stopped', 'failed']);

interface Look {
  readonly atMs: number;
  /** Endpoint → workers that have a process. */
  readonly workers: ReadonlyMap<string, number>;
}

/** Watches how many workers every endpoint has, by the metrics of the server. */
export class WorkerTime {
  readonly #client: Client;
  readonly #looks: Look[] = [];
  readonly #end = new AbortController();
  readonly #watching: Promise<void>;

  constructor(client: Client) {
    this.#client = client;
    this.#watching = this.#watch();
  }

  async end(): Promise<void> {
    this.#end.abort();
    await this.#watching;
  }

  /** Worker-seconds of an endpoint between two moments of `performance.now()`. */
  between(endpointId: string, fromMs: number, toMs: number): number {
    let sum = 0;
    for (const [index, { atMs, workers }] of this.#looks.entries()) {
      const nextMs = this.#looks[index + 1]?.atMs ?? atMs;
      const spanMs = Math.min(toMs, nextMs) - Math.max(fromMs, atMs);
      if (spanMs > 0) sum += (workers.get(endpointId) ?? 0) * spanMs;
    }
    return sum / 1_000;
  }

  async #watch(): Promise<void> {
    while (!this.#end.signal.aborted) {
      const text = await this.#client.call('getMetrics', {});
      this.#looks.push({ atMs: performance.now(), workers: workersIn(text) });
      await wait(LOOK_EVERY_MS);
    }
  }
}

function workersIn(metrics: string): ReadonlyMap<string, number> {
  const workers = new Map<string, number>();
  for (const match of metrics.matchAll(/^pilotlight_workers\{endpoint="(\w+)",state="(\w+)"\} (\d+)$/gm)) {
    const [, endpointId = '', state = '', count = '0'] = match;
    if (WITHOUT_PROCESS.has(state)) continue;
    workers.set(endpointId, (workers.get(endpointId) ?? 0) + Number(count));
  }
  return workers;
}
