import { AppError } from '../../base/errors.ts';
import { newId, type PrewarmTaskId } from '../../base/ids.ts';
import { MINUTE_MS } from '../../base/units.ts';
import { readPrewarm } from '../../decide/resources/resource-bodies.ts';
import { faultsError } from '../../model/faults.ts';
import { prewarmIsOver, prewarmTransition, type PrewarmEvent } from '../../model/prewarm-state.ts';
import {
  PREWARMS_KEPT_MAX,
  PREWARMS_RUNNING_MAX,
  PREWARMS_WAITING_MAX,
  type PrewarmTask,
} from '../../model/prewarm-task.ts';
import type { RegistryCredential } from '../../model/registry-auth.ts';
import type { PreparedImage, PullProgress } from '../../ports/driver.ts';
import type { Caller } from '../../ports/endpoint-service.ts';
import type { PrewarmView } from '../../ports/resource-service.ts';
import type { ControlPorts } from '../control-options.ts';
import { StoreWrites } from '../store-writes.ts';

/** A pull that takes longer is given up: 100 GB in this time is 120 Mbit/s. */
const PULL_LIMIT_MS = 120 * MINUTE_MS;

export interface PrewarmParts {
  /** Refuses an image, region, product or credential that cannot be. */
  readonly check: (task: PrewarmTask) => void;
  readonly credentialOf: (registryAuthId: string) => RegistryCredential | null;
  readonly onPulled: (image: string, prepared: PreparedImage) => void;
}

/** Brings images onto the machine, a few at a time, in the order in which they were asked for. */
export class PrewarmTasks {
  readonly #ports: ControlPorts;
  readonly #parts: PrewarmParts;
  readonly #tasks = new Map<PrewarmTaskId, PrewarmTask>();
  readonly #progress = new Map<PrewarmTaskId, PullProgress>();
  readonly #closing = new AbortController();
  readonly #writes: StoreWrites;

  constructor(ports: ControlPorts, parts: PrewarmParts) {
    this.#ports = ports;
    this.#writes = new StoreWrites(ports);
    this.#parts = parts;
  }

  async load(): Promise<void> {
    for (const task of await this.#ports.store.prewarmTaskList()) this.#tasks.set(task.id, task);
  }

  /** Goes on with what the last server left. */
  start(): void {
    for (const task of this.#tasks.values()) if (task.state === 'running') void this.#run(task);
    this.#begin();
  }

  async create(body: unknown, { ownerId }: Caller): Promise<{ readonly id: PrewarmTaskId }> {
    const read = readPrewarm(body);
    if ('faults' in read) throw faultsError(read.faults);
    const task: PrewarmTask = {
      id: newId<PrewarmTaskId>(this.#ports.random),
      ownerId,
      ...read,
      state: 'pending',
      reasons: [],
      imageBytes: null,
      createdAtMs: this.#ports.clock.nowMs(),
      completedAtMs: null,
    };
    this.#parts.check(task);
    const open = this.#open().length;
    if (open >= PREWARMS_WAITING_MAX) {
      throw new AppError(
        'OPERATION_LIMIT',
        `${open} prewarm tasks wait or run already; at most ${PREWARMS_WAITING_MAX} may. Wait for some to end.`,
      );
    }
    // Held from now on: its credential must not go while it is being stored.
    this.#tasks.set(task.id, task);
    try {
      await this.#ports.store.prewarmTaskPut(task);
    } catch (error) {
      this.#tasks.delete(task.id);
      throw error;
    }
    this.#forgetOldest();
    this.#begin();
    return { id: task.id };
  }

  list(caller: Caller): readonly PrewarmView[] {
    return [...this.#tasks.values()]
      .filter((task) => caller.admin || task.ownerId === caller.ownerId)
      .map((task) => ({ task, progress: this.#progress.get(task.id) ?? null }));
  }

  /** Tasks that are not over and use the credential. */
  tasksWith(registryAuthId: string): readonly string[] {
    return this.#open()
      .filter((task) => task.registryAuthId === registryAuthId)
      .map(({ id }) => id);
  }

  /** Images of tasks that are not over. */
  imagesUnderWay(): string[] {
    return this.#open().map(({ image }) => image);
  }

  /** Images of tasks that succeeded after `sinceMs`. */
  imagesSince(sinceMs: number): string[] {
    return [...this.#tasks.values()]
      .filter(({ state, completedAtMs }) => state === 'succeeded' && (completedAtMs ?? 0) > sinceMs)
      .map(({ image }) => image);
  }

  /** What runs is broken off without a word, for the next server to go on with. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the server stops'));
    await this.#writes.settled();
  }

  #open(): readonly PrewarmTask[] {
    return [...this.#tasks.values()].filter(({ state }) => !prewarmIsOver(state));
  }

  #begin(): void {
    const open = this.#open();
    let running = open.filter(({ state }) => state === 'running').length;
    for (const task of open) {
      if (running >= PREWARMS_RUNNING_MAX) return;
      if (task.state !== 'pending') continue;
      running += 1;
      void this.#run(this.#change(task, 'begun', {}));
    }
  }

  async #run(task: PrewarmTask): Promise<void> {
    const limit = new AbortController();
    const cancel = this.#ports.clock.schedule(PULL_LIMIT_MS, () => limit.abort(new Error('too slow')));
    try {
      this.#parts.check(task);
      const { images } = this.#ports.driver;
      if (images === null) throw noImages(this.#ports.driver.kind);
      const prepared = await images.pull(task.image, {
        credential: this.#parts.credentialOf(task.registryAuthId),
        signal: AbortSignal.any([limit.signal, this.#closing.signal]),
        onProgress: (progress) => {
          this.#progress.set(task.id, progress);
        },
      });
      this.#parts.onPulled(task.image, prepared);
      this.#end(task, 'pulled', { imageBytes: prepared.sizeBytes });
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#ports.log.warn('an image could not be prewarmed', { taskId: task.id, image: task.image, error });
      const why = limit.signal.aborted
        ? `the pull took longer than ${PULL_LIMIT_MS / MINUTE_MS} minutes`
        : error instanceof AppError
          ? error.message
          : 'the pull failed';
      this.#end(task, 'broke', { reasons: [why] });
    } finally {
      cancel();
    }
  }

  #end(task: PrewarmTask, event: PrewarmEvent, facts: Partial<PrewarmTask>): void {
    this.#progress.delete(task.id);
    this.#change(task, event, { ...facts, completedAtMs: this.#ports.clock.nowMs() });
    this.#forgetOldest();
    this.#begin();
  }

  #change(task: PrewarmTask, event: PrewarmEvent, facts: Partial<PrewarmTask>): PrewarmTask {
    const next = { ...task, ...facts, state: prewarmTransition(task.state, event) };
    this.#tasks.set(next.id, next);
    this.#writes.add(this.#ports.store.prewarmTaskPut(next));
    return next;
  }

  #forgetOldest(): void {
    const over = [...this.#tasks.values()]
      .filter(({ state }) => prewarmIsOver(state))
      .sort((one, other) => (one.completedAtMs ?? 0) - (other.completedAtMs ?? 0));
    for (const { id } of over.slice(0, Math.max(0, this.#tasks.size - PREWARMS_KEPT_MAX))) {
      this.#tasks.delete(id);
      this.#writes.add(this.#ports.store.prewarmTaskDelete(id));
    }
  }
}

export function noImages(driver: string): AppError {
  return new AppError(
    'IMAGE_NOT_SUPPORTED',
    `The ${driver} driver of this server runs programs of this machine and pulls no images; prewarm tasks need a driver for containers.`,
  );
}
