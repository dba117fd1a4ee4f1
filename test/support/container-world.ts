import Docker from 'dockerode';
import { credentialOf } from './docker-world.ts';
import { testEngine, type TestEngine } from './engines.ts';
import { RequestLoad } from './request-load.ts';
import { ServerProcess } from './server-process.ts';

const CLIENTS = 30;
/** Bounds a hang; nothing is judged by the time it takes. */
export const CONTAINER_TIME_OUT_MS = 240_000;
const FLAGS = ['--driver=docker', '--bake-seconds=1', '--watch-seconds=1', '--stop-grace-seconds=5'];

/** A real server whose workers are containers, with a login for the private registry. */
export interface ContainerWorld {
  readonly engine: TestEngine;
  readonly client: Docker;
  readonly authId: string;
  server: ServerProcess;
  /** On the same data and address, after a `kill`. */
  readonly restart: () => Promise<void>;
  readonly create: (body: Record<string, unknown>) => Promise<string>;
  readonly load: (id: string) => Promise<RequestLoad>;
  /** Containers of this server, in any state. */
  readonly containers: () => Promise<readonly Docker.ContainerInfo[]>;
}

export async function withContainers(
  run: (world: ContainerWorld) => Promise<void>,
  place: { readonly socket?: string } = {},
): Promise<void> {
  const engine = testEngine('docker');
  const socket = place.socket ?? engine.socket;
  const client = new Docker({ socketPath: socket });
  const options = { flags: [...FLAGS, `--docker-socket=${socket}`] };
  const server = await ServerProcess.start(options);
  const loads: RequestLoad[] = [];
  const { dataDir } = server;
  try {
    const { registry, ...login } = credentialOf(engine);
    const { id: authId } = await server.api<{ id: string }>('POST', '/gpus/v2/registry-auths', {
      name: 'private',
      registry,
      ...login,
    });
    const world: ContainerWorld = {
      engine,
      client,
      authId,
      server,
      async restart() {
        const port = Number(new URL(world.server.url).port);
        world.server = await ServerProcess.start({ ...options, dataDir, port });
      },
      create: async (body) =>
        await world.server.create({
          registry_auth_id: authId,
          command: '',
          ports: [8080],
          ...body,
        }),
      async load(id) {
        const load = new RequestLoad({ url: (await world.server.get(id)).url, clients: CLIENTS });
        loads.push(load);
        load.start();
        return load;
      },
      async containers() {
        const all = await client.listContainers({ all: true });
        const { data } = await world.server.api<{ data: { id: string }[] }>(
          'GET',
          '/gpus/v2/endpoints?limit=1000',
        );
        const ids = new Set(data.map(({ id }) => id));
        return all.filter(({ Labels }) => ids.has(Labels['pilotlight.endpoint'] ?? ''));
      },
    };
    try {
      await run(world);
    } finally {
      for (const load of loads) await load.stop();
      await world.server.dispose();
    }
  } finally {
    await server.dispose();
  }
}

export interface RevisionShown {
  readonly revision: number;
  readonly image_digest: string;
  readonly failure: string;
  readonly outcome: string;
}

export async function revisionOf(server: ServerProcess, id: string, number: number): Promise<RevisionShown> {
  return await server.api<RevisionShown>('GET', `/gpus/v2/endpoints/${id}/revisions/${number}`);
}
