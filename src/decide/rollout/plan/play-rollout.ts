import { impossible } from '../../../base/errors.ts';
import type { WorkerId } from '../../../base/ids.ts';
import type { Rollout } from '../../../model/endpoint.ts';
import { rolloutIsOver } from '../../../model/rollout-state.ts';
import type {
  ForecastOutcome,
  ForecastStep,
  MeasuredTimes,
  TimeName,
} from '../../../model/update-forecast.ts';
import { planEndpoint, type EndpointPlan } from '../../endpoint-plan.ts';
import { earlier, type EndpointWorld, type RevisionView, type WorkerView } from '../../world.ts';
import type { GuardReport } from '../../../model/guard-report.ts';
import { nextRollout } from '../next-rollout.ts';
import type { RolloutStep } from '../rollout-step.ts';
import { PausedLoad } from './paused-load.ts';
import {
  change,
  dueEvent,
  holdLongRequests,
  newPlayedWorker,
  playedWorker,
  spreadLoad,
  type PlayedTimes,
  type PlayedWorker,
} from './played-workers.ts';
import { PlayedDevices } from './played-devices.ts';
import { PlayedTraffic } from './played-traffic.ts';

/** An endpoint as it would be right after a change, and what is known of its times and its load. */
export interface PlaySetting {
  readonly world: EndpointWorld;
  readonly nowMs: number;
  readonly timesOf: (revision: number) => MeasuredTimes;
  /** The devices each worker holds. */
  readonly held: ReadonlyMap<WorkerId, readonly string[]>;
  /** Product → ids of its devices that nobody holds or stands in line for. */
  readonly free: ReadonlyMap<string, readonly string[]>;
  readonly requestsPerSecond: number;
  /** Whether the rollout is played to its end, or only what is done at once. */
  readonly toTheEnd: boolean;
}

/** As a step is filled in while the play goes on. */
type PlayStep = Omit<ForecastStep, 'devices'> & { devices: readonly string[] };

/** A span in which nothing changes. */
export interface PlaySpan {
  readonly durationMs: number;
  readonly ready: number;
  /** Workers that hold devices, or were started and are not gone. */
  readonly alive: number;
}

export interface Play {
  readonly steps: readonly ForecastStep[];
  readonly spans: readonly PlaySpan[];
  readonly outcome: ForecastOutcome;
  readonly durationMs: number;
  /** Old workers whose replacement was not played, but reckoned from those before. */
  readonly left: number;
  /** Times that were asked for and never measured: they were taken as `unknownMs`. */
  readonly unknown: ReadonlySet<TimeName>;
  readonly message: string;
}

/** Beyond so many replaced workers the rest is taken to go on like the last ones. */
const REPLACED_MAX = 12;
/** Bounds the work of one play; a rollout of a few workers takes some dozens. */
const LOOKS_MAX = 4_000;
/** A day: a rollout that takes longer is waiting for something else than time. */
const HORIZON_MS = 86_400_000;
/** After so many looks in vain they come apart by this share of the time since the last change. */
const PATIENT_LOOKS = 50;
const STRIDE = 0.01;
const ROUNDS_MAX = 64;

/**
 * Plays a change forward: the endpoint's own decisions, on measured times instead of real workers.
 * What it tells is therefore what would be done, step by step, as long as workers take the times that
 * they took before, the load stays as it is, and nobody else takes a device.
 */
export function playRollout(setting: PlaySetting, unknownMs: (name: TimeName) => number = () => 0): Play {
  return new Player(setting, unknownMs).run();
}

class Player implements PlayedTimes {
  readonly #setting: PlaySetting;
  readonly #unknownMs: (name: TimeName) => number;
  readonly #load: PausedLoad;
  readonly #traffic: PlayedTraffic;
  readonly #workers: PlayedWorker[];
  readonly #devices: PlayedDevices;
  readonly #steps: PlayStep[] = [];
  readonly #spans: PlaySpan[] = [];
  readonly #unknown = new Set<TimeName>();
  readonly #replacedAtMs: number[] = [];
  #nowMs: number;
  #rollout: Rollout | null;
  #failed = false;
  #lookAgainAtMs: number | null = null;
  #made = 0;
  #restMs = 0;
  /** Since the last change. */
  #looksInVain = 0;
  #changedAtMs: number;
  #left = 0;

  constructor(setting: PlaySetting, unknownMs: (name: TimeName) => number) {
    this.#setting = setting;
    this.#unknownMs = unknownMs;
    this.#nowMs = setting.nowMs;
    this.#changedAtMs = setting.nowMs;
    this.#rollout = setting.world.rollout;
    this.#load = new PausedLoad(setting.world, setting.nowMs);
    this.#traffic = new PlayedTraffic(setting.world, setting.requestsPerSecond, setting.nowMs);
    this.#workers = setting.world.workers.map((worker) =>
      playedWorker(worker, setting.held.get(worker.id) ?? [], this, setting.nowMs),
    );
    holdLongRequests(this.#workers, Math.round(this.#traffic.runningMean));
    this.#devices = new PlayedDevices(setting.free, this.#workers, (number) => this.#revision(number));
  }

  of(revision: number, name: TimeName): number {
    const known = this.#setting.timesOf(revision)[name];
    if (known !== null) return known;
    this.#unknown.add(name);
    return this.#unknownMs(name);
  }

  run(): Play {
    this.#settle();
    const looksMax = this.#setting.toTheEnd ? LOOKS_MAX : 0;
    for (let looks = 0; looks < looksMax && !this.#over; looks += 1) {
      const nextMs = this.#nextMs();
      if (nextMs === null || nextMs - this.#setting.nowMs > HORIZON_MS || this.#longEnough()) break;
      const seen = this.#steps.length;
      this.#elapse(nextMs);
      const changed = this.#changeByItself();
      this.#settle();
      if (changed || this.#steps.length > seen) {
        this.#looksInVain = 0;
        this.#changedAtMs = this.#nowMs;
      } else {
        this.#looksInVain += 1;
      }
    }
    return {
      steps: this.#steps,
      spans: this.#spans,
      outcome: this.#outcome(),
      durationMs: this.#nowMs - this.#setting.nowMs + this.#restMs,
      left: this.#left,
      unknown: this.#unknown,
      message: this.#rollout?.message ?? '',
    };
  }

  get #over(): boolean {
    const state = this.#rollout?.state;
    return state === undefined || state === 'watching' || rolloutIsOver(state);
  }

  #outcome(): ForecastOutcome {
    if (this.#setting.world.rollout === null || !this.#setting.toTheEnd) return 'settled';
    if (this.#failed) return 'failed';
    if (this.#over || this.#restMs > 0) return 'replaced';
    return this.#rollout?.state === 'waiting' && this.#workers.length === 0 ? 'asleep' : 'stuck';
  }

  /** So many are replaced that the rest can be told from them. */
  #longEnough(): boolean {
    const count = this.#replacedAtMs.length;
    if (count < REPLACED_MAX) return false;
    const half = this.#replacedAtMs[Math.floor(count / 2)] ?? 0;
    const last = this.#replacedAtMs[count - 1] ?? 0;
    const eachMs = (last - half) / (count - 1 - Math.floor(count / 2));
    const left = this.#workers.filter(
      (worker) => worker.revision !== this.#target && worker.state === 'ready',
    );
    this.#left = left.length;
    this.#restMs = left.length * eachMs;
    return left.length > 0;
  }

  get #target(): number | null {
    return this.#over ? null : this.#setting.world.targetRevision;
  }

  /** The earliest thing that comes by itself: a worker's next state, a look asked for, the proof by requests, the end of a queue. */
  #nextMs(): number | null {
    let nextMs = this.#nextLookMs();
    for (const worker of this.#workers) nextMs = earlier(nextMs, worker.dueMs);
    const inMs: (number | null)[] = [this.#traffic.queueEndsInMs(this.#ready)];
    if (this.#rollout?.state === 'baking') {
      const { bakeRequests } = this.#setting.world.options;
      inMs.push(this.#traffic.answeredInMs(bakeRequests, this.#ready, this.#proving));
    }
    for (const ms of inMs) nextMs = earlier(nextMs, ms === null ? null : this.#nowMs + ms);
    return nextMs === null ? null : Math.max(nextMs, this.#nowMs);
  }

  /** The look that was asked for; after many in vain not much sooner than something can be hoped for. */
  #nextLookMs(): number | null {
    if (this.#lookAgainAtMs === null || this.#looksInVain < PATIENT_LOOKS) return this.#lookAgainAtMs;
    return Math.max(this.#lookAgainAtMs, this.#nowMs + STRIDE * (this.#nowMs - this.#changedAtMs));
  }

  #elapse(toMs: number): void {
    const durationMs = toMs - this.#nowMs;
    if (durationMs > 0) {
      this.#spans.push({ durationMs, ready: this.#ready, alive: this.#alive });
      this.#traffic.elapse(durationMs, this.#ready, this.#proving);
    }
    this.#nowMs = toMs;
  }

  get #ready(): number {
    return this.#workers.filter((worker) => worker.state === 'ready').length;
  }

  /** Ready workers of the target while it is being proven. */
  get #proving(): number {
    if (this.#rollout?.state !== 'baking') return 0;
    return this.#workers.filter(({ state, revision }) => state === 'ready' && revision === this.#target)
      .length;
  }

  get #alive(): number {
    return this.#workers.filter((worker) => worker.state !== 'pending').length;
  }

  #changeByItself(): boolean {
    let changed = false;
    for (const worker of [...this.#workers]) {
      const event = worker.dueMs !== null && worker.dueMs <= this.#nowMs ? dueEvent(worker) : null;
      if (event === null) continue;
      change(worker, event, this, this.#nowMs);
      if (event === 'becameReady' && worker.revision === this.#target) this.#replacedAtMs.push(this.#nowMs);
      if (event === 'ended') this.#remove(worker);
      changed = true;
    }
    return changed;
  }

  #remove(worker: PlayedWorker): void {
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    this.#devices.giveBack(worker);
  }

  #settle(): void {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      this.#assignDevices();
      const plan = planEndpoint(this.#view(), this.#nowMs);
      if (plan.rollout.event !== null) {
        this.#applyRollout({ ...plan.rollout, event: plan.rollout.event });
        if (this.#over) return;
      } else if (!this.#applyWorkers(plan)) {
        this.#lookAgainAtMs =
          plan.lookAgainAtMs === null ? null : Math.max(plan.lookAgainAtMs, this.#nowMs + 1);
        return;
      }
    }
    impossible('play-rollout-3b17', 'the decisions for a played endpoint do not settle');
  }

  #applyRollout(step: RolloutStep & { readonly event: NonNullable<RolloutStep['event']> }): void {
    const target = this.#target;
    if (this.#rollout === null || target === null) return;
    const oldReady = this.#workers.filter(({ revision, state }) => revision !== target && state === 'ready');
    this.#rollout = nextRollout(this.#rollout, step, oldReady.length, this.#nowMs);
    const note = (action: PlayStep['action']): void => this.#note(action, null, target, step.message);
    if (step.event === 'proven') note('prove');
    if (step.event === 'finished') note('finish');
    if (step.event === 'swapPostponed') note('postpone');
    if (step.event === 'gaveUp') {
      this.#failed = true;
      note('fail');
    }
    if (step.event === 'firstWorkerReady') this.#traffic.beginProof();
    const claimed = this.#devicesOf(step.drain);
    this.#leave([...step.stop, ...step.drain], step.message);
    for (const worker of this.#workers) {
      if (step.withdrawDrain.includes(worker.id)) change(worker, 'drainWithdrawn', this, this.#nowMs);
    }
    if (step.startTarget) this.#start(target, step.mode ?? null, claimed, step.drain, step.message);
  }

  #applyWorkers({ workers }: EndpointPlan): boolean {
    const rolling = this.#target !== null && this.#rollout?.state !== 'waiting';
    const claims = workers.start.map((start) => this.#devicesOf(start.claimFrom));
    let changed = false;
    for (const { workerId, reason } of [...workers.fail, ...workers.stop, ...workers.drain]) {
      changed = this.#leave([workerId], reason.text) || changed;
    }
    for (const [index, start] of workers.start.entries()) {
      const beside = rolling && start.revision === this.#target ? 'surge' : null;
      const mode = start.claimFrom.length > 0 ? 'swap' : beside;
      for (let count = 0; count < start.count; count += 1) {
        const claimed = count === 0 ? (claims[index] ?? []) : [];
        this.#start(start.revision, mode, claimed, count === 0 ? start.claimFrom : [], start.reason.text);
      }
      changed = true;
    }
    return changed;
  }

  /** As the lifecycle does it: one that serves drains, any other is stopped. */
  #leave(ids: readonly WorkerId[], why: string): boolean {
    let changed = false;
    for (const worker of this.#workers.filter(({ id }) => ids.includes(id))) {
      const serves = worker.state === 'ready' || worker.state === 'unhealthy';
      if (!serves && (worker.state === 'draining' || worker.state === 'stopping')) continue;
      this.#note(serves ? 'drain' : 'stop', worker.id, worker.revision, why, worker.devices);
      change(worker, serves ? 'drainAsked' : 'stopAsked', this, this.#nowMs);
      if (worker.state === 'stopped') this.#remove(worker);
      changed = true;
    }
    return changed;
  }

  #start(
    revision: number,
    mode: PlayStep['mode'],
    claimed: readonly string[],
    replaces: readonly WorkerId[],
    why: string,
  ): void {
    this.#made += 1;
    const id = `new-${this.#made}` as WorkerId;
    this.#workers.push(newPlayedWorker(id, revision, this.#nowMs, claimed));
    const step: PlayStep = {
      atMs: this.#nowMs - this.#setting.nowMs,
      action: 'start',
      workerId: id,
      revision,
      mode,
      devices: claimed,
      replaces,
      why,
    };
    this.#steps.push(step);
  }

  #note(
    action: PlayStep['action'],
    workerId: WorkerId | null,
    revision: number,
    why: string,
    devices: readonly string[] = [],
  ): void {
    this.#steps.push({
      atMs: this.#nowMs - this.#setting.nowMs,
      action,
      workerId,
      revision,
      mode: null,
      devices,
      replaces: [],
      why,
    });
  }

  #devicesOf(ids: readonly WorkerId[]): readonly string[] {
    return this.#workers.filter(({ id }) => ids.includes(id)).flatMap(({ devices }) => devices);
  }

  /** Whoever waits for devices gets them in the order of the line, those kept for it first. */
  #assignDevices(): void {
    const { maxReplicas } = this.#setting.world.settings;
    const limit = maxReplicas + this.#setting.world.options.maxSurge;
    for (const worker of this.#workers.filter(({ state }) => state === 'pending')) {
      if (this.#alive >= limit) return;
      const taken = this.#devices.take(worker);
      if (taken === null) continue;
      worker.devices = taken;
      worker.claimed = [];
      const step = this.#steps.find(({ action, workerId }) => action === 'start' && workerId === worker.id);
      if (step !== undefined) step.devices = taken;
      change(worker, 'devicesAssigned', this, this.#nowMs);
    }
  }

  #revision(number: number): RevisionView {
    return (
      this.#setting.world.revisions.get(number) ??
      impossible('play-rollout-3b18', `no revision ${number} in the played world`)
    );
  }

  #view(): EndpointWorld {
    const { world } = this.#setting;
    const running = Math.round(this.#traffic.runningMean);
    spreadLoad(this.#workers, running, this.#target, world, this.#nowMs);
    return {
      ...world,
      ...this.#traffic.waiting(this.#nowMs),
      load: this.#load,
      targetRevision: this.#target,
      rollout: this.#rollout,
      revisions: new Map(
        [...world.revisions].map(([number, revision]) => [
          number,
          { ...revision, roomWorkers: this.#devices.room(revision) },
        ]),
      ),
      workers: this.#workers.map(viewOf),
      guard: this.#guard(),
    };
  }

  /** A sound target: nothing speaks against it, and its answers are counted. */
  #guard(): GuardReport {
    const { answered } = this.#traffic;
    const none = { answered: 0, ended: 0, failed: 0, unanswered: 0, deaths: 0 };
    return {
      target: { ...none, answered, ended: answered },
      stable: none,
      failureEvidence: 1,
      slownessEvidence: 1,
      tripped: null,
      doubtful: false,
      failing: false,
      patienceEndsAtMs: null,
    };
  }
}

function viewOf(worker: PlayedWorker): WorkerView {
  const { id, revision, state, running, createdAtMs, startedAtMs, readyAtMs } = worker;
  const { idleSinceMs, unhealthySinceMs, drainingSinceMs } = worker;
  return {
    id,
    revision,
    state,
    running,
    runningSinceMs: [],
    idleSinceMs: state === 'ready' ? idleSinceMs : null,
    createdAtMs,
    startedAtMs,
    readyAtMs,
    unhealthySinceMs,
    drainingSinceMs,
  };
}
