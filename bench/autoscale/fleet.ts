import { seededRandom, type Random } from '../../src/base/random.ts';
import { EventHeap } from './event-heap.ts';
import type { Trace } from './traces.ts';

/** c slots a worker, and a start that takes L seconds in the mean. */
export interface Cell {
  readonly slots: number;
  readonly startS: number;
}

export interface FleetWorker {
  readonly startedAtS: number;
  readonly startTookS: number;
  ready: boolean;
  /** Takes no new request, ends with its last one. */
  draining: boolean;
  gone: boolean;
  running: number;
  idleSinceS: number;
}

/** What decides in a run: called after every event and at the times it asks for. */
export interface Rule {
  /** Also called with nothing new, at `nextAtS`. */
  act(fleet: Fleet): void;
  /** When it wants to be called although nothing happens. Seconds; Infinity: never. */
  nextAtS: number;
  arrived?(fleet: Fleet): void;
  ended?(fleet: Fleet, arrivedS: number, serviceS: number): void;
  becameReady?(fleet: Fleet, worker: FleetWorker): void;
}

export interface RunResult {
  readonly workerSeconds: number;
  readonly waitingSeconds: number;
  /** Of those that came within the first five start times, when no rule can know the load. */
  readonly earlyWaitingSeconds: number;
  readonly p50S: number;
  readonly p95S: number;
  readonly p99S: number;
  readonly starts: number;
}

/** Coefficient of variation of start times. */
const START_VARIATION = 0.25;
const WORKERS_MAX = 1_000;
const EARLY_IN_START_TIMES = 5;

/**
 * One endpoint in simulated time: a queue in the order of arrival, and workers that take the request
 * at its head as soon as they have a slot. It gives a request to the busiest worker that has one,
 * under every rule: so the others fall idle and can be let go.
 */
export class Fleet {
  readonly cell: Cell;
  nowS = 0;
  readonly workers: FleetWorker[] = [];
  ready = 0;
  starting = 0;
  running = 0;
  /** ∫ (running + waiting) dt. */
  demandSeconds = 0;
  /** Workers idle for so long are let go; Infinity: the rule does it itself. */
  idleTimeoutS = Infinity;
  readonly #trace: Trace;
  readonly #random: Random;
  readonly #events = new EventHeap<FleetWorker>();
  readonly #ends = new EventHeap<{ readonly worker: FleetWorker; readonly index: number }>();
  readonly #waits: Float64Array;
  #arrived = 0;
  /** Of workers that take requests. */
  #freeSlots = 0;
  #head = 0;
  #idleCheckAtS = Infinity;
  #workerSeconds = 0;
  #waitingSeconds = 0;
  #earlyWaitingSeconds = 0;
  #starts = 0;

  constructor(trace: Trace, cell: Cell, seed: number) {
    this.cell = cell;
    this.#trace = trace;
    this.#random = seededRandom(seed);
    this.#waits = new Float64Array(trace.arrivalS.length);
  }

  get waiting(): number {
    return this.#arrived - this.#head;
  }

  /** When the `index`-th of the waiting came, the oldest being 0; Infinity beyond the last. */
  waitingSinceS(index: number): number {
    return this.#head + index < this.#arrived
      ? (this.#trace.arrivalS[this.#head + index] ?? Infinity)
      : Infinity;
  }

  /** Workers that serve or will. */
  get live(): number {
    return this.ready + this.starting;
  }

  start(count: number): void {
    const sigma = Math.sqrt(Math.log(1 + START_VARIATION ** 2));
    for (let index = 0; index < count && this.live < WORKERS_MAX; index += 1) {
      const normal =
        Math.sqrt(-2 * Math.log(1 - this.#random.next())) * Math.cos(2 * Math.PI * this.#random.next());
      const startTookS = this.cell.startS * Math.exp(sigma * normal - (sigma * sigma) / 2);
      const worker: FleetWorker = {
        startedAtS: this.nowS,
        startTookS,
        ready: false,
        draining: false,
        gone: false,
        running: 0,
        idleSinceS: Infinity,
      };
      this.workers.push(worker);
      this.starting += 1;
      this.#starts += 1;
      this.#events.push(this.nowS + startTookS, worker);
    }
  }

  /** An idle worker leaves. */
  release(worker: FleetWorker): void {
    if (worker.running > 0 || worker.gone) throw new Error('only an idle worker can be released');
    if (!worker.ready) {
      this.starting -= 1;
    } else {
      this.ready -= 1;
      this.#freeSlots -= this.cell.slots;
    }
    this.#remove(worker);
  }

  /** As Kubernetes does: first those not ready yet, newest first, then the least busy, which finish what they run. */
  retire(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      let chosen: FleetWorker | null = null;
      for (const worker of this.workers) {
        if (worker.draining) continue;
        if (
          chosen === null ||
          (!worker.ready && chosen.ready) ||
          (worker.ready === chosen.ready && worker.running <= chosen.running)
        ) {
          chosen = worker;
        }
      }
      if (chosen === null) return;
      if (chosen.running === 0) {
        this.release(chosen);
      } else {
        chosen.draining = true;
        this.ready -= 1;
        this.#freeSlots -= this.cell.slots - chosen.running;
      }
    }
  }

  /** Starts or retires until so many are live. */
  scaleTo(count: number): void {
    if (count > this.live) this.start(count - this.live);
    else if (count < this.live) this.retire(this.live - count);
  }

  run(rule: Rule): RunResult {
    const { arrivalS, serviceS } = this.#trace;
    const total = arrivalS.length;
    let ended = 0;
    rule.act(this);
    while (ended < total) {
      const arrivesAtS = this.#arrived < total ? arrivalS[this.#arrived]! : Infinity;
      const endsAtS = this.#ends.nextAtS;
      const readyAtS = this.#events.nextAtS;
      const atS = Math.min(arrivesAtS, endsAtS, readyAtS, rule.nextAtS, this.#idleCheckAtS);
      if (atS === Infinity) throw new Error('requests wait and the rule lets them wait for ever');
      this.demandSeconds += (this.running + this.waiting) * Math.max(0, atS - this.nowS);
      this.nowS = Math.max(this.nowS, atS);
      if (endsAtS === atS) {
        const { worker, index } = this.#ends.pop();
        ended += 1;
        worker.running -= 1;
        this.running -= 1;
        if (worker.draining) {
          if (worker.running === 0) this.#remove(worker);
        } else {
          this.#freeSlots += 1;
          if (worker.running === 0) this.#becameIdle(worker);
          this.#dispatch();
        }
        rule.ended?.(this, arrivalS[index]!, serviceS[index]!);
      } else if (readyAtS === atS) {
        const worker = this.#events.pop();
        if (worker.gone) continue;
        worker.ready = true;
        this.starting -= 1;
        this.ready += 1;
        this.#freeSlots += this.cell.slots;
        this.#becameIdle(worker);
        this.#dispatch();
        rule.becameReady?.(this, worker);
      } else if (arrivesAtS === atS) {
        this.#arrived += 1;
        this.#dispatch();
        rule.arrived?.(this);
      }
      if (this.#idleCheckAtS <= this.nowS) this.#releaseIdle();
      rule.act(this);
    }
    for (const worker of this.workers) this.#workerSeconds += this.nowS - worker.startedAtS;
    return this.#result();
  }

  #dispatch(): void {
    while (this.#head < this.#arrived && this.#freeSlots > 0) {
      let chosen: FleetWorker | null = null;
      for (const worker of this.workers) {
        if (!worker.ready || worker.draining || worker.running >= this.cell.slots) continue;
        if (chosen === null || worker.running > chosen.running) {
          chosen = worker;
          if (worker.running === this.cell.slots - 1) break;
        }
      }
      if (chosen === null) throw new Error('a free slot was counted that no worker has');
      this.#freeSlots -= 1;
      const index = this.#head;
      const arrivedS = this.#trace.arrivalS[index]!;
      const waitS = this.nowS - arrivedS;
      const serviceS = this.#trace.serviceS[index]!;
      this.#waits[index] = waitS;
      this.#waitingSeconds += waitS;
      if (arrivedS < EARLY_IN_START_TIMES * this.cell.startS) this.#earlyWaitingSeconds += waitS;
      this.#head += 1;
      chosen.running += 1;
      chosen.idleSinceS = Infinity;
      this.running += 1;
      this.#ends.push(this.nowS + serviceS, { worker: chosen, index });
    }
  }

  #becameIdle(worker: FleetWorker): void {
    worker.idleSinceS = this.nowS;
    this.#idleCheckAtS = Math.min(this.#idleCheckAtS, this.nowS + this.idleTimeoutS);
  }

  #releaseIdle(): void {
    this.#idleCheckAtS = Infinity;
    for (const worker of [...this.workers]) {
      if (!worker.ready || worker.running > 0 || worker.draining) continue;
      if (worker.idleSinceS + this.idleTimeoutS <= this.nowS) this.release(worker);
      else this.#idleCheckAtS = Math.min(this.#idleCheckAtS, worker.idleSinceS + this.idleTimeoutS);
    }
  }

  #remove(worker: FleetWorker): void {
    worker.gone = true;
    this.#workerSeconds += this.nowS - worker.startedAtS;
    this.workers.splice(this.workers.indexOf(worker), 1);
  }

  #result(): RunResult {
    const waits = this.#waits.toSorted();
    const at = (share: number): number =>
      waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? 0;
    return {
      workerSeconds: this.#workerSeconds,
      waitingSeconds: this.#waitingSeconds,
      earlyWaitingSeconds: this.#earlyWaitingSeconds,
      p50S: at(0.5),
      p95S: at(0.95),
      p99S: at(0.99),
      starts: this.#starts,
    };
  }
}
