import type { Client } from '../../src/client/client.ts';
import type { Traffic } from './traffic.ts';
import type { Watch } from './watch.ts';

export const DEVICES = 4;
/** Long enough to be seen, short enough for a tour. */
export const START_DELAY_MS = 1_000;
export const IDLE_TIMEOUT_SECONDS = 3;
export const SLOTS = 4;

/** What every step works on. */
export interface Tour {
  readonly client: Client;
  readonly id: string;
  readonly traffic: Traffic;
  readonly watch: Watch;
}

/** One line of the summary. */
export interface StepResult {
  readonly step: string;
  /** What the step measured, in words. */
  readonly seen: string;
}

/** The worker's variables: `envs` of an update replaces the whole list, so each names all of them. */
export function variables(more: Readonly<Record<string, string>>): { key: string; value: string }[] {
  const all = { START_DELAY_MS: String(START_DELAY_MS), ...more };
  return Object.entries(all).map(([key, value]) => ({ key, value }));
}

export async function createEndpoint(client: Client): Promise<{ id: string; url: string }> {
  const { id } = await client.call('createEndpoint', {
    body: {
      type: 'sync',
      name: 'demo',
      product_id: 'gpu',
      image: 'host:examples/echo',
      command: 'node server.ts',
      envs: variables({ GREETING: 'first' }),
      health_check: { path: '/healthz' },
      policy: { type: 'concurrency', value: SLOTS },
      worker_config: {
        min_replicas: 0,
        max_replicas: 3,
        max_concurrent_per_worker: SLOTS,
        idle_timeout: IDLE_TIMEOUT_SECONDS,
        request_timeout: 60,
      },
    },
  });
  const { url } = await client.call('getEndpoint', { path: { endpoint_id: id } });
  return { id, url };
}
