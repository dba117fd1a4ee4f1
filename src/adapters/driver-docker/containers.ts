import type { WorkerId } from '../../base/ids.ts';
import { SECOND_MS } from '../../base/units.ts';
import type { Log } from '../../ports/log.ts';
import type { InspectedContainer } from './container-address.ts';
import { peakMemoryMib, type MemoryStatistics } from './container-exit.ts';
import { INSTANCE_LABEL } from './container-labels.ts';
import type { EngineClient } from './engine-client.ts';
import { EngineRefusal, hasStatus } from './engine-fault.ts';

/** What is not worth holding up an end for. */
const ASIDE_TIMEOUT_MS = 2 * SECOND_MS;

export interface ListedContainer {
  readonly Id: string;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly State: string;
}

/** The engine's calls for containers of this server. */
export class Containers {
  readonly #engine: EngineClient;
  readonly #instance: string;
  readonly #log: Log;

  constructor(engine: EngineClient, instance: string, log: Log) {
    this.#engine = engine;
    this.#instance = instance;
    this.#log = log;
  }

  /** One a worker: a second start of it is refused by the engine. */
  nameOf(workerId: WorkerId): string {
    return `pilotlight-${this.#instance}-${workerId}`;
  }

  /** All that carry the label of this server, also those that ended. */
  async list(): Promise<readonly ListedContainer[]> {
    const filters = encodeURIComponent(JSON.stringify({ label: [`${INSTANCE_LABEL}=${this.#instance}`] }));
    return await this.#engine.call({ method: 'GET', path: `/containers/json?all=1&filters=${filters}` });
  }

  async inspect(container: string): Promise<InspectedContainer> {
    return await this.#engine.call({ method: 'GET', path: `/containers/${container}/json` });
  }

  /** By id or name; null when it is not there. */
  async find(container: string): Promise<InspectedContainer | null> {
    try {
      return await this.inspect(container);
    } catch (error) {
      if (hasStatus(error, 404)) return null;
      throw error;
    }
  }

  /** False when it does not run any more. */
  async signal(container: string, signal: string): Promise<boolean> {
    // An image may ask for SIGRTMIN+3, whose plus would be read as a blank.
    const path = `/containers/${container}/kill?signal=${encodeURIComponent(signal)}`;
    try {
      await this.#engine.call({ method: 'POST', path });
      return true;
    } catch (error) {
      if (hasStatus(error, 404) || hasStatus(error, 409) || isNotRunning(error)) return false;
      throw error;
    }
  }

  /** What it takes at this moment, or took at most; null where it cannot be measured. */
  async memoryMib(container: string): Promise<number | null> {
    try {
      const statistics = await this.#engine.call<MemoryStatistics>({
        method: 'GET',
        path: `/containers/${container}/stats?stream=false&one-shot=true`,
        timeoutMs: ASIDE_TIMEOUT_MS,
      });
      return peakMemoryMib(statistics);
    } catch (error) {
      this.#log.debug('the memory of a container could not be measured', { container, error });
      return null;
    }
  }

  /** With its file system and its nameless volumes. One that stays is met again by `list`. */
  async remove(container: string): Promise<void> {
    try {
      await this.#engine.call({ method: 'DELETE', path: `/containers/${container}?force=1&v=1` });
    } catch (error) {
      // 409: somebody removes it already.
      if (this.#engine.closed.aborted || hasStatus(error, 404) || hasStatus(error, 409)) return;
      this.#log.warn('a container could not be removed', { container, error });
    }
  }
}

/** Podman answers 500 to a signal for a container that is not running. */
function isNotRunning(error: unknown): boolean {
  return error instanceof EngineRefusal && /not running|can only kill running/i.test(error.words);
}
