import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ClientError } from '../../../src/client/client-error.ts';
import { Client } from '../../../src/client/client.ts';
import { ChildServer } from '../../child-server.ts';
import { findProgram, LOAD_CORE, PROXY_CORE } from '../child.ts';
import { familyOf } from '../proc.ts';
import type { Ground, OpenSubject, Subject, Target } from '../subject.ts';
import { SLOTS, upstreamCommand, upstreamOf, type Route } from '../upstreams.ts';

const SERVER = resolve(import.meta.dirname, '../../../src/main/serve.ts');
const HEAP_PROBE = resolve(import.meta.dirname, '../programs/heap-probe.ts');
/** The API's own bound for one worker. */
const MOST_SLOTS = 1_000;
const READY_LIMIT_MS = 60_000;
const PROBE_LIMIT_MS = 10_000;

export interface PilotlightOptions {
  readonly name: string;
  readonly forwarder: 'general' | 'strict';
  /** Gateway threads; left out: the server's own. */
  readonly gateways?: number;
  /** Streams and sockets at once that the open route must take. */
  readonly openConnections: number;
}

/** The whole server, with everything on and its settings as they come, and real workers that it started. */
export function pilotlight(options: PilotlightOptions): Subject {
  return {
    name: options.name,
    ours: true,
    checksKey: true,
    queues: true,
    transparent: true,
    several: (options.gateways ?? 1) > 1,
    missing: () => null,
    open: async (ground) => await OpenPilotlight.open(ground, options),
  };
}

/** Our server with its endpoints; also what the measures of idle endpoints need of it. */
export class OpenPilotlight implements OpenSubject {
  readonly name: string;
  readonly client: Client;
  readonly #ground: Ground;
  readonly #server: ChildServer;
  readonly #folder: string;
  readonly #targets = new Map<Route, Target>();
  readonly #withWorkers: string[] = [];

  private constructor(name: string, ground: Ground, server: ChildServer, folder: string) {
    this.name = name;
    this.#ground = ground;
    this.#server = server;
    this.#folder = folder;
    this.client = new Client({ url: server.url, apiKey: ground.apiKey });
  }

  static async open(ground: Ground, options: PilotlightOptions): Promise<OpenPilotlight> {
    const folder = join(ground.folder, options.name.replaceAll(/\W+/g, '-'));
    mkdirSync(folder);
    const server = await ChildServer.start(
      SERVER,
      ['--listen=127.0.0.1:0', `--data-dir=${folder}/data`, '--gpus=0', '--queue-limit=20000'],
      {
        ...process.env,
        PILOTLIGHT_API_KEY: ground.apiKey,
        PILOTLIGHT_LOG_LEVEL: 'warn',
        PILOTLIGHT_CONNECTION_LIMIT: '19900',
        HEAP_PROBE_FILE: join(folder, 'heap'),
        PILOTLIGHT_FORWARDER: options.forwarder,
        PILOTLIGHT_GATEWAYS: String(options.gateways ?? 1),
      },
      { core: PROXY_CORE, nodeFlags: ['--expose-gc', `--import=${HEAP_PROBE}`] },
    );
    const opened = new OpenPilotlight(options.name, ground, server, folder);
    try {
      const open = Math.max(ground.programs, Math.ceil(options.openConnections / MOST_SLOTS));
      await Promise.all([
        opened.#addRoute('plain', ground.programs, SLOTS),
        opened.#addRoute('queued', ground.programs, SLOTS),
        opened.#addRoute('open', open, MOST_SLOTS),
      ]);
    } catch (error) {
      await opened.close();
      throw error;
    }
    return opened;
  }

  target(route: Route): Target {
    const target = this.#targets.get(route);
    if (target === undefined) throw new Error(`there is no route ${route}`);
    return target;
  }

  /** The server and its spawner; workers are children of the spawner. */
  pids(): readonly number[] {
    return familyOf(this.#server.pid);
  }

  /** Bytes of objects and buffers that are left after a collection, in the server's main thread. */
  async liveBytes(): Promise<number> {
    const file = join(this.#folder, 'heap');
    rmSync(file, { force: true });
    process.kill(this.#server.pid, 'SIGUSR2');
    const limit = AbortSignal.timeout(PROBE_LIMIT_MS);
    for (;;) {
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      if (text !== '') return Number(text);
      await wait(20, undefined, { signal: limit });
    }
  }

  /** An endpoint whose workers run on the load's core; resolves with its address when all of them are ready. */
  async addEndpoint(route: Route, workers: number, slots: number, name: string): Promise<Target> {
    const [program = '', ...words] = upstreamCommand(upstreamOf(route), this.#ground.folder);
    const pinned = `${findProgram('taskset') ?? 'taskset'} -c ${LOAD_CORE} ${program}`;
    const { id } = await this.client.call('createEndpoint', {
      body: {
        type: 'sync',
        name: `bench ${name}`,
        product_id: 'cpu',
        image: 'host',
        entrypoint: pinned,
        command: words.map(quoted).join(' '),
        worker_config: {
          min_replicas: workers,
          max_replicas: workers,
          max_concurrent_per_worker: slots,
          request_timeout: 1_800,
        },
      },
    });
    this.#withWorkers.push(id);
    await this.#ready(id, workers);
    return {
      port: Number(new URL(this.#server.url).port),
      prefix: `/e/${id}`,
      headers: { authorization: `Bearer ${this.#ground.apiKey}` },
    };
  }

  async close(): Promise<void> {
    // Workers outlive the server on purpose, so their endpoints are deleted first.
    await Promise.all(
      this.#withWorkers.map(async (id) => {
        await this.client.call('deleteEndpoint', { path: { endpoint_id: id } });
        await this.#gone(id);
      }),
    );
    await this.#server.close();
  }

  async #addRoute(route: Route, workers: number, slots: number): Promise<void> {
    this.#targets.set(route, await this.addEndpoint(route, workers, slots, route));
  }

  async #ready(id: string, workers: number): Promise<void> {
    const limit = AbortSignal.timeout(READY_LIMIT_MS);
    for (;;) {
      const endpoint = await this.client.call('getEndpoint', { path: { endpoint_id: id } });
      if (endpoint.workers.filter(({ health, drain }) => health && !drain).length >= workers) return;
      await wait(50, undefined, { signal: limit });
    }
  }

  async #gone(id: string): Promise<void> {
    const limit = AbortSignal.timeout(READY_LIMIT_MS);
    for (;;) {
      try {
        await this.client.call('getEndpoint', { path: { endpoint_id: id } });
      } catch (error) {
        if (!(error instanceof ClientError) || error.status !== 404) throw error;
        return;
      }
      await wait(50, undefined, { signal: limit });
    }
  }
}

/** One word of a command, as our own splitting of commands reads it. */
function quoted(word: string): string {
  return `'${word}'`;
}
