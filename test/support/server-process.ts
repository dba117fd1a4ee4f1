import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const REPOSITORY = resolve(import.meta.dirname, '../..');
/** Most of a start's time goes into reading the source; what was read once is kept for the next start. */
const COMPILE_CACHE = join(REPOSITORY, 'node_modules/.cache/pilotlight-e2e');
export const API_KEY = 'a-key-for-tests-only';

export interface ServerProcessOptions {
  /** Default 0; null: `nvidia-smi` is asked. */
  readonly gpus?: number | null;
  readonly flags?: readonly string[];
  /** Default: any free one. */
  readonly port?: number;
  /** Default: a new empty one. */
  readonly dataDir?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface WorkerShown {
  readonly id: string;
  readonly status: { readonly status: string; readonly error: string; readonly message: string };
  readonly revision: number;
  readonly health: boolean;
  readonly drain: boolean;
  readonly log: string;
}

export interface EndpointShown {
  readonly id: string;
  readonly url: string;
  readonly status: { readonly status: string; readonly error: string; readonly message: string };
  readonly workers: readonly WorkerShown[];
  readonly [field: string]: unknown;
}

/** A real server in a process of its own, on a port of its own. */
export class ServerProcess {
  readonly dataDir: string;
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #output: string[];

  private constructor(process: ChildProcess, url: string, dataDir: string, output: string[]) {
    this.#process = process;
    this.#exited = process.exitCode === null ? once(process, 'exit') : Promise.resolve();
    this.url = url;
    this.dataDir = dataDir;
    this.#output = output;
  }

  static async start(options: ServerProcessOptions = {}): Promise<ServerProcess> {
    const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'pilotlight-e2e-')));
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        join(REPOSITORY, 'src/main/serve.ts'),
        `--listen=127.0.0.1:${options.port ?? 0}`,
        `--data-dir=${dataDir}`,
        ...(options.gpus === null ? [] : [`--gpus=${options.gpus ?? 0}`]),
        ...(options.flags ?? []),
      ],
      {
        cwd: REPOSITORY,
        env: {
          ...process.env,
          NODE_COMPILE_CACHE: COMPILE_CACHE,
          PILOTLIGHT_API_KEY: API_KEY,
          ...options.environment,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const output: string[] = [];
    const keep = (line: string): void => {
      output.push(line);
      if (output.length > 5_000) output.shift();
    };
    createInterface({ input: child.stderr }).on('line', keep);
    const lines = createInterface({ input: child.stdout });
    const listening = new Promise<string>((onUrl, onFailure) => {
      lines.on('line', (line) => {
        keep(line);
        const match = /^Listening on (\S+)$/.exec(line);
        if (match?.[1] !== undefined) onUrl(match[1]);
      });
      child.once('exit', (code, signal) => {
        onFailure(
          new Error(`the server ended (${code ?? signal}) before it listened:\n${output.join('\n')}`),
        );
      });
    });
    return new ServerProcess(child, await listening, dataDir, output);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Null while it runs. */
  get exitCode(): number | null {
    return this.#process.exitCode;
  }

  /** What it wrote last. */
  get output(): string {
    return this.#output.join('\n');
  }

  async api<Answer = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.request(method, path, body);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    return JSON.parse(text) as Answer;
  }

  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    return await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${API_KEY}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async create(body: Record<string, unknown>): Promise<string> {
    const { id } = await this.api<{ id: string }>('POST', '/gpus/v2/endpoints', {
      type: 'sync',
      name: 'test',
      product_id: 'cpu',
      image: 'host:examples/echo',
      command: 'node server.ts',
      health_check: { path: '/healthz' },
      worker_config: { max_replicas: 1 },
      ...body,
    });
    return id;
  }

  async get(id: string): Promise<EndpointShown> {
    return await this.api<EndpointShown>('GET', `/gpus/v2/endpoints/${id}`);
  }

  async update(id: string, body: unknown): Promise<{ revision: number; rollout: { id: string } | null }> {
    return await this.api('PUT', `/gpus/v2/endpoints/${id}`, body);
  }

  /** Looks until `holds` is true. Bounded by the test's own time-out; says what was last seen. */
  async until(
    id: string,
    holds: (endpoint: EndpointShown) => boolean,
    signal: AbortSignal,
  ): Promise<EndpointShown> {
    for (;;) {
      const endpoint = await this.get(id);
      if (holds(endpoint)) return endpoint;
      if (signal.aborted)
        throw new Error(`not reached; last seen: ${JSON.stringify(endpoint, null, 1)}\n${this.output}`);
      await new Promise((resume) => setTimeout(resume, 50));
    }
  }

  /** Also the workers that ended lately. */
  async workers(id: string): Promise<readonly WorkerShown[]> {
    const { data } = await this.api<{ data: WorkerShown[] }>('GET', `/gpus/v2/endpoints/${id}/workers`);
    return data;
  }

  async list(): Promise<readonly EndpointShown[]> {
    const { data } = await this.api<{ data: EndpointShown[] }>('GET', '/gpus/v2/endpoints?limit=1000');
    return data;
  }

  /** kill -9: no chance to say goodbye. Its workers run on. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  /** SIGTERM: it drains and leaves its workers. */
  async terminate(): Promise<number | null> {
    this.#process.kill('SIGTERM');
    await this.#exited;
    return this.#process.exitCode;
  }

  /** Deletes every endpoint and waits until their workers are gone. */
  async removeAll(): Promise<void> {
    const endpoints = await this.list();
    for (const { id } of endpoints) await this.api('DELETE', `/gpus/v2/endpoints/${id}`);
    for (const { id } of endpoints) await this.gone(id);
  }

  /** Waits until nothing is left of a deleted endpoint. Bounded by the test's own time-out. */
  async gone(id: string): Promise<void> {
    while ((await this.request('GET', `/gpus/v2/endpoints/${id}`)).status !== 404) {
      await new Promise((resume) => setTimeout(resume, 20));
    }
  }

  /** Removes every endpoint, ends the server and its data. */
  async dispose(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      await this.removeAll();
      await this.terminate();
    }
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
