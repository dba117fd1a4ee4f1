import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { AppError } from '../base/errors.ts';
import type { EndpointId, WorkerId } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import type { ArrivalRecorder } from '../ports/arrivals.ts';
import type { RequestTimeline } from '../model/request-timeline.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { ApiKey } from '../ports/store.ts';
import {
  NO_LOAD,
  type EndpointLoad,
  type Traffic,
  type TrafficEndpoint,
  type TrafficListener,
  type TrafficWorker,
} from '../ports/traffic.ts';
import type { Certificate } from './certificate.ts';
import { Chain, type ChainParts } from './chain.ts';
import type { ClientSide } from './client-side.ts';
import { EndpointQueue, type QueueParts } from './endpoint-queue.ts';
import { GeneralClient, type GeneralClientParts } from './general/client-side.ts';
import { GeneralForwarder } from './general/forwarder.ts';
import { OpenClients } from './general/open-clients.ts';
import { headOf } from './general/request-head.ts';
import { DEFAULT_LIMITS, type GatewayLimits } from './limits.ts';
import { tune } from './server-tuning.ts';
import { routeOf, type Routed } from './steps/route.ts';
import type { InnerConnect } from './strict/inner-exchange.ts';
import { StrictForwarder } from './strict/forwarder.ts';
import { StrictServer } from './strict/server.ts';

export interface GatewayOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly listener: TrafficListener;
  /** Looks a key up by its SHA-256 in hex. */
  apiKeys(sha256Hex: string): ApiKey | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly arrivals: ArrivalRecorder;
  /** Those not given are the defaults. */
  readonly limits?: Partial<GatewayLimits>;
  /** The domain of the host form; null serves the path form alone. */
  readonly domain: string | null;
  /** Of the strict listener's TLS; unset: plain HTTP. */
  readonly certificate?: Certificate | null;
  /** Of each endpoint's queue, where this is one of several gateways that share slots. */
  readonly placesFor?: QueueParts['placesFor'];
  readonly onAnswered?: QueueParts['onAnswered'];
  /** An endpoint was removed, and its last request and worker are gone. */
  readonly onOver?: (endpointId: EndpointId) => void;
}

export function createGateway(options: GatewayOptions): Gateway {
  return new Gateway(options);
}

/** The data path: takes requests for endpoints, holds them until a worker has a slot, passes them on. */
export class Gateway implements Traffic {
  readonly limits: GatewayLimits;
  readonly #options: GatewayOptions;
  readonly #general: GeneralForwarder;
  readonly #strict: StrictForwarder;
  readonly #queues = new Map<string, EndpointQueue>();
  /** The same for all of them. */
  readonly #queueParts: QueueParts;
  readonly #clients = new OpenClients();
  readonly #chainParts: ChainParts;
  #inFlight = 0;
  #draining = false;
  readonly #onDrained: (() => void)[] = [];

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#general = new GeneralForwarder({ clock: options.clock, limits: this.limits });
    this.#strict = new StrictForwarder({ clock: options.clock, limits: this.limits });
    this.#queueParts = this.#partsOfQueues();
    const draining = (): boolean => this.#draining;
    this.#chainParts = {
      clock: options.clock,
      metrics: options.metrics,
      arrivals: options.arrivals,
      log: options.log,
      limits: this.limits,
      queues: this.#queues,
      apiKeys: (sha256Hex) => options.apiKeys(sha256Hex),
      get draining() {
        return draining();
      },
    };
  }

  /** Requests taken and not yet ended on both sides, waiting ones included. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** True when the request is for an endpoint and not for the server itself, or must be refused here. */
  matches(request: IncomingMessage): boolean {
    const refused =
      this.#clients.doomed(request.socket) ||
      (request.headers.host === undefined && request.httpVersionMinor > 0);
    return refused || routeOf(headOf(request), this.#options.domain) !== null;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    if (this.#clients.doomed(request.socket)) return;
    this.#serveGeneral(new GeneralClient(request, response, this.#clientParts()));
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#clients.doomed(socket)) return;
    this.#serveGeneral(GeneralClient.forUpgrade(request, socket, head, this.#clientParts()));
  }

  /** Sets the server's bounds and answers what never becomes a request. Made with `serverOptions`. */
  tuneServer(server: Server): void {
    tune(server, {
      limits: this.limits,
      matches: (request) => this.matches(request),
      failLatest: (socket, error) => this.#clients.failLatest(socket, error),
      closeLater: (socket) => {
        const cancel = this.#options.clock.schedule(this.limits.discardMs, () => socket.destroy());
        socket.once('close', cancel);
      },
    });
  }

  /** A listener that reads every connection by our own codec; `inner` takes what is for the server itself. */
  strictServer(inner: InnerConnect): StrictServer {
    const { clock, random, domain } = this.#options;
    return new StrictServer({
      clock,
      random,
      domain,
      inner,
      certificate: this.#options.certificate ?? null,
      limits: this.limits,
      forwarder: this.#strict,
      serve: (client, routed, onOver) => this.serve(client, routed, onOver),
    });
  }

  /** Refuses new requests from now on; resolves when all that were taken have ended. */
  async beginDrain(): Promise<void> {
    this.#draining = true;
    if (this.#inFlight === 0) return;
    await new Promise<void>((resolve) => {
      this.#onDrained.push(resolve);
    });
  }

  endpointPut(endpoint: TrafficEndpoint): void {
    const known = this.#queues.get(endpoint.endpointId);
    if (known === undefined)
      this.#queues.set(endpoint.endpointId, new EndpointQueue(endpoint, this.#queueParts));
    else known.put(endpoint);
  }

  endpointRemove(endpointId: EndpointId, reason: AppError): void {
    const queue = this.#queues.get(endpointId);
    queue?.remove(reason);
  }

  waitingRefuse(endpointId: EndpointId, reason: AppError): void {
    this.#queues.get(endpointId)?.refuseWaiting(reason);
  }

  workerPut(endpointId: EndpointId, worker: TrafficWorker): void {
    this.#queues.get(endpointId)?.workerPut(worker);
  }

  workerDrain(endpointId: EndpointId, workerId: WorkerId): void {
    const queue = this.#queues.get(endpointId);
    if (queue === undefined) this.#options.listener.workerDrained(endpointId, workerId);
    else queue.workerDrain(workerId);
  }

  workerRemove(endpointId: EndpointId, workerId: WorkerId): void {
    this.#general.workerRemove(workerId);
    this.#strict.workerRemove(workerId);
    this.#queues.get(endpointId)?.workerRemove(workerId);
  }

  load(endpointId: EndpointId): EndpointLoad {
    return this.#queues.get(endpointId) ?? NO_LOAD;
  }

  runningCut(endpointId: EndpointId, workerId: WorkerId, error: AppError, unansweredOnly: boolean): number {
    return this.#queues.get(endpointId)?.runningCut(workerId, error, unansweredOnly) ?? 0;
  }

  async openRequests(endpointId: EndpointId, limit: number): Promise<readonly RequestTimeline[]> {
    return this.#queues.get(endpointId)?.openRequests(limit) ?? [];
  }

  async endedRequests(endpointId: EndpointId): Promise<readonly RequestTimeline[]> {
    return this.#queues.get(endpointId)?.endedRequests() ?? [];
  }

  unansweredSince(endpointId: EndpointId, revision: number): readonly number[] {
    return this.#queues.get(endpointId)?.unansweredSince(revision) ?? [];
  }

  /** Takes a request through the chain. `onOver`: nothing more goes to its client. Never throws. */
  serve(client: ClientSide, routed: Routed | null, onOver: () => void): void {
    this.#inFlight += 1;
    new Chain(this.#chainParts, client, routed, () => {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) for (const resolve of this.#onDrained.splice(0)) resolve();
      onOver();
    }).begin();
  }

  #serveGeneral(client: GeneralClient): void {
    this.#clients.add(client);
    const routed = routeOf(client.head, this.#options.domain);
    this.serve(client, routed, () => this.#clients.remove(client));
  }

  #partsOfQueues(): QueueParts {
    const { clock, listener, placesFor, onAnswered, onOver } = this.#options;
    return {
      clock,
      listener,
      limits: this.limits,
      onOver: (endpointId) => {
        this.#queues.delete(endpointId);
        onOver?.(endpointId);
      },
      ...(placesFor === undefined ? {} : { placesFor }),
      ...(onAnswered === undefined ? {} : { onAnswered }),
    };
  }

  #clientParts(): GeneralClientParts {
    const { clock, random } = this.#options;
    return { clock, random, limits: this.limits, forwarder: this.#general };
  }
}
