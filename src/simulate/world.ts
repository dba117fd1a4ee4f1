import { forwardClock, type Clock } from '../base/clock.ts';
import { AppError, impossible } from '../base/errors.ts';
import type { OwnerId } from '../base/ids.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { seededRandom } from '../base/random.ts';
import { Control } from '../control/control.ts';
import type { ControlOptions } from '../control/control-options.ts';
import type { RolloutOptions } from '../model/rollout-options.ts';
import type { DriverImages } from '../ports/driver.ts';
import type { Caller } from '../ports/endpoint-service.ts';
import type { DeviceWatch } from '../ports/device-watch.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import { MemoryVolumeFolders, OPEN_SECRETS } from './memory-resources.ts';
import { MemoryStore } from './memory-store.ts';
import { Life, mortal, mortalClock, mortalTraffic } from './mortal.ts';
import { connectStore, StoreSide } from './store-connection.ts';
import { SimulatedMachine, type SimulatedMachineOptions } from './simulated-machine.ts';
import { SimulatedTraffic, type SimulatedLimits } from './simulated-traffic.ts';
import { Turns } from './turns.ts';

/** Who asks for things in a world. */
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
  arrivalsDropped: () => undefined,
  endpointForgotten: () => undefined,
  onScrape: () => undefined,
};

const DEFAULT_OPTIONS: ControlOptions = {
  rollout: {
    maxSurge: { value: 1, unit: 'workers' },
    firstStep: { value: 1, unit: 'workers' },
    bakeMs: 10_000,
    bakeRequests: 20,
    watchMs: 60_000,
    drainDeadlineMs: 1_800_000,
    guard: { enabled: true, slowdown: 1.5, minFailures: 3 },
  },
  startDeadlineMs: 600_000,
  stopGraceMs: 30_000,
  images: { unusedMs: null, bytes: null },
  prices: new Map(),
  deviceOthersShare: 1,
  urlOf: (endpoint) => `http://127.0.0.1/e/${endpoint.id}`,
};

/** How long a server that failed stays away before its supervisor has started the next one. */
const RESPAWN_MS = 1_000;

export interface WorldSettings {
  readonly devices?: number;
  readonly seed?: number;
  readonly options?: Partial<ControlOptions>;
  readonly rollout?: Partial<RolloutOptions>;
  readonly limits?: Partial<SimulatedLimits>;
  readonly behaviourOf?: SimulatedMachineOptions['behaviourOf'];
  readonly images?: DriverImages;
  readonly log?: Log;
  /** Devices that are looked at, beside those of the simulated machine. */
  readonly deviceWatch?: DeviceWatch;
  /** The store holds something already. */
  readonly store?: MemoryStore;
  /** How long a write takes to be durable. */
  readonly writeMs?: number;
  /** How long a call of the driver takes to be answered. */
  readonly callMs?: number;
  /** A server whose store fails ends and is started again; else that is an error. */
  readonly respawns?: boolean;
  /** Messages of errors that belong to the faults of this world. */
  readonly expectedErrors?: readonly string[];
  /** Wall time at the beginning. */
  readonly startMs?: number;
}

/**
 * The real control loops and the real queues of the gateway, over a store, a machine and clients that
 * exist in memory alone, on a clock that jumps from one event to the next. Nothing in it depends on
 * anything but its settings and what it is told.
 */
export class SimulatedWorld {
  readonly clock: ManualClock;
  /** Time as the server sees it. */
  readonly #time: Clock;
  readonly turns = new Turns();
  readonly store: MemoryStore;
  readonly storeSide: StoreSide;
  readonly volumeFolders = new MemoryVolumeFolders();
  readonly traffic: SimulatedTraffic;
  readonly machine: SimulatedMachine;
  readonly options: ControlOptions;
  /** What was logged as an error, and what control could not go on after. */
  readonly errors: unknown[] = [];
  /** Called after every event, when all that it set going has settled. */
  onEvent: () => void = () => undefined;
  /** Servers that were started before this one. */
  incarnation = 0;
  readonly #settings: WorldSettings;
  #life = new Life();
  readonly #handedOver: Life[] = [];
  #control: Control | null = null;

  protected constructor(settings: WorldSettings) {
    this.#settings = settings;
    this.clock = new ManualClock(settings.startMs);
    this.#time = forwardClock(this.clock);
    this.store = settings.store ?? new MemoryStore();
    this.storeSide = new StoreSide(this.#time, this.turns);
    this.storeSide.writeMs = settings.writeMs ?? 0;
    this.machine = new SimulatedMachine({
      clock: this.#time,
      turns: this.turns,
      devices: settings.devices ?? 0,
      callMs: settings.callMs ?? 0,
      ...(settings.images === undefined ? {} : { images: settings.images }),
      ...(settings.behaviourOf === undefined ? {} : { behaviourOf: settings.behaviourOf }),
    });
    this.traffic = new SimulatedTraffic({
      clock: this.#time,
      ...(settings.limits === undefined ? {} : { limits: settings.limits }),
      reaches: (workerId) => this.machine.reaches(workerId),
    });
    this.machine.onEnded = (workerId) => this.traffic.workerBroke(workerId);
    const rollout = { ...DEFAULT_OPTIONS.rollout, ...settings.rollout };
    this.options = { ...DEFAULT_OPTIONS, rollout, ...settings.options };
  }

  static async open(settings: WorldSettings = {}): Promise<SimulatedWorld> {
    const world = new SimulatedWorld(settings);
    await world.start();
    return world;
  }

  get control(): Control {
    return this.#control ?? impossible('simulated-world-1d07', 'no server runs');
  }

  /** False while one server is gone and the next one is not there yet. */
  get up(): boolean {
    return this.#control !== null;
  }

  async start(): Promise<void> {
    while (this.#control === null) {
      if (await this.#open()) break;
      // Its supervisor tries again.
      this.#die();
      await this.#elapse(RESPAWN_MS);
    }
    await this.settle();
  }

  /** The server dies without a word and another one starts on the same store and machine. */
  async restart(): Promise<void> {
    this.#die();
    await this.start();
  }

  /**
   * The server will die in the middle of something: at the so-manieth call of the store or the machine
   * from now on, which is carried out and not answered.
   */
  dieAfterCalls(calls: number): void {
    this.#life.callsLeft = calls;
  }

  /**
   * The server stops in good order, and another one starts on the same store and machine before the
   * process of the first one is gone: what that had begun comes back to it.
   */
  async handOver(): Promise<void> {
    const served = this.incarnation;
    try {
      await this.answerOf(this.control.close());
    } catch (error) {
      if (this.incarnation === served) throw error;
    }
    // It died over it, and the next one is there already.
    if (this.incarnation !== served) return;
    this.#life.handedOver = true;
    this.#handedOver.push(this.#life);
    this.#control = null;
    this.incarnation += 1;
    this.traffic.cutAll();
    await this.start();
  }

  /** What servers did after another one had taken over: nothing may ever be here. */
  get staleActs(): readonly string[] {
    return this.#handedOver.flatMap(({ acts }) => acts);
  }

  /** Lets everything that was promised settle, without time passing. */
  async settle(): Promise<void> {
    this.turns.touch();
    await this.turns.settle();
    await this.#respawn();
    this.onEvent();
  }

  /** Moves time on from event to event. */
  async advance(durationMs: number): Promise<void> {
    await this.settle();
    const endMs = this.clock.monotonicMs() + durationMs;
    while (await this.#next(endMs));
    this.clock.advanceTo(endMs);
  }

  /** The next event, and all that it sets going; false when there is none up to `untilMs`. */
  async #next(untilMs: number): Promise<boolean> {
    if (!this.clock.fireNext(untilMs)) return false;
    if (this.turns.needed) await this.turns.settle();
    if (this.#life.over) await this.#respawn();
    this.onEvent();
    return true;
  }

  /**
   * What a client hears of a call to the control API: its answer, its refusal, or SHUTTING_DOWN where
   * the server died over it. Takes the time that the store takes.
   */
  async answerOf<Answer>(call: Promise<Answer>): Promise<Answer> {
    let outcome: { readonly answer: Answer } | { readonly error: unknown } | null = null;
    call.then(
      (answer) => {
        outcome = { answer };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    const served = this.incarnation;
    await this.settle();
    while (outcome === null && this.incarnation === served && this.storeSide.underWay > 0) {
      if (!(await this.#next(Infinity))) break;
    }
    const heard = outcome as { readonly answer: Answer } | { readonly error: unknown } | null;
    if (heard === null) throw new AppError('SHUTTING_DOWN', 'the server died before it answered');
    if ('error' in heard) throw heard.error;
    return heard.answer;
  }

  async close(): Promise<void> {
    await this.control.close();
  }

  #watched(): DeviceWatch | null {
    const { deviceWatch } = this.#settings;
    if (deviceWatch === undefined) return null;
    return {
      read: () => {
        this.turns.touch();
        return deviceWatch.read();
      },
      close: () => deviceWatch.close(),
    };
  }

  async #open(): Promise<boolean> {
    const life = new Life();
    this.#life = life;
    let opened: Control | null = null;
    let failed = false;
    Control.open({
      clock: mortalClock(this.#time, life, this.turns),
      random: seededRandom((this.#settings.seed ?? 1) + this.incarnation),
      log: this.#log(),
      metrics: NO_METRICS,
      store: mortal(connectStore(this.store, this.storeSide, life), life, this.turns),
      driver: mortal(this.machine, life, this.turns),
      deviceWatch: this.#watched(),
      readiness: mortal(this.machine, life, this.turns),
      secrets: OPEN_SECRETS,
      volumeFolders: mortal(this.volumeFolders, life, this.turns),
      traffic: mortalTraffic(this.traffic, life),
      onListener: (listener) => {
        this.traffic.listener = listener;
      },
      options: this.options,
      onFatal: (error) => {
        if (this.#settings.respawns !== true) this.errors.push(error);
        else life.over = true;
      },
    }).then(
      (control) => {
        opened = control;
      },
      (error: unknown) => {
        failed = true;
        if (this.#settings.respawns !== true) this.errors.push(error);
      },
    );
    this.turns.touch();
    for (;;) {
      await this.turns.settle();
      if (opened !== null && !life.over) break;
      if (failed || life.over) return false;
      // What it waits for, such as the end of a worker that nobody knows, takes its time.
      if (!this.clock.fireNext(Infinity)) impossible('simulated-world-1d08', 'the server never opened');
    }
    this.#control = opened;
    return true;
  }

  #die(): void {
    this.#life.over = true;
    this.#control = null;
    this.incarnation += 1;
    this.traffic.cutAll();
  }

  async #respawn(): Promise<void> {
    if (!this.#life.over) return;
    this.#die();
    await this.#elapse(RESPAWN_MS);
    await this.start();
  }

  /** Time without a server. */
  async #elapse(durationMs: number): Promise<void> {
    const endMs = this.clock.monotonicMs() + durationMs;
    while (this.clock.fireNext(endMs)) await this.turns.settle();
    this.clock.advanceTo(endMs);
  }

  #log(): Log {
    const log = this.#settings.log ?? SILENT;
    return {
      ...log,
      error: (message, facts) => {
        if (!(this.#settings.expectedErrors ?? []).includes(message)) this.errors.push({ message, ...facts });
        log.error(message, facts);
      },
    };
  }
}
