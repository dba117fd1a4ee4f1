import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ClientError } from '../../src/client/client-error.ts';
import { Client } from '../../src/client/client.ts';
import { ChildServer } from '../child-server.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const API_KEY = 'a-key-for-this-bench-only';
const ZERO_LIMIT_MS = 30_000;

/** A server with one endpoint whose worker listens after a fixed time; seen by its public API alone. */
export class PilotlightWorld {
  readonly headers = { authorization: `Bearer ${API_KEY}` };
  readonly url: string;
  readonly #id: string;
  readonly #client: Client;
  readonly #server: ChildServer;
  readonly #dataDir: string;

  private constructor(client: Client, id: string, url: string, server: ChildServer, dataDir: string) {
    this.#client = client;
    this.#id = id;
    this.url = url;
    this.#server = server;
    this.#dataDir = dataDir;
  }

  static async open(listenAfterMs: number, notice: 'fd' | 'url' | 'none'): Promise<PilotlightWorld> {
    const dataDir = await mkdtemp(join(tmpdir(), 'pilotlight-bench-'));
    const server = await ChildServer.start(
      join(REPOSITORY, 'src/main/serve.ts'),
      ['--listen=127.0.0.1:0', `--data-dir=${dataDir}`, '--gpus=0'],
      {
        ...process.env,
        PILOTLIGHT_API_KEY: API_KEY,
        PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`,
      },
    );
    const client = new Client({ url: server.url, apiKey: API_KEY });
    const { id } = await client.call('createEndpoint', {
      body: {
        type: 'sync',
        name: 'cold-start',
        product_id: 'cpu',
        image: `host:${import.meta.dirname}`,
        command: 'node --disable-warning=ExperimentalWarning worker.ts',
        envs: [
          { key: 'LISTEN_AFTER_MS', value: String(listenAfterMs) },
          { key: 'NOTICE', value: notice },
        ],
        worker_config: { max_replicas: 1, idle_timeout: 1 },
      },
    });
    const { url } = await client.call('getEndpoint', { path: { endpoint_id: id } });
    return new PilotlightWorld(client, id, url, server, dataDir);
  }

  /** Resolves when the API shows no worker. */
  async atZero(): Promise<void> {
    const limit = AbortSignal.timeout(ZERO_LIMIT_MS);
    for (;;) {
      const { workers } = await this.#client.call('getEndpoint', { path: { endpoint_id: this.#id } });
      if (workers.length === 0) return;
      await wait(50, undefined, { signal: limit });
    }
  }

  async close(): Promise<void> {
    const path = { endpoint_id: this.#id };
    await this.#client.call('deleteEndpoint', { path });
    for (;;) {
      try {
        await this.#client.call('getEndpoint', { path });
      } catch (error) {
        if (!(error instanceof ClientError) || error.status !== 404) throw error;
        break;
      }
      await wait(50);
    }
    await this.#server.close();
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}
