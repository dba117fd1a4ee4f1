import type { WorkerId } from '../../base/ids.ts';
import type { Readiness, ReadinessTarget } from '../../ports/driver.ts';

interface Watched {
  ready: boolean;
  readonly onChange: (healthy: boolean, detail: string) => void;
}

/**
 * The readiness of workers that take jobs: they have no port to ask, so one is ready when it asks for
 * its first job, and stays so as long as its driver says it runs. Silence is no proof of death: a
 * handler that keeps its process busy sends no pings.
 */
export class Presence implements Readiness {
  readonly #watched = new Map<WorkerId, Watched>();
  /** Takes that came before their worker's start was told; each leaves with its connection at the latest. */
  readonly #early = new Map<WorkerId, Set<() => void>>();

  watch(
    target: ReadinessTarget,
    onChange: (healthy: boolean, detail: string) => void,
    signal: AbortSignal,
  ): void {
    if (signal.aborted) return;
    const { workerId } = target;
    const watched: Watched = { ready: target.wasHealthy === true, onChange };
    this.#watched.set(workerId, watched);
    signal.addEventListener('abort', () => {
      // A newer watch may have taken its place.
      if (this.#watched.get(workerId) === watched) this.#watched.delete(workerId);
    });
    for (const resume of this.#early.get(workerId) ?? []) resume();
  }

  /** A worker asks for jobs. Resolves when it counts as ready, or when `signal` aborts. */
  async asked(workerId: WorkerId, signal: AbortSignal): Promise<void> {
    if (!this.#watched.has(workerId)) await this.#untilWatched(workerId, signal);
    const watched = this.#watched.get(workerId);
    if (watched === undefined || watched.ready) return;
    watched.ready = true;
    watched.onChange(true, 'it asks for jobs');
  }

  #untilWatched(workerId: WorkerId, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#early.get(workerId) ?? new Set();
      this.#early.set(workerId, waiting);
      const resume = (): void => {
        waiting.delete(resume);
        if (waiting.size === 0) this.#early.delete(workerId);
        signal.removeEventListener('abort', resume);
        resolve();
      };
      waiting.add(resume);
      signal.addEventListener('abort', resume);
    });
  }
}
