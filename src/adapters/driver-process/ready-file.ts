import { statSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { WorkerId } from '../../base/ids.ts';
import type { Log } from '../../ports/log.ts';

/**
 * A worker's descriptor for its notice is a small file of its folder. A pipe would end with the
 * spawner, and a worker that wrote to it after that would be killed by SIGPIPE; a file outlives it,
 * and whoever looks next finds what was written meanwhile.
 */
export function readyPath(folder: string): string {
  return join(folder, 'ready');
}

/**
 * Watches for the notices of workers. It is the server that does, and not its spawner: the way from
 * there to here would be paid by the request that waits.
 */
export class ReadyFiles {
  readonly #log: Log;
  readonly #onNotice: (workerId: WorkerId) => void;
  readonly #watches = new Map<WorkerId, () => void>();

  constructor(log: Log, onNotice: (workerId: WorkerId) => void) {
    this.#log = log;
    this.#onNotice = onNotice;
  }

  /** Told once, at once when it is there already. */
  watch(workerId: WorkerId, folder: string): void {
    this.unwatch(workerId);
    try {
      const end = watchReadyFile(readyPath(folder), () => {
        this.#watches.delete(workerId);
        this.#onNotice(workerId);
      });
      if (end !== null) this.#watches.set(workerId, end);
    } catch (error) {
      // Too many watches on this machine, say: the probes find the worker too, some milliseconds later.
      this.#log.warn('the notice of a worker cannot be watched for', { workerId, error });
    }
  }

  unwatch(workerId: WorkerId): void {
    this.#watches.get(workerId)?.();
    this.#watches.delete(workerId);
  }

  close(): void {
    for (const end of this.#watches.values()) end();
    this.#watches.clear();
  }
}

/** Calls `onNotice` once, when something is in the file. Answers what ends the watch; null: it was told. */
function watchReadyFile(path: string, onNotice: () => void): (() => void) | null {
  const watcher = watch(path, { persistent: false }, () => look());
  // What goes wrong later is worth nothing: the probes find the worker too.
  watcher.on('error', () => watcher.close());
  let told = false;
  const look = (): void => {
    if (told || (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
    told = true;
    watcher.close();
    onNotice();
  };
  look();
  return told ? null : () => watcher.close();
}
