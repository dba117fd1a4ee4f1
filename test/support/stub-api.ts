import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Endpoint } from '../../src/client/schema.ts';

export interface StubRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Parsed; undefined without a body. */
  readonly body: unknown;
  /** As it came; empty without a body. */
  readonly text: string;
}

export interface StubAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string goes out as it is, anything else as JSON. */
  readonly body: unknown;
}

/** `GET /path` without the query → an answer, or one made for every request. */
export type StubRoutes = Readonly<
  Record<string, StubAnswer | ((request: StubRequest) => StubAnswer | Promise<StubAnswer>)>
>;

/** A control API that says what a test wants it to say, and remembers what it was asked. */
export class StubApi {
  readonly requests: StubRequest[] = [];
  readonly #server: Server;

  private constructor(routes: StubRoutes) {
    this.#server = createServer((request, response) => void this.#answer(routes, request, response));
  }

  static async start(routes: StubRoutes): Promise<StubApi> {
    const stub = new StubApi(routes);
    stub.#server.listen(0, '127.0.0.1');
    await once(stub.#server, 'listening');
    return stub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** `METHOD path` of every request, in order. */
  get calls(): readonly string[] {
    return this.requests.map(({ method, path }) => `${method} ${path}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #answer(routes: StubRoutes, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = await text(incoming);
    const request: StubRequest = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.headers,
      body: received === '' ? undefined : (JSON.parse(received) as unknown),
      text: received,
    };
    this.requests.push(request);
    const route = routes[`${request.method} ${request.path.split('?')[0]}`];
    const answer = typeof route === 'function' ? await route(request) : (route ?? notFound(request));
    const isText = typeof answer.body === 'string';
    response.writeHead(answer.status ?? 200, {
      'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json',
      ...answer.headers,
    });
    response.end(isText ? answer.body : JSON.stringify(answer.body));
  }
}

function notFound({ method, path }: StubRequest): StubAnswer {
  return refusalOf(404, 'API_NOT_FOUND', `the stub has no ${method} ${path}`);
}

export function refusalOf(
  status: number,
  reason: string,
  message: string,
  metadata: Readonly<Record<string, string>> = {},
): StubAnswer {
  return { status, body: { code: status, reason, message, metadata } };
}

export const STUB_ENDPOINT: Endpoint = {
  id: 'ep1',
  type: 'sync',
  app_name: 'chat',
  status: { status: 'running', error: '', message: '' },
  url: 'http://127.0.0.1:8080/e/ep1',
  name: 'Chat',
  product_id: 'gpu',
  worker_config: {
    max_replicas: 3,
    min_replicas: 1,
    idle_timeout: 60,
    max_concurrent_per_worker: 4,
    gpu_num: 1,
    rootfs_size_gb: 20,
    min_cuda_version: '',
    request_timeout: 300,
  },
  policy: { type: 'queue', value: 4 },
  image: 'host:chat',
  registry_auth_id: '',
  entrypoint: '',
  command: 'node server.ts',
  volumes: [],
  envs: [
    { key: 'MODEL', value: 'toy-1' },
    { key: 'LEVEL', value: 'info' },
  ],
  ports: [8000],
  health_check: { path: '/healthz', port: 8000 },
  region_id: 'local',
  workers: [stubWorker('w1', 1, 'ready')],
  revision: 1,
  etag: '"1-1"',
  rollout: null,
  member_id: 'admin',
  owner_id: 'admin',
  created_at: 1_700_000_000,
};

export function stubWorker(id: string, revision: number, state: string): Endpoint['workers'][number] {
  return {
    id,
    status: { status: state, error: '', message: '' },
    log: `/gpus/v2/endpoints/ep1/workers/${id}/log`,
    health: state === 'ready',
    drain: state === 'draining',
    revision,
  };
}
