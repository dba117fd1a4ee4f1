import type { Clock } from '../base/clock.ts';
import { AppError, impossible } from '../base/errors.ts';
import type { EndpointId, WorkerId } from '../base/ids.ts';
import { EndpointQueue } from '../gateway/endpoint-queue.ts';
import { DEFAULT_LIMITS, type GatewayLimits } from '../gateway/limits.ts';
import type { CutReason, Turn } from '../gateway/ticket.ts';
import type { WorkerSlots } from '../gateway/worker-slots.ts';
import type { RequestName, RequestTimeline } from '../model/request-timeline.ts';
import {
  NO_LOAD,
  type EndpointLoad,
  type RequestOutcome,
  type Traffic,
  type TrafficEndpoint,
  type TrafficListener,
  type TrafficWorker,
} from '../ports/traffic.ts';
import type { EndedRequest, RequestEnd, RequestFlight, SimulatedAnswer } from './request-flight.ts';

const REFUSALS_KEPT = 100;
const SIMULATED: RequestName = { requestId: 'simulated', method: 'POST', path: '/' };

export type SimulatedLimits = Pick<GatewayLimits, 'waitingPerEndpoint' | 'restMs' | 'retries'>;

export interface SimulatedTrafficOptions {
  readonly clock: Clock;
  readonly limits?: Partial<SimulatedLimits>;
  /** Whether a connection to this worker finds somebody there. */
  readonly reaches: (workerId: WorkerId) => boolean;
}

const CUT_OUTCOME: Readonly<Record<CutReason, RequestOutcome['end']>> = {
  timeout: 'timeout',
  closed: 'cut',
  clientGone: 'clientGone',
  refused: 'clientGone',
};
const CUT_END: Readonly<Record<CutReason, RequestEnd>> = {
  timeout: 'timedOut',
  closed: 'cut',
  clientGone: 'clientGone',
  refused: 'clientGone',
};

/** What a client does beyond sending its request. */
export interface Client {
  /** It goes away when it has no answer after this time; by default it stays. */
  readonly patienceMs?: number;
  /** After it left or its time is over, its connection to the worker closes so much later. */
  readonly closeMs?: number;
}

/**
 * The gateway without sockets: its own queue, slots, deadlines and rules of retrying, between
 * simulated clients and the workers of a simulated machine. Everything happens in the turn in which
 * it is due.
 */
export class SimulatedTraffic implements Traffic {
  readonly limits: SimulatedLimits;
  readonly #clock: Clock;
  readonly #reaches: (workerId: WorkerId) => boolean;
  readonly #queues = new Map<EndpointId, EndpointQueue>();
  readonly #connections = new Map<WorkerId, Set<RequestFlight>>();
  readonly #flights = new Set<RequestFlight>();
  #listener: TrafficListener | null = null;
  /** Raised when the gateway's process dies: timers of the dead one do nothing. */
  #life = { over: false };
  admitted = 0;
  /** Of those, the ones that have not ended for their clients. */
  unended = 0;
  readonly ends: Record<RequestEnd, number> = {
    served: 0,
    answered5xx: 0,
    refused: 0,
    timedOut: 0,
    broke: 0,
    clientGone: 0,
    cut: 0,
  };
  /** The first ones. */
  readonly refusals: AppError[] = [];
  /** The most requests that any worker ran at once. */
  maxConcurrentSeen = 0;
  /** What a worker answers, by its revision. */
  statusOf: (revision: number) => number = () => 200;
  /** How it answers, in all of it: by default at once when the service is over, with `statusOf`. */
  answerOf: (worker: TrafficWorker, serviceMs: number) => SimulatedAnswer = (worker, serviceMs) => ({
    status: this.statusOf(worker.revision),
    firstByteMs: serviceMs,
    endMs: serviceMs,
    breaks: false,
  });
  /** Told of every request that a worker is given, with what it runs then and may run at once. */
  onGiven: (endpointId: EndpointId, worker: TrafficWorker, running: number, slots: number) => void = () =>
    undefined;
  /** Told when a request has ended for its client. */
  onEnded: (request: EndedRequest) => void = () => undefined;

  constructor(options: SimulatedTrafficOptions) {
    this.#clock = options.clock;
    this.#reaches = options.reaches;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  set listener(listener: TrafficListener) {
    this.#listener = listener;
  }

  /** A request for `endpointId` that keeps its slot for `serviceMs`. Nothing happens when there is no such endpoint. */
  arrive(endpointId: EndpointId, serviceMs: number, client: Client = {}): void {
    const queue = this.#queues.get(endpointId);
    if (queue === undefined || queue.removed) return;
    this.admitted += 1;
    const { refusal } = queue.endpoint;
    if (refusal !== null) {
      this.#refusedAtOnce(endpointId, refusal);
      return;
    }
    let ticket;
    try {
      ticket = queue.enter(SIMULATED);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#refusedAtOnce(endpointId, error);
      return;
    }
    const flight: RequestFlight = {
      endpointId,
      queue,
      ticket,
      serviceMs,
      workerId: null,
      status: null,
      refusals: 0,
      end: null,
      cancelService: null,
      cancelPatience: null,
    };
    this.#flights.add(flight);
    this.unended += 1;
    ticket.hold({
      onCut: (reason) => {
        if (!this.#flights.has(flight))
          impossible('simulated-traffic-3f11', 'a request was cut off after its end');
        flight.cancelService?.();
        // The slot is the worker's until its side of the connection is closed.
        const close = (): void => this.#release(flight, flight.status, CUT_OUTCOME[reason]);
        flight.cancelService = this.#later(client.closeMs ?? 0, close);
        this.#end(flight, CUT_END[reason]);
      },
      onTurn: (turn) => this.#turn(flight, turn),
    });
    if (client.patienceMs !== undefined && flight.end === null) {
      flight.cancelPatience = this.#later(client.patienceMs, () => {
        if (ticket.waitingEntry === null) ticket.cut('clientGone');
        else queue.leave(ticket);
      });
    }
  }

  /** A worker's process is gone: its connections break, and who knows of it hears it. */
  workerBroke(workerId: WorkerId): void {
    for (const flight of [...(this.#connections.get(workerId) ?? [])]) this.#break(flight);
  }

  /** The gateway's process is gone: its clients see broken connections, and nothing of it goes on. */
  cutAll(): void {
    this.#life.over = true;
    this.#life = { over: false };
    this.#listener = null;
    for (const flight of this.#flights) {
      flight.cancelService?.();
      this.#end(flight, 'broke');
    }
    this.#flights.clear();
    this.#connections.clear();
    this.#queues.clear();
  }

  /** Requests that have not ended on both sides. */
  get open(): number {
    return this.#flights.size;
  }

  /** Connections to this worker now. */
  connectionsTo(workerId: WorkerId): number {
    return this.#connections.get(workerId)?.size ?? 0;
  }

  endpointPut(endpoint: TrafficEndpoint): void {
    const known = this.#queues.get(endpoint.endpointId);
    if (known !== undefined) {
      known.put(endpoint);
      return;
    }
    const life = this.#life;
    const queue = new EndpointQueue(endpoint, {
      clock: {
        nowMs: () => this.#clock.nowMs(),
        monotonicMs: () => this.#clock.monotonicMs(),
        schedule: (delayMs, task) => this.#later(delayMs, task),
      },
      listener: this.#listener ?? impossible('simulated-traffic-3f10', 'no listener yet'),
      limits: this.limits,
      onOver: (endpointId) => {
        if (!life.over) this.#queues.delete(endpointId);
      },
    });
    this.#queues.set(endpoint.endpointId, queue);
  }

  endpointRemove(endpointId: EndpointId, reason: AppError): void {
    this.#queues.get(endpointId)?.remove(reason);
  }

  waitingRefuse(endpointId: EndpointId, reason: AppError): void {
    this.#queues.get(endpointId)?.refuseWaiting(reason);
  }

  workerPut(endpointId: EndpointId, worker: TrafficWorker): void {
    this.#queues.get(endpointId)?.workerPut(worker);
  }

  workerDrain(endpointId: EndpointId, workerId: WorkerId): void {
    const queue = this.#queues.get(endpointId);
    if (queue === undefined) this.#listener?.workerDrained(endpointId, workerId);
    else queue.workerDrain(workerId);
  }

  workerRemove(endpointId: EndpointId, workerId: WorkerId): void {
    for (const flight of this.#connections.get(workerId) ?? []) {
      this.#later(0, () => this.#break(flight));
    }
    this.#queues.get(endpointId)?.workerRemove(workerId);
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

  load(endpointId: EndpointId): EndpointLoad {
    return this.#queues.get(endpointId) ?? NO_LOAD;
  }

  #turn(flight: RequestFlight, turn: Turn): void {
    switch (turn.kind) {
      case 'slot':
        this.#send(flight, turn.worker);
        return;
      case 'refused':
        this.#keepRefusal(turn.error);
        this.#end(flight, turn.error.code === 'REQUEST_TIMEOUT_WAITING' ? 'timedOut' : 'refused');
        break;
      case 'gone':
        this.#end(flight, 'clientGone');
        break;
    }
    this.#flights.delete(flight);
  }

  #send(flight: RequestFlight, slots: WorkerSlots): void {
    const { worker } = slots;
    if (slots.removed || !this.#reaches(worker.workerId)) {
      flight.cancelService = this.#later(0, () => this.#notSent(flight));
      return;
    }
    let connections = this.#connections.get(worker.workerId);
    if (connections === undefined) this.#connections.set(worker.workerId, (connections = new Set()));
    connections.add(flight);
    flight.workerId = worker.workerId;
    if (connections.size > this.maxConcurrentSeen) this.maxConcurrentSeen = connections.size;
    this.onGiven(flight.endpointId, worker, connections.size, flight.queue.endpoint.slotsPerWorker);
    const answer = this.answerOf(worker, flight.serviceMs);
    if (answer.firstByteMs === Infinity) {
      flight.cancelService = null;
      return;
    }
    flight.cancelService = this.#later(answer.firstByteMs, () => {
      flight.status = answer.status;
      flight.queue.answered(flight.ticket, answer.status);
      const restMs = answer.endMs - answer.firstByteMs;
      if (restMs <= 0) this.#answered(flight, answer);
      else flight.cancelService = this.#later(restMs, () => this.#answered(flight, answer));
    });
  }

  #answered(flight: RequestFlight, { status, breaks }: SimulatedAnswer): void {
    this.#end(flight, breaks ? 'broke' : status >= 500 ? 'answered5xx' : 'served');
    this.#release(flight, status, breaks ? 'broke' : 'complete');
  }

  #notSent(flight: RequestFlight): void {
    if (flight.refusals < this.limits.retries) {
      flight.refusals += 1;
      flight.queue.retry(flight.ticket);
      return;
    }
    this.#end(flight, 'broke');
    this.#release(flight, null, 'broke');
  }

  #break(flight: RequestFlight): void {
    if (!this.#flights.has(flight)) return;
    flight.cancelService?.();
    const { cutReason } = flight.ticket;
    this.#end(flight, 'broke');
    this.#release(flight, flight.status, cutReason === null ? 'broke' : CUT_OUTCOME[cutReason]);
  }

  /** The worker's side is over. */
  #release(flight: RequestFlight, status: number | null, end: RequestOutcome['end']): void {
    this.#flights.delete(flight);
    if (flight.workerId !== null) {
      const connections = this.#connections.get(flight.workerId);
      connections?.delete(flight);
      if (connections?.size === 0) this.#connections.delete(flight.workerId);
    }
    flight.queue.release(flight.ticket, status, end);
  }

  #keepRefusal(error: AppError): void {
    if (this.refusals.length < REFUSALS_KEPT) this.refusals.push(error);
  }

  #refusedAtOnce(endpointId: EndpointId, error: AppError): void {
    this.ends.refused += 1;
    this.#keepRefusal(error);
    this.onEnded({
      endpointId,
      end: 'refused',
      arrivedMonotonicMs: this.#clock.monotonicMs(),
      waitedMs: 0,
      hadSlot: false,
      revision: null,
      coldStart: false,
    });
  }

  /** For its client; only the first end counts. */
  #end(flight: RequestFlight, end: RequestEnd): void {
    if (flight.end !== null) return;
    flight.end = end;
    flight.cancelPatience?.();
    this.unended -= 1;
    this.ends[end] += 1;
    const { ticket } = flight;
    const slots = ticket.worker;
    this.onEnded({
      endpointId: flight.endpointId,
      end,
      arrivedMonotonicMs: ticket.arrivedMonotonicMs,
      waitedMs:
        (slots === null ? this.#clock.monotonicMs() : ticket.startedMonotonicMs) - ticket.arrivedMonotonicMs,
      hadSlot: slots !== null,
      revision: slots?.worker.revision ?? null,
      coldStart: ticket.waited && slots !== null && slots.addedMonotonicMs >= ticket.arrivedMonotonicMs,
    });
  }

  #later(delayMs: number, task: () => void): () => void {
    const life = this.#life;
    return this.#clock.schedule(delayMs, () => {
      if (!life.over) task();
    });
  }
}
