import assert from 'node:assert/strict';
import type { EndpointId, OwnerId } from '../../src/base/ids.ts';
import { forwardClock } from '../../src/base/clock.ts';
import { ManualClock } from '../../src/base/manual-clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { Control } from '../../src/control/control.ts';
import type { ControlOptions } from '../../src/control/control-options.ts';
import type { Caller, EndpointView } from '../../src/ports/endpoint-service.ts';
import type { Log } from '../../src/ports/log.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import { MemoryStore } from './memory-store.ts';
import { ModelTraffic } from './model-traffic.ts';
import { ScriptedDriver } from './scripted-driver.ts';

export const CALLER: Caller = { ownerId: 'owner' as OwnerId, admin: true };

const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const NO_METRICS: Metrics = {
  requestEnded: () => undefined,
  forwardOverhead: () => undefined,
  coldStart: () => undefined,
  scaleDecision: () => undefined,
  workerStarted: () => undefined,
  workerFailed: () => undefined,
  endpointForgotten: () => undefined,
  onScrape: () => undefined,
};

export interface ControlWorldOptions {
  readonly devices?: number;
  readonly seed?: number;
  readonly options?: Partial<ControlOptions>;
  readonly log?: Log;
}

/** The real control loops over a store, a driver and a gateway of the test's own, on a clock it moves. */
export class ControlWorld {
  readonly clock = new ManualClock();
  /** Time as the server sees it. */
  readonly #time = forwardClock(this.clock);
  readonly store = new MemoryStore();
  readonly traffic: ModelTraffic;
  readonly driver: ScriptedDriver;
  readonly #settings: ControlWorldOptions;
  #incarnation = 0;
  readonly options: ControlOptions;
  readonly errors: unknown[] = [];
  control: Control;

  private constructor(settings: ControlWorldOptions) {
    this.#settings = settings;
    this.traffic = new ModelTraffic(this.#time);
    this.driver = new ScriptedDriver(this.#time, settings.devices ?? 0);
    this.options = {
      maxSurge: 1,
      bakeMs: 10_000,
      bakeRequests: 20,
      startDeadlineMs: 600_000,
      stopGraceMs: 30_000,
      urlOf: (endpoint) => `http://127.0.0.1/e/${endpoint.id}`,
      ...settings.options,
    };
    this.control = undefined as unknown as Control;
    this.traffic.onGiven = (endpointId, revision) => {
      const { rollout } = this.view(endpointId).endpoint;
      if (rollout?.state === 'failed' && rollout.toRevision === revision)
        this.errors.push(`revision ${revision} is marked as failed and was given a request`);
    };
  }

  static async open(settings: ControlWorldOptions = {}): Promise<ControlWorld> {
    const world = new ControlWorld(settings);
    await world.start();
    return world;
  }

  async start(): Promise<void> {
    const log: Log = {
      ...(this.#settings.log ?? SILENT),
      error: (message, facts) => {
        this.errors.push({ message, ...facts });
        this.#settings.log?.error(message, facts);
      },
    };
    const born = this.#incarnation;
    const alive = (): boolean => this.#incarnation === born;
    this.control = await Control.open({
      clock: mortal(this.#time, alive),
      random: seededRandom((this.#settings.seed ?? 1) + born),
      log,
      metrics: NO_METRICS,
      store: mortal(this.store, alive),
      driver: mortal(this.driver, alive),
      readiness: mortal(this.driver, alive),
      traffic: this.traffic,
      onListener: (listener) => {
        this.traffic.listener = listener;
      },
      options: this.options,
      onFatal: (error) => this.errors.push(error),
    });
    await this.flush();
  }

  /** The server dies without a word and another one starts on the same store and driver; its connections are cut. */
  async restart(): Promise<void> {
    this.#incarnation += 1;
    this.traffic.cutAll();
    await this.start();
  }

  async close(): Promise<void> {
    await this.control.close();
  }

  /** Lets everything that was promised settle, without time passing. */
  async flush(): Promise<void> {
    for (let turn = 0; turn < 8; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    this.check();
  }

  /** Moves time on, stopping at every timer so that promises settle at the time they belong to. */
  async advance(durationMs: number): Promise<void> {
    await this.flush();
    const endMs = this.clock.monotonicMs() + durationMs;
    for (;;) {
      const nextMs = this.clock.nextDueMs();
      if (nextMs === null || nextMs > endMs) break;
      this.clock.advanceTo(nextMs);
      await this.flush();
    }
    this.clock.advanceTo(endMs);
    await this.flush();
  }

  async create(body: Record<string, unknown> = {}): Promise<EndpointId> {
    const { worker_config: workerConfig, ...rest } = body;
    const { id } = await this.control.service.create(
      {
        type: 'sync',
        name: 'test',
        product_id: 'cpu',
        image: 'host',
        command: 'start=300',
        worker_config: {
          max_replicas: 1,
          max_concurrent_per_worker: 4,
          request_timeout: 60,
          ...(workerConfig as object),
        },
        ...rest,
      },
      CALLER,
    );
    await this.flush();
    return id;
  }

  async update(endpointId: EndpointId, body: unknown): Promise<void> {
    await this.control.service.update(endpointId, body, CALLER);
    await this.flush();
  }

  view(endpointId: EndpointId): EndpointView {
    return this.control.service.get(endpointId, CALLER);
  }

  /** "ready:1 starting:2": live workers by state and revision. */
  workers(endpointId: EndpointId): string {
    return this.view(endpointId)
      .workers.map((worker) => `${worker.state}:${worker.revision}`)
      .sort()
      .join(' ');
  }

  /** The invariants that hold at every moment. */
  check(): void {
    assert.deepEqual(this.errors, [], 'no error may be logged');
    const held = new Set<string>();
    const views = this.control.service.list(
      { limit: 1_000, cursor: '', keyword: '', ownerIds: [] },
      CALLER,
    ).views;
    for (const view of views) {
      let started = 0;
      for (const worker of view.workers) {
        if (worker.state !== 'pending' && worker.state !== 'draining' && worker.state !== 'stopping')
          started += 1;
        for (const id of worker.devices) {
          assert.ok(!held.has(id), `device ${id} is held twice`);
          held.add(id);
        }
      }
      const { maxReplicas } = view.endpoint.settings;
      assert.ok(
        started <= maxReplicas + this.options.maxSurge || view.endpoint.deleting,
        `${started} workers with max_replicas ${maxReplicas}`,
      );
    }
  }
}

/**
 * `target` for as long as its user lives: what a dead server had begun never comes back to it, its
 * timers never fire, and what it would still ask for is not done.
 */
function mortal<Target extends object>(target: Target, alive: () => boolean): Target {
  const never = new Promise<never>(() => undefined);
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...given: unknown[]): unknown => {
        if (!alive()) return never;
        const guarded = given.map((argument) =>
          typeof argument === 'function'
            ? (...told: unknown[]): unknown =>
                alive() ? (argument as (...told: unknown[]) => unknown)(...told) : undefined
            : argument,
        );
        const result: unknown = Reflect.apply(member as (...given: unknown[]) => unknown, target, guarded);
        return result instanceof Promise
          ? result.then((value: unknown) => (alive() ? value : never))
          : result;
      };
    },
  });
}
