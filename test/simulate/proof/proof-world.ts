import { AppError } from '../../../src/base/errors.ts';
import type { EndpointId, WorkerId } from '../../../src/base/ids.ts';
import { IDLE_KEEP_MAX_MS } from '../../../src/decide/autoscale/idle-keep.ts';
import { rolloutIsOver } from '../../../src/model/rollout-state.ts';
import type { EndpointView } from '../../../src/ports/endpoint-service.ts';
import type { Log } from '../../../src/ports/log.ts';
import { CALLER, SimulatedWorld, type WorldSettings } from '../../../src/simulate/world.ts';
import type { Client } from '../../../src/simulate/simulated-traffic.ts';
import { behaviourOfCommand } from '../../../src/simulate/worker-behaviour.ts';
import { Invariants } from './invariants.ts';
import { hold } from './violation.ts';
import type { RoomyPlan, SharedPlan, WorldPlan, WorldStep } from './world-plan.ts';

/** Bounds what is written of a world, and a world that never comes to rest. */
const EVENTS_MAX = 30_000;
const WAITING_MAX = 40;
/** Enough for every pause, deadline and idle time-out to pass, one after the other. */
const REST_MS = 3_000_000;

/** What the faults that a plan puts into the store and the driver are answered with. */
const EXPECTED_ERRORS = [
  'a record could not be written',
  'what is stored cannot be read after a failed write',
  'worker not stopped, trying again',
  'a deleted endpoint could not be removed from the store',
];

const SHARED = { max_replicas: 2, max_concurrent_per_worker: 3, request_timeout: 120, idle_timeout: 10 };
const BODIES: readonly Record<string, unknown>[] = [
  { product_id: 'gpu' },
  { product_id: 'gpu', policy: { type: 'concurrency', value: 2 }, command: 'pull=400 start=300' },
  { product_id: 'cpu' },
];

/** A world that is checked after every event, and that writes down what happened. */
export class ProofWorld extends SimulatedWorld {
  readonly #ids: (EndpointId | null)[] = [];
  readonly #sick = new Set<EndpointId>();
  readonly #deletionAsked = new Set<EndpointId>();
  readonly #trace: string[];
  readonly invariants: Invariants;

  private constructor(plan: WorldPlan, settings: WorldSettings, trace: string[]) {
    super(settings);
    this.#trace = trace;
    this.invariants = new Invariants(this);
    const startsMax = plan.kind === 'shared' ? 60 + 20 * plan.steps.length : 1_000;
    this.onEvent = () => {
      this.invariants.check();
      hold(this.machine.starts <= startsMax, 'startsBounded', () => `more than ${startsMax} starts`);
      hold(this.invariants.events < EVENTS_MAX, 'comesToRest', () => `${EVENTS_MAX} events`);
    };
    this.machine.behaviourOf = ({ endpointId, spec }) =>
      behaviourOfCommand(this.#sick.has(endpointId) ? 'exit' : spec.command);
    // The head of an answer comes before its end, so that both are seen apart.
    this.traffic.answerOf = (_, serviceMs) => ({
      status: 200,
      firstByteMs: serviceMs / 2,
      endMs: serviceMs,
      breaks: false,
    });
    this.traffic.onEnded = ({ endpointId, end, waitedMs }) =>
      this.#write('request', { endpointId, end, waitedMs });
  }

  static async of(plan: WorldPlan): Promise<ProofWorld> {
    const trace: string[] = [];
    const world = new ProofWorld(
      plan,
      { ...settingsOf(plan), log: logTo((...line) => world.#write(...line)) },
      trace,
    );
    await world.start();
    return world;
  }

  /** What happened, one line each: the same for the same plan. */
  get trace(): string {
    return this.#trace.join('\n');
  }

  /** Endpoints 0 and 1 want devices, 2 does not. */
  async createAll(): Promise<void> {
    for (const body of BODIES) await this.#create({ worker_config: SHARED, ...body });
  }

  async apply(step: WorldStep): Promise<void> {
    this.#write('step', { ...step });
    switch (step.kind) {
      case 'arrive':
        for (let count = 0; count < step.count; count += 1) this.#arrive(step.endpoint, step.serviceMs);
        return await this.settle();
      case 'impatient':
        for (let count = 0; count < step.count; count += 1)
          this.#arrive(step.endpoint, 2 * step.patienceMs, step);
        return await this.settle();
      case 'stream':
        for (let count = 0; count < step.count; count += 1) {
          this.#arrive(step.endpoint, 2 * step.everyMs);
          await this.advance(step.everyMs);
        }
        return;
      case 'advance':
        return await this.advance(step.ms);
      case 'update':
        return await this.#change(step.endpoint, { command: step.command });
      case 'limits':
        return await this.#change(step.endpoint, {
          worker_config: {
            min_replicas: Math.min(step.min, step.max),
            max_replicas: step.max,
            max_concurrent_per_worker: step.slots,
          },
        });
      case 'timeouts':
        return await this.#change(step.endpoint, {
          worker_config: {
            max_replicas: this.#maxReplicas(step.endpoint),
            idle_timeout: step.idle,
            request_timeout: step.request,
          },
        });
      case 'policy':
        return await this.#change(step.endpoint, { policy: { type: step.type, value: step.value } });
      case 'gpus':
        return await this.#change(step.endpoint, {
          worker_config: { max_replicas: this.#maxReplicas(step.endpoint), gpu_num: step.gpus },
        });
      case 'delete':
        return await this.#delete(step.endpoint);
      case 'crash':
        return await this.#toWorker(step.pick, (workerId) => this.machine.end(workerId, 137));
      case 'vanish':
        return await this.#toWorker(step.pick, (workerId) => this.machine.vanish(workerId));
      case 'sick': {
        const id = this.#ids[step.endpoint] ?? null;
        if (id === null) return;
        if (step.sick) this.#sick.add(id);
        else this.#sick.delete(id);
        return;
      }
      case 'health':
        return await this.#toWorker(step.pick, (workerId) => this.machine.health(workerId, step.healthy));
      case 'driverFault':
        (step.call === 'start' ? this.machine.startFaults : this.machine.stopFaults).push(step.fault);
        return;
      case 'storeFault':
        this.storeSide.writeFaults.push(step.fault);
        return;
      case 'wall':
        this.clock.stepWall(step.ms);
        return await this.settle();
      case 'restart':
        return await this.restart();
      case 'handOver':
        return await this.handOver();
      case 'dieAfter':
        return this.dieAfterCalls(step.calls);
    }
  }

  /** Gives every endpoint a sound revision, lets all traffic end, and checks what must then be true. */
  async conclude({ steps }: SharedPlan): Promise<void> {
    this.#write('conclude', {});
    // From here on nothing goes wrong any more.
    this.machine.startFaults.length = 0;
    this.machine.stopFaults.length = 0;
    this.storeSide.writeFaults.length = 0;
    this.dieAfterCalls(Infinity);
    this.#sick.clear();
    await this.advance(100);
    for (const index of this.#ids.keys()) {
      await this.#change(index, {
        command: 'start=100 stop=20',
        worker_config: { min_replicas: 0, max_replicas: 2, request_timeout: 120, idle_timeout: 10 },
      });
      this.#arrive(index, 100);
      await this.settle();
    }
    await this.advance(REST_MS);
    const { traffic } = this;
    this.#rest();
    // Where `idle_timeout` says nothing, the rule alone lets the last worker go.
    for (const index of this.#ids.keys()) {
      await this.#change(index, { worker_config: { max_replicas: 2, idle_timeout: 1_000 } });
    }
    // An update that found nobody to replace is proven by the next request.
    const before = traffic.ends.served;
    const alive = this.#ids.filter((id) => id !== null).length;
    for (const index of this.#ids.keys()) this.#arrive(index, 100);
    await this.advance(60_000);
    hold(
      traffic.ends.served === before + alive,
      'servesAgain',
      () => `${traffic.ends.served - before} of ${alive}`,
    );
    await this.advance(REST_MS + IDLE_KEEP_MAX_MS);
    this.#rest();
    for (const { endpoint } of this.#views()) {
      const { rollout } = endpoint;
      const ended = rollout === null || rolloutIsOver(rollout.state);
      hold(ended, 'rolloutEnds', () => `it is ${rollout?.state}: ${rollout?.message}`);
    }
    const harmful = steps.some(isHarmful);
    hold(harmful || traffic.ends.broke === 0, 'noneCut', () => `${traffic.ends.broke} requests were cut`);
  }

  /** The whole of a roomy world. */
  async runRoomy({ min, gpu, commands, rounds }: RoomyPlan): Promise<void> {
    await this.#create({
      product_id: gpu ? 'gpu' : 'cpu',
      policy: { type: 'concurrency', value: 3 },
      worker_config: { min_replicas: min, max_replicas: 2 * min, max_concurrent_per_worker: 3 },
    });
    await this.advance(1_000);
    const checkEvent = this.onEvent;
    this.onEvent = () => {
      checkEvent();
      for (const { workers } of this.#views()) {
        const ready = workers.filter(({ state }) => state === 'ready').length;
        const states = (): string => workers.map(({ state, revision }) => `${state}:${revision}`).join(' ');
        hold(ready >= min, 'minReadyWithRoom', () => `min_replicas is ${min}: ${states()}`);
      }
    };
    const loadFor = async (halfSeconds: number): Promise<void> => {
      for (let round = 0; round < halfSeconds; round += 1) {
        for (let count = 0; count < 2 * min; count += 1) this.#arrive(0, 900);
        await this.advance(500);
      }
    };
    for (const command of commands) {
      this.#write('update', { command });
      await this.#change(0, { command });
      await loadFor(rounds);
    }
    // Two starts that run into their deadline, or the bake, a replacement for each worker and the watch.
    await loadFor(120);
    for (const { endpoint } of this.#views()) {
      const { rollout } = endpoint;
      const ended = rollout === null || rolloutIsOver(rollout.state);
      hold(ended, 'rolloutEnds', () => `it is ${rollout?.state} after 60 s`);
    }
    await this.advance(60_000);
    const { ends, admitted } = this.traffic;
    hold(ends.served === admitted, 'noneLostWithRoom', () => JSON.stringify(ends));
  }

  async #create(body: Readonly<Record<string, unknown>>): Promise<void> {
    const whole = { type: 'sync', name: 'test', image: 'host', command: 'start=300', ...body };
    const { id } = await this.answerOf(this.control.service.create(whole, CALLER));
    this.#ids.push(id);
  }

  /** Without traffic, and where min_replicas is 0, nothing is left. */
  #rest(): void {
    const { traffic, machine, clock } = this;
    hold(traffic.open === 0, 'returnsToZero', () => `${traffic.open} requests have not ended`);
    hold(machine.running === 0, 'reachesZero', () => `${machine.running} workers run without traffic`);
    for (const { endpoint, workers } of this.#views()) {
      hold(workers.length === 0, 'reachesZero', () => workers.map(({ state }) => state).join(' '));
      hold(!endpoint.deleting, 'deletedIsGone', () => endpoint.id);
    }
    hold(clock.timerCount === 0, 'noTimerLeft', () => `${clock.timerCount} timers at rest`);
  }

  #views(): readonly EndpointView[] {
    return this.control.service.list({ limit: 0, cursor: '', keyword: '', ownerIds: [] }, CALLER).views;
  }

  #arrive(index: number, serviceMs: number, client?: Client): void {
    const id = this.#ids[index] ?? null;
    if (id === null) return;
    this.invariants.arrived(id);
    this.traffic.arrive(id, serviceMs, client);
  }

  /** A change by PUT, as far as a server is there to answer it. */
  async #change(index: number, body: unknown): Promise<void> {
    const id = this.#ids[index] ?? null;
    if (id === null) return;
    await this.#asked(index, () => this.control.service.update(id, body, CALLER));
  }

  async #delete(index: number): Promise<void> {
    const id = this.#ids[index] ?? null;
    if (id === null) return;
    this.#deletionAsked.add(id);
    if (await this.#asked(index, () => this.control.service.delete(id, CALLER))) this.#ids[index] = null;
  }

  /** False when it was refused for a fault that the plan put there, or was never answered. */
  async #asked(index: number, call: () => Promise<unknown>): Promise<boolean> {
    try {
      await this.answerOf(call());
      return true;
    } catch (error) {
      const id = this.#ids[index] ?? null;
      if (id !== null && this.#deletionAsked.has(id) && codeOf(error) === 'SERVERLESS_ENDPOINT_NOT_FOUND') {
        // The deletion that was never answered was carried out.
        this.#ids[index] = null;
        return true;
      }
      const code = codeOf(error);
      if (!['STORE_FAILED', 'STORE_CONFLICT', 'SHUTTING_DOWN'].includes(code)) throw error;
      this.#write('refused', { code });
      return false;
    }
  }

  async #toWorker(pick: number, act: (workerId: WorkerId) => void): Promise<void> {
    const running = [...this.machine.processes].filter(([, { running }]) => running);
    const picked = running[pick % Math.max(1, running.length)]?.[0];
    if (picked !== undefined) act(picked);
    await this.settle();
  }

  #maxReplicas(index: number): number {
    // A deletion that was never answered may have been carried out.
    const view = this.#views().find(({ endpoint }) => endpoint.id === this.#ids[index]);
    return view?.endpoint.settings.maxReplicas ?? 1;
  }

  #write(what: string, facts: Readonly<Record<string, unknown>> = {}): void {
    this.#trace.push(`${this.clock.monotonicMs()} ${what} ${JSON.stringify(facts)}`);
  }
}

function settingsOf(plan: WorldPlan): WorldSettings {
  const common = { seed: plan.seed, expectedErrors: EXPECTED_ERRORS };
  switch (plan.kind) {
    case 'shared':
      return {
        ...common,
        devices: plan.devices,
        options: { startDeadlineMs: 60_000 },
        rollout: {
          maxSurge: { value: plan.maxSurge, unit: 'workers' },
          watchMs: 20_000,
          drainDeadlineMs: 5_000,
        },
        limits: { waitingPerEndpoint: WAITING_MAX },
        writeMs: plan.writeMs,
        callMs: plan.callMs,
        respawns: true,
      };
    case 'roomy':
      return {
        ...common,
        devices: plan.gpu ? 2 * plan.min + 1 : 0,
        options: { startDeadlineMs: 20_000 },
        rollout: { watchMs: 10_000 },
      };
  }
}

function codeOf(error: unknown): string {
  return error instanceof AppError ? error.code : '';
}

/** It can cut a request off. */
function isHarmful(step: WorldStep): boolean {
  switch (step.kind) {
    case 'crash':
    case 'vanish':
    case 'health':
    case 'restart':
    case 'handOver':
    case 'dieAfter':
    case 'storeFault':
    case 'driverFault':
    case 'sick':
      return true;
    case 'update':
      return step.command.includes('dies');
    default:
      return false;
  }
}

function logTo(write: (message: string, facts?: Readonly<Record<string, unknown>>) => void): Log {
  return {
    debug: write,
    info: write,
    warn: (message, facts) => write(message, { ...facts, error: undefined }),
    error: (message, facts) => write(message, { ...facts, error: undefined }),
  };
}
