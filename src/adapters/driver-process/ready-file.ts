import { statSync, watch } from 'node:fs';
import { join } from 'node:path';

/**
 * A worker's descriptor for its notice is a small file of its folder. A pipe would end with the
 * spawner, and a worker that wrote to it after that would be killed by SIGPIPE; a file outlives it,
 * and the next spawner finds what was written meanwhile.
 */
export function readyPath(folder: string): string {
  return join(folder, 'ready');
}

/** Calls `onNotice` once, when something is in the file. Answers what ends the watch. Throws when it cannot be watched. */
export function watchReadyFile(path: string, onNotice: () => void): () => void {
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
  return () => watcher.close();
}
