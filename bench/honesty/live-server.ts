import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ClientError } from '../../src/client/client-error.ts';
import { Client } from '../../src/client/client.ts';
import { ChildServer } from '../child-server.ts';
import type { Scenario } from './scenarios.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const API_KEY = 'a-key-for-this-bench-only';

export interface LiveEndpoint {
  readonly id: string;
  readonly url: string;
}

/** A server of its own, seen by its public API alone; `close` leaves nothing behind. */
export class LiveServer {
  readonly client: Client;
  readonly headers = { authorization: `Bearer ${API_KEY}` };
  readonly #server: ChildServer;
  readonly #dataDir: string;

  private constructor(server: ChildServer, dataDir: string) {
    this.#server = server;
    this.#dataDir = dataDir;
    this.client = new Client({ url: server.url, apiKey: API_KEY });
  }

  static async open(driver: 'process' | 'simulated'): Promise<LiveServer> {
    const dataDir = await mkdtemp(join(tmpdir(), 'pilotlight-bench-'));
    const server = await ChildServer.start(
      join(REPOSITORY, 'src/main/serve.ts'),
      [
        '--listen=127.0.0.1:0',
        `--data-dir=${dataDir}`,
        `--driver=${driver}`,
        `--gpus=${driver === 'simulated' ? 64 : 0}`,
        '--simulations=8',
        '--log-level=warn',
      ],
      {
        ...process.env,
        PILOTLIGHT_API_KEY: API_KEY,
        PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`,
      },
    );
    return new LiveServer(server, dataDir);
  }

  /** Resolves once the workers that are always kept stand ready. */
  async create({ name, endpoint }: Scenario): Promise<LiveEndpoint> {
    const { id } = await this.client.call('createEndpoint', { body: { type: 'sync', name, ...endpoint } });
    const path = { endpoint_id: id };
    for (;;) {
      const { url, workers, worker_config: config } = await this.client.call('getEndpoint', { path });
      const ready = workers.filter(({ status }) => status.status === 'ready').length;
      if (ready >= config.min_replicas) return { id, url };
      await wait(50);
    }
  }

  async close(): Promise<void> {
    const { data } = await this.client.call('listEndpoints', { query: {} });
    for (const { id } of data) await this.client.call('deleteEndpoint', { path: { endpoint_id: id } });
    for (const { id } of data) while (await this.#exists(id)) await wait(50);
    await this.#server.close();
    await rm(this.#dataDir, { recursive: true, force: true });
  }

  async #exists(id: string): Promise<boolean> {
    try {
      await this.client.call('getEndpoint', { path: { endpoint_id: id } });
      return true;
    } catch (error) {
      if (error instanceof ClientError && error.status === 404) return false;
      throw error;
    }
  }
}
