import type { PullProgress } from '../../ports/driver.ts';

/** One line of the engine's stream while it pulls. */
export interface PullLine {
  readonly id?: string;
  readonly status?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

/** More layers than an image can have: what comes beyond is not counted. */
const LAYERS_MAX = 1_000;

interface Layer {
  doneBytes: number;
  totalBytes: number | null;
  done: boolean;
}

/** Adds up what the engine tells of each layer. */
export class PullProgressSum {
  readonly #layers = new Map<string, Layer>();
  /** Podman unpacks without saying so: a layer that was downloaded is as good as done. */
  readonly #downloadedIsDone: boolean;

  constructor(downloadedIsDone: boolean) {
    this.#downloadedIsDone = downloadedIsDone;
  }

  /** True when the sum changed. */
  take({ id, status = '', progressDetail }: PullLine): boolean {
    // "Pulling from team/app" has the tag for its id.
    if (id === undefined || status.startsWith('Pulling from')) return false;
    let layer = this.#layers.get(id);
    if (layer === undefined) {
      if (this.#layers.size >= LAYERS_MAX) return false;
      layer = { doneBytes: 0, totalBytes: null, done: false };
      this.#layers.set(id, layer);
    }
    switch (status) {
      case 'Downloading':
        layer.doneBytes = progressDetail?.current ?? layer.doneBytes;
        layer.totalBytes = progressDetail?.total ?? layer.totalBytes;
        return true;
      case 'Download complete':
        layer.doneBytes = layer.totalBytes ?? layer.doneBytes;
        layer.done ||= this.#downloadedIsDone;
        return true;
      case 'Already exists':
        // Nothing is to be brought here for it.
        layer.totalBytes ??= 0;
        layer.done = true;
        return true;
      case 'Pull complete':
        layer.doneBytes = layer.totalBytes ?? layer.doneBytes;
        layer.totalBytes ??= layer.doneBytes;
        layer.done = true;
        return true;
      default:
        return true;
    }
  }

  get progress(): PullProgress {
    const layers = [...this.#layers.values()];
    const known = layers.every(({ totalBytes }) => totalBytes !== null);
    return {
      layersDone: layers.filter(({ done }) => done).length,
      layersTotal: layers.length,
      bytesDone: layers.reduce((sum, { doneBytes }) => sum + doneBytes, 0),
      bytesTotal: known ? layers.reduce((sum, { totalBytes }) => sum + (totalBytes ?? 0), 0) : null,
    };
  }
}
