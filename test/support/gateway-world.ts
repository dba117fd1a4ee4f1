import { hash } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type RequestOptions,
  type Server,
} from 'node:http';
import { connect, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';
import type { RequestName } from '../../src/model/request-timeline.ts';
import { test, type TestContext } from 'node:test';
import type { EndpointId, OwnerId, WorkerId } from '../../src/base/ids.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { createGateway, type GatewayOptions } from '../../src/gateway/gateway.ts';
import { serverOptions } from '../../src/gateway/server-tuning.ts';
import { connectInside } from '../../src/gateway/strict/inner-exchange.ts';
import { DEFAULT_LIMITS } from '../../src/gateway/limits.ts';
import type { Arrival } from '../../src/model/arrival.ts';
import type { Log } from '../../src/ports/log.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import type { RequestTimeline } from '../../src/model/request-timeline.ts';
import type {
  RequestAnswer,
  RequestOutcome,
  TrafficEndpoint,
  TrafficListener,
  TrafficWorker,
} from '../../src/ports/traffic.ts';
import { threadGateways, type TestGateway } from './thread-gateways.ts';

export const ENDPOINT = 'chat0endpoint' as EndpointId;
export const OWNER = 'owner0' as OwnerId;
export const KEY = 'key-of-the-owner';
export const STRANGER_KEY = 'key-of-a-stranger';
export const ADMIN_KEY = 'key-of-an-admin';

export type TrafficEvent =
  | { readonly kind: 'waiting' | 'gone'; readonly endpointId: EndpointId }
  | {
      readonly kind: 'started' | 'drained' | 'spent';
      readonly endpointId: EndpointId;
      readonly workerId: WorkerId;
    }
  | {
      readonly kind: 'answered';
      readonly endpointId: EndpointId;
      readonly workerId: WorkerId;
      readonly status: number;
    }
  | {
      readonly kind: 'left';
      readonly endpointId: EndpointId;
      readonly workerId: WorkerId;
      readonly requests: readonly RequestTimeline[];
    }
  | { readonly kind: 'ended'; readonly endpointId: EndpointId; readonly outcome: RequestOutcome };

export const REQUEST: RequestName = { requestId: 'request', method: 'GET', path: '/' };

/** Keeps what the gateway tells, in order, and lets a test wait for the next of a kind. */
export class RecordingListener implements TrafficListener {
  readonly events: TrafficEvent[] = [];
  /** Runs inside the call, as control does. */
  onEvent: (event: TrafficEvent) => void = () => undefined;
  readonly #waits: { kind: string; count: number; resolve: () => void }[] = [];

  requestWaiting(endpointId: EndpointId): void {
    this.#push({ kind: 'waiting', endpointId });
  }
  requestGone(endpointId: EndpointId): void {
    this.#push({ kind: 'gone', endpointId });
  }
  requestStarted(endpointId: EndpointId, workerId: WorkerId): void {
    this.#push({ kind: 'started', endpointId, workerId });
  }
  requestAnswered(endpointId: EndpointId, { workerId, status }: RequestAnswer): void {
    this.#push({ kind: 'answered', endpointId, workerId, status });
  }
  requestEnded(endpointId: EndpointId, outcome: RequestOutcome): void {
    this.#push({ kind: 'ended', endpointId, outcome });
  }
  workerLeft(endpointId: EndpointId, workerId: WorkerId, requests: readonly RequestTimeline[]): void {
    this.#push({ kind: 'left', endpointId, workerId, requests });
  }
  workerDrained(endpointId: EndpointId, workerId: WorkerId): void {
    this.#push({ kind: 'drained', endpointId, workerId });
  }
  workerSpent(endpointId: EndpointId, workerId: WorkerId): void {
    this.#push({ kind: 'spent', endpointId, workerId });
  }

  count(kind: TrafficEvent['kind']): number {
    return this.events.filter((event) => event.kind === kind).length;
  }

  outcomes(): RequestOutcome[] {
    return this.events.flatMap((event) => (event.kind === 'ended' ? [event.outcome] : []));
  }

  /** Resolves when `count` events of this kind have been seen since the start. */
  async seen(kind: TrafficEvent['kind'], count = 1): Promise<void> {
    if (this.count(kind) >= count) return;
    await new Promise<void>((resolve) => {
      this.#waits.push({ kind, count, resolve });
    });
  }

  #push(event: TrafficEvent): void {
    this.events.push(event);
    for (const wait of this.#waits) {
      if (wait.kind === event.kind && this.count(event.kind) >= wait.count) wait.resolve();
    }
    this.onEvent(event);
  }
}

export interface RecordedArrival extends Arrival {
  readonly endpointId: EndpointId;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: NodeJS.Dict<string>;
}

export interface SendOptions extends RequestOptions {
  readonly body?: string | Buffer;
}

/** `threads`: the strict one in the gateways of two threads that share slots and lines. */
export type ForwarderName = 'general' | 'strict' | 'threads';

/** A test on each forwarder, and on gateways in two threads: what the gateway promises holds on all. */
export function testBoth(
  name: string,
  run: (t: TestContext, forwarder: ForwarderName) => void | Promise<void>,
): void {
  for (const forwarder of ['general', 'strict', 'threads'] as const) {
    test(`${name} [${forwarder}]`, (t) => run(t, forwarder));
  }
}

export interface GatewayWorld {
  readonly gateway: TestGateway;
  /** The one that clients connect to. */
  readonly server: NetServer;
  readonly port: number;
  readonly clock: ManualClock;
  readonly listener: RecordingListener;
  readonly outcomes: string[];
  readonly logged: string[];
  /** What was taken down of the requests that ended. */
  readonly arrivals: readonly RecordedArrival[];
  put(change?: Partial<TrafficEndpoint>): void;
  /** Starts a worker on port 0 and gives it to the gateway. */
  worker(handler: RequestListener, change?: Partial<TrafficWorker>): Promise<TestWorker>;
  /** Starts a server without giving it to the gateway. */
  listen(server: Server): Promise<number>;
  putWorker(port: number, change?: Partial<TrafficWorker>): WorkerId;
  /** Sends a request with the owner's key to the endpoint; `path` is behind `/e/{id}`. */
  send(path: string, options?: SendOptions): Promise<Answer>;
  /** As `send`, and hands over the answer as soon as its head is there. */
  open(path: string, options?: SendOptions): Promise<{ answer: IncomingMessage; socket: Socket }>;
  /** A bare connection to the gateway. */
  raw(): Promise<Socket>;
  /** Of the strict server: those that serve nothing are closed now, the others as soon as they have. */
  closeIdleConnections(): void;
}

export interface TestWorker {
  readonly id: WorkerId;
  readonly port: number;
  readonly server: Server;
}

const API_KEYS = new Map(
  [
    { key: KEY, ownerId: OWNER, admin: false },
    { key: STRANGER_KEY, ownerId: 'stranger' as OwnerId, admin: false },
    { key: ADMIN_KEY, ownerId: 'admin' as OwnerId, admin: true },
  ].map(({ key, ...rest }) => {
    const digest = hash('sha256', key, 'hex');
    return [digest, { ...rest, hash: digest, name: 'test', createdAtMs: 0 }] as const;
  }),
);

/**
 * A gateway on a real server, with one endpoint and no worker. Its clock stands still until the test
 * moves it; the sockets are real. All is closed with the test.
 */
export async function gatewayWorld(
  t: TestContext,
  forwarder: ForwarderName,
  options: Pick<GatewayOptions, 'limits'> & {
    domain?: string;
    endpoint?: Partial<TrafficEndpoint>;
    /** Answers what is not the gateway's. */
    own?: RequestListener;
  } = {},
): Promise<GatewayWorld> {
  const clock = new ManualClock();
  const listener = new RecordingListener();
  const outcomes: string[] = [];
  const logged: string[] = [];
  const arrivals: RecordedArrival[] = [];
  const gatewayOptions: GatewayOptions = {
    clock,
    random: seededRandom(7),
    listener,
    apiKeys: (digest) => API_KEYS.get(digest),
    log: recordingLog(logged),
    metrics: recordingMetrics(outcomes),
    arrivals: {
      arrivalRecord: (endpointId, arrival) => {
        arrivals.push({ endpointId, ...arrival });
      },
    },
    domain: options.domain ?? null,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  };
  const own: RequestListener =
    options.own ?? ((_request, response) => response.writeHead(200).end('not the gateway'));
  const single = createGateway(gatewayOptions);
  const server = createServer(serverOptions({ ...DEFAULT_LIMITS, ...options.limits }));
  server.on('request', (request, response) => {
    if (single.matches(request)) single.handle(request, response);
    else own(request, response);
  });
  server.on('upgrade', (request, socket, head) => {
    if (single.matches(request)) single.handleUpgrade(request, socket, head);
    else socket.destroy();
  });
  single.tuneServer(server);
  const servers: Server[] = [];
  const listen = async (one: Server): Promise<number> => {
    servers.push(one);
    return await listenOn(one);
  };
  const inner = connectInside(server);
  const shared = forwarder === 'threads' ? threadGateways(gatewayOptions, inner) : null;
  const gateway = shared?.gateway ?? single;
  const strictServer = forwarder === 'strict' ? single.strictServer(inner) : null;
  const strict = strictServer ?? shared;
  const port = strict === null ? await listen(server) : await listenOn(strict.server);
  const workerIds = new Set<WorkerId>();
  const sockets = new Set<Socket>();
  t.after(async () => {
    for (const workerId of workerIds) gateway.workerRemove(ENDPOINT, workerId);
    for (const socket of sockets) socket.destroy();
    for (const one of servers) one.closeAllConnections();
    strict?.closeAllConnections();
    // Connections that were upgraded belong to no server any more; cutting the clients ends them.
    const closing = strict === null ? servers : [...servers, strict.server];
    await Promise.all(closing.map((one) => new Promise((resolve) => one.close(resolve))));
    clock.advance(600_000);
  });

  const put = (change: Partial<TrafficEndpoint> = {}): void => {
    gateway.endpointPut({
      endpointId: ENDPOINT,
      type: 'sync',
      appName: 'chat-app',
      healthCheckPath: '',
      ownerId: OWNER,
      slotsPerWorker: 1,
      requestTimeoutMs: 60_000,
      refusal: null,
      ...options.endpoint,
      ...change,
    });
  };
  put();

  const putWorker = (workerPort: number, change: Partial<TrafficWorker> = {}): WorkerId => {
    const workerId = change.workerId ?? (`worker${workerIds.size}` as WorkerId);
    workerIds.add(workerId);
    gateway.workerPut(ENDPOINT, {
      workerId,
      revision: 1,
      address: { host: '127.0.0.1', port: workerPort },
      preference: 0,
      sampleLimit: null,
      startedAtMs: clock.nowMs(),
      ...change,
    });
    return workerId;
  };

  const open = (
    path: string,
    sendOptions: SendOptions = {},
  ): Promise<{ answer: IncomingMessage; socket: Socket }> => {
    const { body, headers, ...rest } = sendOptions;
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      path: `/e/${ENDPOINT}${path}`,
      method: body === undefined ? 'GET' : 'POST',
      agent: false,
      ...rest,
      headers: { authorization: `Bearer ${KEY}`, ...(headers as Record<string, string>) },
    });
    request.end(body);
    return new Promise((resolve, reject) => {
      request.on('error', reject);
      request.on('response', (answer) => {
        resolve({ answer, socket: answer.socket });
      });
    });
  };

  return {
    gateway,
    server: strict?.server ?? server,
    port,
    clock,
    listener,
    outcomes,
    logged,
    arrivals,
    put,
    listen,
    putWorker,
    open,
    async worker(handler, change) {
      const workerServer = createServer(handler);
      const workerPort = await listen(workerServer);
      return { id: putWorker(workerPort, change), port: workerPort, server: workerServer };
    },
    async send(path, sendOptions) {
      const { answer } = await open(path, sendOptions);
      return readAnswer(answer);
    },
    closeIdleConnections: () => strictServer?.closeIdleConnections(),
    async raw() {
      const socket = connect(port, '127.0.0.1');
      sockets.add(socket);
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      return socket;
    },
  };
}

async function listenOn(server: NetServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Reads an answer to its end; rejects when it is cut off. */
export async function readAnswer(answer: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    body: Buffer.concat(chunks).toString(),
    trailers: answer.trailers,
  };
}

/** The stable code of an error answer. */
export function reasonOf(answer: Answer): string {
  return (JSON.parse(answer.body) as { reason: string }).reason;
}

/** All that a connection says until its end. */
export async function readToEnd(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1');
  for await (const chunk of socket) text += chunk as string;
  return text;
}

/** Reads a connection until what came so far matches. */
export async function readUntil(socket: Socket, pattern: RegExp): Promise<string> {
  let text = '';
  for (;;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) {
      text += chunk.toString('latin1');
      if (pattern.test(text)) return text;
      continue;
    }
    if (socket.readableEnded || socket.destroyed) throw new Error(`the connection ended after: ${text}`);
    const heard = new AbortController();
    const { signal } = heard;
    await Promise.race(['readable', 'close', 'end'].map((name) => once(socket, name, { signal })));
    heard.abort();
  }
}

function recordingLog(lines: string[]): Log {
  const write = (message: string): void => {
    lines.push(message);
  };
  return { debug: write, info: write, warn: write, error: write };
}

function recordingMetrics(outcomes: string[]): Metrics {
  const nothing = (): void => undefined;
  return {
    requestEnded: (_endpointId, outcome) => {
      outcomes.push(outcome);
    },
    forwardOverhead: nothing,
    coldStart: nothing,
    scaleDecision: nothing,
    workerStarted: nothing,
    workerFailed: nothing,
    arrivalsDropped: nothing,
    endpointForgotten: nothing,
    onScrape: nothing,
  };
}
