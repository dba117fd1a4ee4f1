import type { Clock } from '../../base/clock.ts';
import type { WorkerId } from '../../base/ids.ts';
import { SECOND_MS } from '../../base/units.ts';
import { UNSEEN_EXIT, type WorkerExit } from '../../model/worker-exit.ts';
import type { StartedWorker } from '../../ports/driver.ts';
import type { Log } from '../../ports/log.ts';
import { containerExit } from './container-exit.ts';
import { labelledWorker } from './container-labels.ts';
import type { Containers, ListedContainer } from './containers.ts';
import type { InspectedContainer } from './container-address.ts';
import { EngineRefusal } from './engine-fault.ts';

/** After SIGKILL: an end that was not told by then is looked for. */
const UNTOLD_END_MS = 5 * SECOND_MS;
/** Events can be lost on the way; what they should have told is found by then. */
const SAFETY_LOOK_MS = 60 * SECOND_MS;

/** A worker this driver watches: started by it, or recovered. */
export interface Watched {
  readonly workerId: WorkerId;
  readonly started: PromiseWithResolvers<StartedWorker>;
  readonly ended: PromiseWithResolvers<WorkerExit>;
  /** Null until the container is made. */
  containerId: string | null;
  /** False as long as its start, or its recovery, is being told. */
  isStarted: boolean;
  /** True once its end is being looked into. */
  isEnding: boolean;
  /** What the engine's event told of its end. */
  toldExitCode: number | null;
  peakMemoryMib: number | null;
  /** On the monotonic clock; infinite before a stop. */
  killAtMs: number;
  cancelKill: () => void;
}

export interface ContainerWatchParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly containers: Containers;
  /** What a worker that ran out of memory had; null: no limit. */
  readonly memoryLimitMib: number | null;
  /** Podman 4 says of those that ran out of memory that they did not. */
  readonly isPodman: () => boolean;
  /** Keeps its output and how it ended, and drops the container. */
  readonly clear: (workerId: WorkerId, containerId: string, exit: WorkerExit) => Promise<void>;
  /** The same for a container that does not run and is not watched. */
  readonly dropRemains: (workerId: WorkerId, container: ListedContainer) => Promise<void>;
}

/**
 * Containers from their start to their end. The end comes as an event of the engine; whatever no event
 * told (before they began, while they were interrupted) is found by looking at all of them.
 *
 *   running ── event, or not found running ──→ inspected, cleared away ──→ told
 *      └─ stop: SIGTERM ── grace ends: SIGKILL ─┘
 */
export class ContainerWatch {
  readonly #parts: ContainerWatchParts;
  readonly #watched = new Map<WorkerId, Watched>();
  readonly #listeners: ((workerId: WorkerId, exit: WorkerExit) => void)[] = [];
  #cancelLook: () => void = () => undefined;
  #closed = false;

  constructor(parts: ContainerWatchParts) {
    this.#parts = parts;
  }

  onExit(listener: (workerId: WorkerId, exit: WorkerExit) => void): void {
    this.#listeners.push(listener);
  }

  get(workerId: WorkerId): Watched | undefined {
    return this.#watched.get(workerId);
  }

  add(workerId: WorkerId): Watched {
    const watched: Watched = {
      workerId,
      containerId: null,
      started: Promise.withResolvers<StartedWorker>(),
      ended: Promise.withResolvers<WorkerExit>(),
      isStarted: false,
      isEnding: false,
      toldExitCode: null,
      peakMemoryMib: null,
      killAtMs: Number.POSITIVE_INFINITY,
      cancelKill: () => undefined,
    };
    // Most ends are learned through `onExit`; nobody awaiting these must not end the process.
    watched.started.promise.catch(() => undefined);
    watched.ended.promise.catch(() => undefined);
    this.#watched.set(workerId, watched);
    return watched;
  }

  /** It runs. Its end may have come while that was being told. */
  async begun(watched: Watched, started: StartedWorker): Promise<void> {
    watched.isStarted = true;
    watched.started.resolve(started);
    if (watched.toldExitCode !== null) await this.#finish(watched);
    else await this.#finishIfGone(watched);
  }

  /** It never ran, or is not there. */
  notBegun(watched: Watched, why: unknown): void {
    this.#watched.delete(watched.workerId);
    watched.started.reject(why);
    watched.ended.resolve(UNSEEN_EXIT);
  }

  /** The engine's event. `exitCode` null: it was removed, or the event does not tell. */
  containerEnded(containerId: string, exitCode: number | null): void {
    for (const watched of this.#watched.values()) {
      if (watched.containerId !== containerId) continue;
      watched.toldExitCode ??= exitCode;
      if (watched.isStarted) void this.#finish(watched);
      return;
    }
  }

  /** Looks at all of them, and from time to time again. */
  async look(): Promise<void> {
    this.#cancelLook();
    if (this.#closed) return;
    this.#cancelLook = this.#parts.clock.schedule(SAFETY_LOOK_MS, () => void this.look());
    const begun = [...this.#watched.values()].filter(({ isStarted }) => isStarted);
    try {
      const listed = await this.#parts.containers.list();
      const running = new Set(listed.flatMap(({ Id, State }) => (State === 'running' ? [Id] : [])));
      for (const watched of begun) if (!running.has(watched.containerId ?? '')) void this.#finish(watched);
      for (const container of listed) {
        const workerId = labelledWorker(container.Labels ?? {})?.workerId;
        if (workerId === undefined || running.has(container.Id) || this.#watched.has(workerId)) continue;
        await this.#parts.dropRemains(workerId, container);
      }
    } catch (error) {
      if (!this.#closed) this.#parts.log.warn('the containers could not be looked at', { error });
    }
  }

  /** Again with a shorter grace: the shorter one holds. */
  async stop(watched: Watched, graceMs: number): Promise<WorkerExit> {
    await watched.started.promise.catch(() => undefined);
    const { containerId } = watched;
    if (containerId === null || watched.isEnding) return await watched.ended.promise;
    const isFirst = watched.killAtMs === Number.POSITIVE_INFINITY;
    const killAtMs = this.#parts.clock.monotonicMs() + graceMs;
    if (killAtMs < watched.killAtMs) {
      watched.killAtMs = killAtMs;
      watched.cancelKill();
      watched.cancelKill = this.#parts.clock.schedule(graceMs, () => void this.#kill(watched));
    }
    if (isFirst) {
      try {
        await this.#terminate(watched, containerId);
      } catch (error) {
        // Whoever asked hears of it and asks again.
        watched.cancelKill();
        watched.killAtMs = Number.POSITIVE_INFINITY;
        throw error;
      }
    }
    return await watched.ended.promise;
  }

  close(why: Error): void {
    this.#closed = true;
    this.#cancelLook();
    for (const watched of this.#watched.values()) {
      watched.cancelKill();
      watched.started.reject(why);
      watched.ended.reject(why);
    }
    this.#watched.clear();
  }

  async #terminate(watched: Watched, containerId: string): Promise<void> {
    const { containers, log } = this.#parts;
    const inspected = await containers.find(containerId);
    if (inspected?.State.Running !== true) {
      void this.#finish(watched);
      return;
    }
    // Asked while it still runs: what it took is nowhere once it is gone.
    void containers.memoryMib(containerId).then((mib) => {
      watched.peakMemoryMib = mib;
    });
    try {
      const sent = await containers.signal(containerId, inspected.Config.StopSignal ?? 'SIGTERM');
      if (!sent) void this.#finish(watched);
    } catch (error) {
      if (!(error instanceof EngineRefusal)) throw error;
      // Asked again it would refuse again; the end of the grace ends the worker.
      log.warn('the engine did not send a worker the signal to stop', { workerId: watched.workerId, error });
    }
  }

  async #kill(watched: Watched): Promise<void> {
    const { clock, containers, log } = this.#parts;
    const { containerId } = watched;
    if (containerId === null || watched.isEnding || this.#closed) return;
    // Once more later on: the event of its end can be lost, and nobody is to wait for ever.
    watched.cancelKill = clock.schedule(UNTOLD_END_MS, () => void this.#kill(watched));
    try {
      if (!(await containers.signal(containerId, 'SIGKILL'))) await this.#finish(watched);
    } catch (error) {
      if (!this.#closed)
        log.warn('a worker could not be killed, trying again', { workerId: watched.workerId, error });
    }
  }

  async #finishIfGone(watched: Watched): Promise<void> {
    try {
      const inspected = await this.#parts.containers.find(watched.containerId ?? '');
      if (inspected?.State.Running !== true) await this.#finish(watched);
    } catch (error) {
      // Its end will be told, or found when the engine is back.
      if (!this.#closed) this.#parts.log.warn('a container could not be looked at', { error });
    }
  }

  /** Finds out how it ended, has it cleared away and tells. Begun again where the engine went away over it. */
  async #finish(watched: Watched): Promise<void> {
    const { workerId, containerId } = watched;
    if (watched.isEnding || containerId === null || this.#watched.get(workerId) !== watched) return;
    watched.isEnding = true;
    const exit = await this.#exit(watched, containerId);
    if (exit === null || this.#closed) {
      watched.isEnding = false;
      return;
    }
    watched.cancelKill();
    await this.#parts.clear(workerId, containerId, exit);
    if (this.#closed || !this.#watched.delete(workerId)) return;
    watched.ended.resolve(exit);
    // In a later turn, so that whoever awaits `start` has heard of the worker before it hears of its end.
    setImmediate(() => {
      for (const listener of this.#listeners) listener(workerId, exit);
    });
  }

  /** Null: it runs after all, or nobody can say now. */
  async #exit(watched: Watched, containerId: string): Promise<WorkerExit | null> {
    const { toldExitCode } = watched;
    try {
      const inspected = await this.#parts.containers.find(containerId);
      if (inspected !== null) {
        return inspected.State.Running ? null : this.exitOf(inspected, watched.peakMemoryMib);
      }
    } catch (error) {
      if (this.#closed) return null;
      this.#parts.log.warn('how a worker ended could not be asked', { workerId: watched.workerId, error });
      // It is known that it ended, if not all of how: waiting for the engine would keep requests waiting.
      if (toldExitCode === null) return null;
    }
    if (toldExitCode === null) return { ...UNSEEN_EXIT, peakMemoryMib: watched.peakMemoryMib };
    return { ...containerExit(toldExitCode, watched.peakMemoryMib), outOfMemory: null };
  }

  exitOf({ State }: InspectedContainer, peakMib: number | null): WorkerExit {
    const { memoryLimitMib, isPodman } = this.#parts;
    // One that ran out of memory took all it was allowed.
    const limitMib = State.OOMKilled ? memoryLimitMib : null;
    const exit = containerExit(State.ExitCode, limitMib ?? peakMib);
    const outOfMemory = !State.OOMKilled && exit.signal === 'SIGKILL' && isPodman() ? null : State.OOMKilled;
    return { ...exit, outOfMemory };
  }
}
