import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { EndpointId, WorkerId } from '../../src/base/ids.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { jobVariables } from '../../src/jobs/worker-protocol/job-variables.ts';
import { Presence } from '../../src/jobs/worker-protocol/presence.ts';
import { WorkerRequests } from '../../src/jobs/worker-protocol/worker-requests.ts';
import { WorkerTokens } from '../../src/jobs/worker-protocol/worker-token.ts';
import { silentLog } from '../support/silent-log.ts';
import { StubJobWorkers } from './stub-job-workers.ts';

export const ENDPOINT = 'ep1' as EndpointId;
export const OUTPUT_LIMIT = 2_000;

export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** The routes of the worker protocol on a real server, with jobs that are a stub and a clock that stands. */
export class ProtocolWorld {
  readonly clock = new ManualClock();
  readonly jobs = new StubJobWorkers();
  readonly tokens = new WorkerTokens(Buffer.alloc(32, 7));
  readonly presence = new Presence();
  readonly live = new Set(['w1', 'w2']);
  readonly ready: string[] = [];
  readonly noticed: string[] = [];
  readonly requests: WorkerRequests;
  readonly #server: Server;
  readonly #arrivals = new EventEmitter();
  /** Requests that came since the start. */
  arrived = 0;
  readonly #probes = new AbortController();

  private constructor() {
    this.requests = new WorkerRequests({
      clock: this.clock,
      log: silentLog,
      workers: this.jobs,
      tokens: this.tokens,
      presence: this.presence,
      workerFind: (endpointId, workerId) => (endpointId === ENDPOINT && this.live.has(workerId) ? {} : null),
      noticed: (workerId) => this.noticed.push(workerId),
      outputBytes: OUTPUT_LIMIT,
    });
    this.#server = createServer((request, response) => {
      if (this.requests.matches(request)) this.requests.handle(request, response);
      else response.writeHead(404, { 'content-length': 0 }).end();
      this.arrived += 1;
      this.#arrivals.emit('request');
    });
  }

  static async open(): Promise<ProtocolWorld> {
    const world = new ProtocolWorld();
    world.#server.listen(0, '127.0.0.1');
    await once(world.#server, 'listening');
    for (const id of world.live) world.watch(id);
    return world;
  }

  /** Resolves when that many requests have come since the start. */
  async requested(count: number): Promise<void> {
    while (this.arrived < count) await once(this.#arrivals, 'request');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  watch(id: string): void {
    const workerId = id as WorkerId;
    const target = {
      workerId,
      address: { host: '', port: 1 },
      healthCheck: { path: '', port: 0 },
      takesJobs: true,
    };
    this.presence.watch(target, (healthy) => this.ready.push(`${id} ${healthy}`), this.#probes.signal);
  }

  token(id = 'w1', endpointId: EndpointId = ENDPOINT): string {
    return this.tokens.tokenOf({ endpointId, workerId: id as WorkerId });
  }

  variables(id = 'w1'): Record<string, string> {
    const holder = { endpointId: ENDPOINT, workerId: id as WorkerId };
    return jobVariables(holder, { base: this.url, token: this.token(id), outputBytes: OUTPUT_LIMIT });
  }

  /** Sends the bytes as they are on a connection of their own, and reads one answer. */
  async raw(text: string): Promise<RawAnswer> {
    const socket = connect(this.port, '127.0.0.1');
    let received = Buffer.alloc(0);
    socket.write(text);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk]);
      const answer = answerOf(received);
      if (answer !== null) {
        socket.destroy();
        return answer;
      }
    }
    throw new Error(`the connection ended with ${received.toString()}`);
  }

  get(target: string, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    return this.raw(head('GET', target, { authorization: this.token(), ...headers }));
  }

  post(target: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    const given = {
      authorization: this.token(),
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(Buffer.byteLength(body)),
      ...headers,
    };
    return this.raw(head('POST', target, given) + body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#probes.abort();
    this.requests.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export function head(method: string, target: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).filter(([, value]) => value !== '');
  return `${method} ${target} HTTP/1.1\r\nHost: pilotlight\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

function answerOf(bytes: Buffer): RawAnswer | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return null;
  const [first = '', ...lines] = bytes.subarray(0, end).toString().split('\r\n');
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  const body = bytes.subarray(end + 4);
  const status = Number(first.split(' ')[1]);
  if (status !== 204 && body.length < Number(headers.get('content-length') ?? Infinity)) return null;
  return { status, headers, body: body.toString() };
}
