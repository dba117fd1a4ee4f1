import type { EndpointId, WorkerId } from '../../../src/base/ids.ts';
import { rolloutIsOver } from '../../../src/model/rollout-state.ts';
import type { Worker } from '../../../src/model/worker.ts';
import { workerIsLive, workerIsOver } from '../../../src/model/worker-state.ts';
import type { EndpointView } from '../../../src/ports/endpoint-service.ts';
import { CALLER, type SimulatedWorld } from '../../../src/simulate/world.ts';
import { hold } from './violation.ts';

/** How long what takes a moment may take: probes, a rest, a retry of a stop, the way back of a device. */
const GRACE_MS = 60_000;
/** The longest pause of a crash loop, and a little more. */
const BACKOFF_MS = 310_000;
/** An idle worker keeps its devices as long as its start took, here at most 2 s; it leaves within 2 s more. */
const IDLE_PATIENCE_MS = 8_000;
/** After so long without a request nothing says that more workers are needed. */
const QUIET_MS = 600_000;

const EVERYTHING = { limit: 1_000, cursor: '', keyword: '', ownerIds: [] } as const;

/** What is remembered of an endpoint from one event to the next. */
interface Memory {
  readonly workers: ReadonlyMap<WorkerId, Worker>;
  readonly rolloutState: string | null;
  readonly min: number;
  /** Live ones past the line for devices. */
  readonly placed: number;
  /** Live ones that are not of the target. */
  readonly beside: number;
  /** Devices that nobody held or stood in line for, at the least. */
  readonly free: number;
}

/**
 * Everything that must hold after every event of a world, whoever did what. It looks from outside: at
 * what the control API shows, what the store holds, which processes the machine runs, and what clients
 * see. docs/simulation.md lists the invariants by the names used here.
 */
export class Invariants {
  readonly #world: SimulatedWorld;
  readonly #before = new Map<EndpointId, Memory>();
  /** What is tolerated for a while → since when it is so. */
  readonly #since = new Map<string, number>();
  readonly #failed = new Set<WorkerId>();
  readonly #brokeAtMs = new Map<EndpointId, number>();
  readonly #arrivedAtMs = new Map<EndpointId, number>();
  #incarnation = 0;
  #views: readonly EndpointView[] = [];
  events = 0;

  constructor(world: SimulatedWorld) {
    this.#world = world;
    world.traffic.onGiven = (endpointId, { workerId, revision }, running, slots) => {
      hold(running <= slots, 'slots', () => `worker ${workerId} runs ${running} of ${slots}`);
      if (!world.up) return;
      const { endpoint, workers } = this.#view(endpointId);
      const { rollout } = endpoint;
      const failed = rollout?.state === 'failed' && rollout.toRevision === revision;
      hold(!failed, 'failedRevisionServesNot', () => `revision ${revision} was given a request`);
      const worker = workers.find(({ id }) => id === workerId);
      hold(worker?.state === 'ready', 'onlyReadyServe', () => `${worker?.state} was given a request`);
    };
  }

  /** A request for this endpoint came in. */
  arrived(endpointId: EndpointId): void {
    this.#arrivedAtMs.set(endpointId, this.#nowMs);
  }

  check(): void {
    const world = this.#world;
    this.events += 1;
    hold(world.errors.length === 0, 'noError', () => JSON.stringify(world.errors, replacer));
    hold(world.staleActs.length === 0, 'staleOwnerChangesNothing', () => world.staleActs.join());
    hold(world.machine.clashes.length === 0, 'deviceOnce', () => world.machine.clashes.join());
    this.#requests();
    if (!world.up) return;
    if (this.#incarnation !== world.incarnation) {
      this.#incarnation = world.incarnation;
      this.#before.clear();
      this.#since.clear();
    }
    this.#views = world.control.service.list({ ...EVERYTHING, ownerIds: [] }, CALLER).views;
    this.#devices();
    this.#memoryIsStored();
    this.#processes();
    for (const view of this.#views) {
      this.#endpoint(view);
      this.#remember(view);
    }
  }

  get #nowMs(): number {
    return this.#world.clock.monotonicMs();
  }

  /** The plans give it in workers. */
  get #maxSurge(): number {
    return this.#world.options.rollout.maxSurge.value;
  }

  #view(endpointId: EndpointId): EndpointView {
    return this.#world.control.service.get(endpointId, CALLER);
  }

  #requests(): void {
    const { traffic } = this.#world;
    const ended = Object.values(traffic.ends).reduce((sum, count) => sum + count, 0);
    hold(
      ended + traffic.unended === traffic.admitted && traffic.unended >= 0,
      'endsOnce',
      () => `${traffic.admitted} admitted, ${ended} ended, ${traffic.unended} open`,
    );
  }

  #devices(): void {
    const held = new Map<string, WorkerId>();
    for (const { workers } of this.#views) {
      for (const { id, devices } of workers) {
        for (const device of devices) {
          const holder = held.get(device);
          hold(holder === undefined, 'deviceOnce', () => `${device} is held by ${holder} and ${id}`);
          held.set(device, id);
        }
      }
    }
  }

  /** What the loops wrote is what they go by. */
  #memoryIsStored(): void {
    const { store, storeSide } = this.#world;
    if (storeSide.underWay > 0) return;
    const live = new Map<WorkerId, Worker>();
    for (const { endpoint, workers } of this.#views) {
      const stored = store.endpoints.get(endpoint.id);
      hold(
        stored?.generation === endpoint.generation,
        'memoryIsStored',
        () => `endpoint at ${endpoint.generation}, stored at ${stored?.generation}`,
      );
      for (const worker of workers) live.set(worker.id, worker);
    }
    for (const worker of live.values()) {
      const stored = store.workers.get(worker.id);
      hold(
        stored?.state === worker.state,
        'memoryIsStored',
        () => `worker ${worker.id} is ${worker.state}, stored as ${stored?.state}`,
      );
    }
    for (const stored of store.workers.values()) {
      hold(
        workerIsOver(stored.state) || live.has(stored.id),
        'memoryIsStored',
        () => `worker ${stored.id} is stored as ${stored.state} and not known`,
      );
    }
  }

  /** Processes and records agree, but for a moment. */
  #processes(): void {
    const { machine, store } = this.#world;
    for (const [workerId, { running }] of machine.processes) {
      const stored = store.workers.get(workerId);
      const known = stored !== undefined && !workerIsOver(stored.state);
      this.#onlyFor(GRACE_MS, running && !known, `noStranger ${workerId}`, () => 'it runs and is not stored');
    }
    for (const { workers } of this.#views) {
      for (const { id, state } of workers) {
        const serves = state === 'ready' || state === 'draining' || state === 'stopping';
        const gone = machine.processes.get(id)?.running !== true;
        this.#onlyFor(GRACE_MS, serves && gone, `noGhost ${id}`, () => `it is ${state} and does not run`);
      }
    }
  }

  #endpoint(view: EndpointView): void {
    const { endpoint, workers } = view;
    const { minReplicas, maxReplicas } = endpoint.settings;
    const load = this.#world.traffic.load(endpoint.id);
    const facts = (): string =>
      `${workers.map((worker) => `${worker.state}:${worker.revision}`).join(' ') || 'no worker'}, ` +
      `${load.waiting} waiting, ${load.running} running, rollout ${endpoint.rollout?.state ?? 'none'}, ` +
      `min ${minReplicas}, max ${maxReplicas}`;
    for (const worker of this.#newOnes(view)) this.#created(view, worker, facts);
    if (this.#someoneBroke(view)) this.#brokeAtMs.set(endpoint.id, this.#nowMs);

    const limit = this.#world.traffic.limits.waitingPerEndpoint;
    // Those that had their turn and could not use it come back, also into a full queue.
    hold(load.waiting <= limit + 4 * (workers.length + 1), 'queueBound', facts);
    const counted = workers.filter(
      ({ state }) => state !== 'pending' && state !== 'draining' && state !== 'stopping',
    ).length;
    hold(endpoint.deleting || counted <= maxReplicas + this.#maxSurge, 'workersBound', facts);
    this.#failedRollout(view, facts);
    if (endpoint.deleting) return;

    // A swap asks for the new worker as it lets the old one go, and both wait for devices as pending.
    const swapping = endpoint.rollout !== null && !rolloutIsOver(endpoint.rollout.state);
    const { rollout } = endpoint;
    const proving = rollout?.state === 'starting' || rollout?.state === 'baking';
    // One that is being proven beside the old ones comes on top of them; where it stands alone, the
    // others are started once it is proven.
    const live = workers.filter(({ state }) => workerIsLive(state) || state === 'unhealthy');
    const alone = swapping && live.every(({ revision }) => revision === endpoint.targetRevision);
    const onTop = proving && rollout.mode === 'surge' && !alone;
    const present = live.filter(({ revision }) => !(onTop && revision === endpoint.targetRevision)).length;
    const beside = live.filter(({ revision }) => revision !== endpoint.targetRevision).length;
    const before = this.#before.get(endpoint.id);
    const leaves =
      proving && rollout.mode === 'surge' && before?.min === minReplicas && before.beside >= minReplicas;
    const least = alone ? Math.min(1, minReplicas) : minReplicas;
    const backingOff = this.#nowMs - (this.#brokeAtMs.get(endpoint.id) ?? -Infinity) < BACKOFF_MS;
    const below = present < least || (leaves && beside < minReplicas);
    this.#onlyFor(0, !backingOff && below, `keepsMin ${endpoint.id}`, facts);
    const stuck = load.waiting > 0 && maxReplicas > 0 && workers.length === 0 && !backingOff;
    this.#onlyFor(1_000, stuck, `wakes ${endpoint.id}`, facts);
    const { maxConcurrentPerWorker } = endpoint.settings;
    const open = workers.some(
      ({ id, state, revision }) =>
        state === 'ready' &&
        (!swapping || revision !== endpoint.targetRevision) &&
        (load.workers.get(id)?.running ?? 0) < maxConcurrentPerWorker &&
        this.#world.machine.reaches(id),
    );
    this.#onlyFor(5_000, load.waiting > 0 && open, `slotForWaiting ${endpoint.id}`, facts);
    this.#givesWayAboveMin(view, facts);
    this.#deviceForPending(view, facts);
    this.#surgeBeforeSwap(view, facts);
  }

  /** What another endpoint is given is never one of those that min_replicas keeps. */
  #givesWayAboveMin({ endpoint, workers }: EndpointView, facts: () => string): void {
    const before = this.#before.get(endpoint.id);
    const { minReplicas } = endpoint.settings;
    if (before?.min !== minReplicas) return;
    const given = workers.filter(
      ({ id, state, reason }) =>
        before.workers.get(id)?.state === 'ready' &&
        state !== 'ready' &&
        reason.includes('waits for its device'),
    ).length;
    hold(given === 0 || before.placed - given >= minReplicas, 'givesWayAboveMin', facts);
  }

  /** With no request for a long time, and enough workers, none is started. */
  #created(view: EndpointView, created: Worker, facts: () => string): void {
    const { endpoint, workers } = view;
    const load = this.#world.traffic.load(endpoint.id);
    const { rollout } = endpoint;
    hold(
      !(rollout?.state === 'failed' && rollout.toRevision === created.revision),
      'failedRevisionServesNot',
      () => `a worker of it was started; ${facts()}`,
    );
    if (rollout !== null && !rolloutIsOver(rollout.state)) return;
    const quietMs = this.#nowMs - (this.#arrivedAtMs.get(endpoint.id) ?? -Infinity);
    const replaces = workers.some(({ revision }) => revision !== endpoint.stableRevision);
    const enough =
      workers.filter(({ id, state }) => id !== created.id && workerIsLive(state)).length >=
      endpoint.settings.minReplicas;
    const idle = load.waiting === 0 && load.running === 0 && quietMs > QUIET_MS;
    hold(!(idle && enough && !replaces), 'noDataNoMove', () => `started without need; ${facts()}`);
  }

  #failedRollout({ endpoint, revision }: EndpointView, facts: () => string): void {
    const { rollout } = endpoint;
    if (rollout?.state !== 'failed') return;
    hold(
      endpoint.targetRevision === null &&
        endpoint.stableRevision !== rollout.toRevision &&
        revision.number === endpoint.stableRevision,
      'failedRestoresStable',
      () => `stable ${endpoint.stableRevision}, target ${endpoint.targetRevision}; ${facts()}`,
    );
  }

  /** A device that lies free is given to whoever wants one. */
  #deviceForPending(view: EndpointView, facts: () => string): void {
    const { endpoint, workers } = view;
    if (!workers.some(({ state }) => state === 'pending')) {
      // What lasted for one that stood in line before does not go on with the next.
      this.#since.delete(`deviceForPending ${endpoint.id}`);
      this.#since.delete(`idleGivesWay ${endpoint.id}`);
      return;
    }
    const line = this.#line();
    const free = this.#freeDevices();
    // Whoever stands first could have them; one that is held back by its own limit may keep a claim.
    const inVain = line.every(({ held }) => !held) && line.every(({ devices }) => devices <= free);
    this.#onlyFor(1_000, inVain, `deviceForPending ${endpoint.id}`, () => `${free} free; ${facts()}`);
    const load = this.#world.traffic.load(endpoint.id);
    const [only] = line;
    const alone = line.length === 1 && only?.endpointId === endpoint.id && !only.held;
    const idleElsewhere = alone && load.waiting > 0 && this.#idleElsewhere(endpoint.id, only.devices);
    this.#onlyFor(IDLE_PATIENCE_MS, idleElsewhere, `idleGivesWay ${endpoint.id}`, facts);
  }

  /** Everybody who waits for devices. */
  #line(): readonly { endpointId: EndpointId; devices: number; held: boolean }[] {
    return this.#views.flatMap(({ endpoint, workers }) => {
      const pending = workers.filter(({ state }) => state === 'pending');
      const limit = endpoint.settings.maxReplicas + this.#maxSurge;
      const held = workers.length - pending.length + pending.length > limit;
      return pending.map(({ revision }) => ({
        endpointId: endpoint.id,
        devices: this.#devicesOf(endpoint.id, revision),
        held,
      }));
    });
  }

  #devicesOf(endpointId: EndpointId, revision: number): number {
    const spec = this.#world.store.revisions.get(`${endpointId}/${revision}`)?.spec;
    return spec === undefined || spec.productId === 'cpu' ? 0 : spec.gpuNum;
  }

  /** Another endpoint could spare a worker that has been idle for some time. */
  #idleElsewhere(endpointId: EndpointId, devices: number): boolean {
    return this.#views.some(({ endpoint, workers }) => {
      const { rollout, settings } = endpoint;
      if (endpoint.id === endpointId || endpoint.deleting) return false;
      if (rollout !== null && !rolloutIsOver(rollout.state)) return false;
      const load = this.#world.traffic.load(endpoint.id);
      const live = workers.filter(({ state }) => workerIsLive(state) && state !== 'pending').length;
      const idle = workers.some(
        (worker) =>
          worker.state === 'ready' &&
          worker.devices.length >= devices &&
          this.#world.machine.reaches(worker.id) &&
          (load.workers.get(worker.id)?.running ?? 1) === 0,
      );
      return idle && live > settings.minReplicas;
    });
  }

  /** Where there is room beside it, no worker leaves for an update; so the last ready one does not. */
  #surgeBeforeSwap(view: EndpointView, facts: () => string): void {
    const { endpoint } = view;
    const before = this.#before.get(endpoint.id);
    const { rollout } = endpoint;
    if (before === undefined || rollout === null || rollout.mode !== 'swap') return;
    const begins = rollout.state === 'starting' && before.rolloutState === 'waiting';
    if (!begins) return;
    const wanted = view.revision.spec.productId === 'cpu' ? 0 : view.revision.spec.gpuNum;
    const room =
      before.free >= wanted &&
      this.#maxSurge > 0 &&
      before.workers.size < endpoint.settings.maxReplicas + this.#maxSurge;
    hold(!room, 'surgeBeforeSwap', facts);
  }

  #newOnes({ endpoint, workers }: EndpointView): readonly Worker[] {
    const before = this.#before.get(endpoint.id);
    return before === undefined ? [] : workers.filter(({ id }) => !before.workers.has(id));
  }

  /** A worker ended badly since the last look; what a restart finds ended is no failure of a start. */
  #someoneBroke({ endpoint }: EndpointView): boolean {
    let broke = false;
    for (const { id, state, reason } of this.#world.control.service.workerList(endpoint.id, CALLER)) {
      const fails =
        state === 'failed' || (state.startsWith('stop') && /^(?:its health|not ready)/.test(reason));
      if (!fails || this.#failed.has(id)) continue;
      this.#failed.add(id);
      if (reason !== 'it ended while the server was not running') broke = true;
    }
    return broke;
  }

  #remember(view: EndpointView): void {
    const { endpoint, workers } = view;
    this.#before.set(endpoint.id, {
      workers: new Map(workers.map((worker) => [worker.id, worker])),
      rolloutState: endpoint.rollout?.state ?? null,
      min: endpoint.settings.minReplicas,
      placed: workers.filter(({ state }) => workerIsLive(state) && state !== 'pending').length,
      beside: workers.filter(
        ({ state, revision }) =>
          (workerIsLive(state) || state === 'unhealthy') && revision !== endpoint.targetRevision,
      ).length,
      free: this.#freeDevices() - 2 * this.#inLine(),
    });
  }

  #inLine(): number {
    return this.#views.flatMap(({ workers }) => workers.filter(({ state }) => state === 'pending')).length;
  }

  #freeDevices(): number {
    let held = 0;
    for (const { workers } of this.#views) for (const { devices } of workers) held += devices.length;
    return this.#world.machine.devices - held;
  }

  /** Fails when something has been so, without a break, for longer than it may. */
  #onlyFor(limitMs: number, isSo: boolean, what: string, facts: () => string): void {
    if (!isSo) {
      this.#since.delete(what);
      return;
    }
    const sinceMs = this.#since.get(what) ?? this.#nowMs;
    this.#since.set(what, sinceMs);
    const lastedMs = this.#nowMs - sinceMs;
    hold(
      lastedMs < limitMs || (limitMs > 0 && lastedMs === 0),
      what.split(' ')[0] ?? what,
      () => `for ${lastedMs} ms; ${facts()}`,
    );
  }
}

function replacer(_: string, value: unknown): unknown {
  return value instanceof Error ? { message: value.message, stack: value.stack } : value;
}
