import type { Clock } from '../../base/clock.ts';
import type { EndpointId, WorkerId } from '../../base/ids.ts';
import type { Random } from '../../base/random.ts';
import { SECOND_MS } from '../../base/units.ts';
import type { Log } from '../../ports/log.ts';
import type { ApiKey } from '../../ports/store.ts';
import type { Certificate } from '../certificate.ts';
import { createGateway, type Gateway } from '../gateway.ts';
import type { GatewayLimits } from '../limits.ts';
import type { StrictServer } from '../strict/server.ts';
import type { InnerConnect } from '../strict/inner-exchange.ts';
import { EventRing } from './event-ring.ts';
import { SharedPlaces } from './shared-places.ts';
import { ANSWERED, SharedTable, type Row, type TableMemory } from './shared-table.ts';
import { ThreadTeller } from './thread-events.ts';
import { errorOf, type ThreadOrder, type ThreadReport } from './thread-message.ts';
import { ThreadRequests } from './thread-requests.ts';

export interface GatewayThreadParts {
  readonly thread: number;
  readonly table: TableMemory;
  readonly ring: SharedArrayBuffer;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly limits: GatewayLimits;
  readonly domain: string | null;
  readonly certificate?: Certificate | null;
  apiKeys(sha256Hex: string): ApiKey | undefined;
  /** A connection to the server itself. */
  readonly connectInside: InnerConnect;
  report(report: ThreadReport): void;
  /** The inbox of that thread was empty and is not any more. */
  wake(thread: number): void;
  /** There is something to read in this thread's ring. */
  readonly wakeMain: () => void;
  /** How long the main thread may learn later of what is not urgent; 0: it always learns at once. */
  readonly eventDelayMs: number;
}

/** What control does with a slot's end can wait so long, and is cheaper done for many at once. */
export const EVENT_DELAY_MS = SECOND_MS / 100;

/** One of several gateways of one server: a gateway whose slots and lines are in the shared table. */
export class GatewayThread {
  readonly #parts: GatewayThreadParts;
  readonly #gateway: Gateway;
  readonly #server: StrictServer;
  readonly #requests: ThreadRequests;
  readonly #endpoints = new Map<EndpointId, Row>();
  readonly #workers = new Map<WorkerId, Row>();
  #wakesSoon = false;

  constructor(parts: GatewayThreadParts) {
    this.#parts = parts;
    const table = new SharedTable(parts.table);
    this.#requests = new ThreadRequests(table, parts.thread, (thread) => parts.wake(thread));
    const teller = new ThreadTeller({
      ring: new EventRing(parts.ring, () => parts.wakeMain()),
      endpointRow: (endpointId) => this.#endpoints.get(endpointId) ?? 0,
      workerRow: (workerId) => this.#workers.get(workerId) ?? 0,
      wakeMain: (atOnce) => this.#wakeMain(atOnce),
    });
    const listener = teller.listener();
    const { clock, random, log, limits, domain, certificate = null } = parts;
    this.#gateway = createGateway({
      clock,
      random,
      log,
      limits,
      domain,
      certificate,
      apiKeys: (sha256Hex) => parts.apiKeys(sha256Hex),
      metrics: teller.metrics(),
      arrivals: teller.arrivals(),
      listener: {
        ...listener,
        workerLeft: (endpointId, workerId, requests) => {
          this.#workerLeft(workerId);
          parts.report({ kind: 'left', endpointId, workerId, requests });
        },
        // Only jobs do that.
        workerSpent: () => undefined,
      },
      placesFor: (host) =>
        new SharedPlaces(host, {
          requests: this.#requests,
          row: this.#endpoints.get(host.endpoint.endpointId) ?? 0,
          rowOfWorker: ({ workerId }) => this.#workers.get(workerId) ?? 0,
        }),
      onOver: (endpointId) => {
        this.#endpoints.delete(endpointId);
        parts.report({ kind: 'over', endpointId });
      },
      onAnswered: ({ row }) => table.mark(row, ANSWERED),
    });
    this.#server = this.#gateway.strictServer(parts.connectInside);
  }

  get server(): StrictServer {
    return this.#server;
  }

  get inFlight(): number {
    return this.#gateway.inFlight;
  }

  /** Starts requests that others gave slots to. */
  takeGiven(): void {
    this.#requests.takeGiven();
  }

  order(order: ThreadOrder): void {
    this.#do(order);
    // What this brought may be the worker that a request has been given to already.
    this.#requests.takeGiven();
  }

  #do(order: ThreadOrder): void {
    const gateway = this.#gateway;
    switch (order.kind) {
      case 'endpointPut': {
        const { endpoint, refusal, row } = order;
        this.#endpoints.set(endpoint.endpointId, row);
        gateway.endpointPut({ ...endpoint, refusal: refusal === null ? null : errorOf(refusal) });
        return;
      }
      case 'endpointRemove':
        gateway.endpointRemove(order.endpointId, errorOf(order.reason));
        return;
      case 'waitingRefuse':
        gateway.waitingRefuse(order.endpointId, errorOf(order.reason));
        return;
      case 'workerPut':
        this.#workers.set(order.worker.workerId, order.row);
        gateway.workerPut(order.endpointId, order.worker);
        return;
      case 'workerRemove':
        // First what it was given: those requests are its last ones.
        this.#requests.takeGiven();
        if (this.#workers.has(order.workerId)) gateway.workerRemove(order.endpointId, order.workerId);
        else this.#knewNothing(order.endpointId, order.workerId);
        return;
      case 'runningCut':
        this.#requests.takeGiven();
        gateway.runningCut(order.endpointId, order.workerId, errorOf(order.error), order.unansweredOnly);
        return;
      case 'requestsAsk': {
        const { number, endpointId, which, limit } = order;
        const asked =
          which === 'open' ? gateway.openRequests(endpointId, limit) : gateway.endedRequests(endpointId);
        void asked.then((requests) => this.#parts.report({ kind: 'told', number, requests }));
        return;
      }
      case 'settle':
        this.#parts.report({ kind: 'settled', number: order.number });
        return;
      case 'untold':
        this.#requests.takeUntold();
        return;
      case 'drain':
        void gateway.beginDrain().then(() => this.#parts.report({ kind: 'drained' }));
        return;
      case 'stopListening':
        this.#server.server.close(() => this.#parts.report({ kind: 'stopped' }));
        return;
      case 'certificate':
        this.#server.setCertificate(order.certificate);
        return;
      case 'closeIdle':
        this.#server.closeIdleConnections();
        return;
      case 'closeAll':
        this.#server.closeAllConnections();
        return;
    }
  }

  #workerLeft(workerId: WorkerId): void {
    const row = this.#workers.get(workerId);
    if (row !== undefined) this.#requests.workers.delete(row);
    this.#workers.delete(workerId);
  }

  /** It was started when the endpoint had been removed already. */
  #knewNothing(endpointId: EndpointId, workerId: WorkerId): void {
    this.#parts.report({ kind: 'left', endpointId, workerId, requests: [] });
  }

  #wakeMain(atOnce: boolean): void {
    const { clock, eventDelayMs, wakeMain } = this.#parts;
    if (atOnce || eventDelayMs === 0) {
      wakeMain();
      return;
    }
    if (this.#wakesSoon) return;
    this.#wakesSoon = true;
    clock.schedule(eventDelayMs, () => {
      this.#wakesSoon = false;
      wakeMain();
    });
  }
}
