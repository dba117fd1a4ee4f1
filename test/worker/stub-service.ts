import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Route = 'job-take' | 'job-take-batch' | 'job-stop' | 'job-done' | 'job-stream' | 'ping';

export interface Seen {
  readonly route: Route;
  readonly method: string;
  /** As it stood in the request line. */
  readonly target: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The service side of the worker protocol, as the reference says it, with nothing of ours in it. */
export class StubService {
  readonly #server: Server;
  readonly #arrived = new EventEmitter();
  readonly #jobs: unknown[] = [];
  readonly #held = new Map<ServerResponse, Route>();
  readonly requests: Seen[] = [];
  /** Asked first; what it returns is the answer. */
  reply: (seen: Seen, count: number) => Reply | undefined = () => undefined;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#take(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    this.#arrived.setMaxListeners(0);
  }

  static async open(): Promise<StubService> {
    const service = new StubService();
    service.#server.listen(0, '127.0.0.1');
    await once(service.#server, 'listening');
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      RUNPOD_WEBHOOK_GET_JOB: `${this.url}/v2/ep/job-take/$ID?gpu=none`,
      RUNPOD_WEBHOOK_POST_OUTPUT: `${this.url}/v2/ep/job-done/$RUNPOD_POD_ID/$ID?gpu=none`,
      RUNPOD_WEBHOOK_POST_STREAM: `${this.url}/v2/ep/job-stream/$RUNPOD_POD_ID/$ID?gpu=none`,
      RUNPOD_WEBHOOK_PING: `${this.url}/v2/ep/ping/$RUNPOD_POD_ID`,
      RUNPOD_PING_INTERVAL: '10000',
      RUNPOD_AI_API_KEY: 'worker-key',
      RUNPOD_POD_ID: 'w1',
      RUNPOD_ENDPOINT_ID: 'ep',
      ...more,
    };
  }

  /** Gives jobs to the takes that wait, or to the next. */
  push(...jobs: readonly unknown[]): void {
    this.#jobs.push(...jobs);
    for (const [response, route] of [...this.#held]) {
      if (route === 'job-take' || route === 'job-take-batch') this.#give(response, route, this.#jobs.length);
    }
  }

  /** Tells the worker that waits on its stop channel. */
  stop(...ids: readonly string[]): void {
    for (const [response, route] of [...this.#held]) {
      if (route !== 'job-stop') continue;
      this.#held.delete(response);
      answer(response, { status: 200, ...json({ jobsToStop: ids }) });
    }
  }

  of(route: Route): Seen[] {
    return this.requests.filter((seen) => seen.route === route);
  }

  /** Resolves with the request number `count` of this route, as soon as it has come. */
  async seen(route: Route, count = 1): Promise<Seen> {
    for (;;) {
      const found = this.of(route)[count - 1];
      if (found !== undefined) return found;
      await once(this.#arrived, 'request');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const target = request.url ?? '';
    const url = new URL(target, 'http://stub');
    const route = (url.pathname.split('/')[3] ?? '') as Route;
    const seen: Seen = {
      route,
      method: request.method ?? '',
      target,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    };
    this.requests.push(seen);
    const reply = this.reply(seen, this.of(route).length);
    if (reply !== undefined) answer(response, reply);
    else if (route === 'job-take') this.#give(response, route, 1);
    else if (route === 'job-take-batch') this.#give(response, route, Number(seen.query.get('batch_size')));
    else if (route === 'job-stop') this.#hold(response, route);
    else answer(response, { status: 200, body: '' });
    this.#arrived.emit('request');
  }

  #give(response: ServerResponse, route: Route, count: number): void {
    if (this.#jobs.length === 0) return this.#hold(response, route);
    this.#held.delete(response);
    const jobs = this.#jobs.splice(0, route === 'job-take' ? 1 : count);
    return answer(response, { status: 200, ...json(route === 'job-take' ? jobs[0] : jobs) });
  }

  #hold(response: ServerResponse, route: Route): void {
    this.#held.set(response, route);
    response.on('close', () => this.#held.delete(response));
  }
}

export function json(value: unknown): { headers: Record<string, string>; body: string } {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

function answer(response: ServerResponse, { status, headers = {}, body }: Reply): void {
  response.writeHead(status, headers);
  response.end(body);
}
