import { AppError } from '../base/errors.ts';
import type { Endpoint, Revision, RevisionProgress } from '../model/endpoint.ts';
import type { KeptAnswer } from '../model/kept-answer.ts';
import type { Worker } from '../model/worker.ts';
import type { ControlPorts } from './control-options.ts';
import { revisionOf, type EndpointEntry } from './endpoint-entry.ts';
import { StoreWrites } from './store-writes.ts';

/** Revisions kept of an endpoint: enough to look back on, and no more than memory can hold. */
export const REVISIONS_KEPT = 50;
/** Former settings kept to tell what changed. */
const SETTINGS_KEPT = 20;

/**
 * The one door through which records change. Changes made by the loops are in memory at once and on
 * disk soon after, in the same order; changes asked for by a client are on disk before they are in
 * memory and before they are answered.
 */
export class EndpointRecords {
  readonly #ports: Pick<ControlPorts, 'store' | 'log' | 'onFatal'>;
  readonly #writes: StoreWrites;

  constructor(ports: Pick<ControlPorts, 'store' | 'log' | 'onFatal'>) {
    this.#ports = ports;
    this.#writes = new StoreWrites(ports);
  }

  /** A change by the loops. While a client's change is being committed it waits for that. */
  endpointChange(entry: EndpointEntry, change: (endpoint: Endpoint) => Partial<Endpoint>): void {
    if (entry.locked) {
      entry.deferred.push(() => this.endpointChange(entry, change));
      return;
    }
    const { generation } = entry.endpoint;
    entry.endpoint = { ...entry.endpoint, ...change(entry.endpoint), generation: generation + 1 };
    this.#writes.add(this.#ports.store.endpointUpdate(entry.endpoint, generation));
  }

  /** A change by a client: resolves when it is durable and visible, rejects with nothing changed. */
  async endpointCommit(
    entry: EndpointEntry,
    change: Partial<Endpoint>,
    revision?: Revision,
    answer?: KeptAnswer,
  ): Promise<void> {
    const { generation } = entry.endpoint;
    const next: Endpoint = { ...entry.endpoint, ...change, generation: generation + 1 };
    entry.locked = true;
    try {
      try {
        await this.#ports.store.endpointUpdate(next, generation, revision, answer);
      } catch (error) {
        if (!(await this.#isStoredAnyway(next, error))) throw error;
      }
      keepSettings(entry, next.settingsGeneration);
      entry.endpoint = next;
      if (revision !== undefined) this.#revisionAdd(entry, revision);
    } finally {
      entry.locked = false;
      for (const later of entry.deferred.splice(0)) later();
    }
  }

  /** A new endpoint, for a client: resolves when it is durable. */
  async endpointInsert(endpoint: Endpoint, revision: Revision, answer?: KeptAnswer): Promise<void> {
    try {
      await this.#ports.store.endpointInsert(endpoint, revision, answer);
    } catch (error) {
      if (!(await this.#isStoredAnyway(endpoint, error))) throw error;
    }
  }

  /** A write that failed may have been carried out, and only its answer was lost: then memory must follow. */
  async #isStoredAnyway(next: Endpoint, why: unknown): Promise<boolean> {
    if (!(why instanceof AppError) || why.code !== 'STORE_FAILED') return false;
    try {
      const stored = (await this.#ports.store.endpointList()).find(({ id }) => id === next.id);
      return stored?.generation === next.generation;
    } catch (error) {
      this.#ports.log.error('what is stored cannot be read after a failed write', { error });
      this.#ports.onFatal(error);
      return false;
    }
  }

  revisionChange(entry: EndpointEntry, number: number, change: Partial<RevisionProgress>): void {
    const revision: Revision = { ...revisionOf(entry, number), ...change };
    entry.revisions.set(number, revision);
    this.#writes.add(this.#ports.store.revisionUpdate(revision));
  }

  /** The oldest go beyond the bound, but none that is in force, being rolled out, or run by a worker. */
  #revisionAdd(entry: EndpointEntry, added: Revision): void {
    const { revisions, endpoint } = entry;
    revisions.set(added.number, added);
    const needed = new Set([endpoint.stableRevision, added.number]);
    for (const worker of entry.workers.values()) needed.add(worker.record.revision);
    for (const number of [...revisions.keys()].sort((a, b) => a - b)) {
      if (revisions.size <= REVISIONS_KEPT) return;
      if (needed.has(number)) continue;
      revisions.delete(number);
      this.#writes.add(this.#ports.store.revisionDelete(endpoint.id, number));
    }
  }

  workerPut(worker: Worker): void {
    this.#writes.add(this.#ports.store.workerPut(worker));
  }

  workerDelete(worker: Worker): void {
    this.#writes.add(this.#ports.store.workerDelete(worker.id));
  }

  /** Resolves when everything written so far is durable. */
  async settled(): Promise<void> {
    await this.#writes.settled();
  }
}

/** Before those of the next generation take their place. */
function keepSettings(entry: EndpointEntry, nextGeneration: number): void {
  const { settings, settingsGeneration } = entry.endpoint;
  if (settingsGeneration === nextGeneration) return;
  entry.settingsKept ??= new Map();
  entry.settingsKept.set(settingsGeneration, settings);
  // In the order of their generations: the first is the oldest.
  const [oldest] = entry.settingsKept.keys();
  if (entry.settingsKept.size > SETTINGS_KEPT && oldest !== undefined) entry.settingsKept.delete(oldest);
}
