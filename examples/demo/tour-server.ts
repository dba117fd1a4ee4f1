import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { ClientError } from '../../src/client/client-error.ts';
import { Client } from '../../src/client/client.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const KEPT_LINES = 40;
const CLEANUP_LIMIT_MS = 20_000;

/**
 * A server of its own in another process: a free port, a new data folder, a new key. `close` takes
 * its endpoints, their workers and the folder away again.
 */
export class TourServer {
  readonly apiKey = `demo_${randomBytes(24).toString('base64url')}`;
  readonly #dataDir: string;
  readonly #gpus: number;
  readonly #lines: string[] = [];
  #child: ChildProcess | null = null;
  #client: Client | null = null;

  private constructor(dataDir: string, gpus: number) {
    this.#dataDir = dataDir;
    this.#gpus = gpus;
  }

  static async create(gpus: number): Promise<TourServer> {
    return new TourServer(await mkdtemp(join(tmpdir(), 'pilotlight-demo-')), gpus);
  }

  get client(): Client {
    if (this.#client === null) throw new Error('the server was not started');
    return this.#client;
  }

  /** What it wrote last. */
  get lastLines(): readonly string[] {
    return this.#lines;
  }

  get alive(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async start(): Promise<void> {
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        join(REPOSITORY, 'src/main/serve.ts'),
        '--listen=127.0.0.1:0',
        `--data-dir=${this.#dataDir}`,
        `--gpus=${this.#gpus}`,
        '--log-level=warn',
        '--stop-grace-seconds=5',
        '--shutdown-seconds=5',
      ],
      {
        cwd: REPOSITORY,
        env: this.#environment(),
        stdio: ['ignore', 'pipe', 'pipe'],
        // Ctrl-C reaches the whole foreground group; the server has to live on until it was cleaned up.
        detached: true,
      },
    );
    this.#child = child;
    createInterface({ input: child.stderr }).on('line', (line) => this.#keep(line));
    const url = await new Promise<string>((onUrl, onFailure) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.#keep(line);
        const match = /^Listening on (\S+)$/.exec(line);
        if (match?.[1] !== undefined) onUrl(match[1]);
      });
      child.once('error', onFailure);
      child.once('exit', () => onFailure(new Error('the server ended before it listened')));
    });
    this.#client = new Client({ url, apiKey: this.apiKey });
  }

  /** Leaves nothing behind: no endpoint, no worker, no server, no folder. */
  async close(): Promise<void> {
    if (this.#child !== null) {
      // Workers outlive a server that broke; the next one on the same folder knows them and ends them.
      if (!this.alive) await this.start();
      await this.#deleteEndpoints();
      await this.#terminate(this.#child);
    }
    await rm(this.#dataDir, { recursive: true, force: true });
  }

  async #deleteEndpoints(): Promise<void> {
    const signal = AbortSignal.timeout(CLEANUP_LIMIT_MS);
    const { data } = await this.client.call('listEndpoints', { query: {} }, { signal });
    for (const { id } of data) {
      await this.client.call('deleteEndpoint', { path: { endpoint_id: id } }, { signal });
      while (await this.#exists(id, signal)) await wait(50, undefined, { signal });
    }
  }

  async #exists(id: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.client.call('getEndpoint', { path: { endpoint_id: id } }, { signal });
      return true;
    } catch (error) {
      if (error instanceof ClientError && error.status === 404) return false;
      throw error;
    }
  }

  async #terminate(child: ChildProcess): Promise<void> {
    const exited = once(child, 'exit');
    const limit = setTimeout(() => child.kill('SIGKILL'), CLEANUP_LIMIT_MS);
    child.kill('SIGTERM');
    await exited;
    clearTimeout(limit);
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
  }

  #environment(): Record<string, string | undefined> {
    const environment: Record<string, string | undefined> = {};
    // A setting that is meant for the reader's own server must not change the tour.
    for (const [name, value] of Object.entries(process.env)) {
      if (!name.startsWith('PILOTLIGHT_')) environment[name] = value;
    }
    environment['PILOTLIGHT_API_KEY'] = this.apiKey;
    // The workers' `node` is the Node that runs this, not an older one that does not know TypeScript.
    environment['PATH'] = `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`;
    return environment;
  }
}
