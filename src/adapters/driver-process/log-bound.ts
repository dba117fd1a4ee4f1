import { boundLog } from '../worker-files/worker-log.ts';

const LOOK_MS = 500;
/** After a cut: whoever floods once floods on. */
const LOOK_AGAIN_MS = 50;

/** Holds the logs of running workers to their limit; one log is never cut by two hands at once. */
export class LogBound {
  readonly #limitBytes: number;
  readonly #onError: (error: Error) => void;
  readonly #folders = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  /** The look under way, or the last one. */
  #look = Promise.resolve();

  constructor(limitBytes: number, onError: (error: Error) => void) {
    this.#limitBytes = limitBytes;
    this.#onError = onError;
  }

  watch(folder: string): void {
    this.#folders.add(folder);
    if (this.#folders.size === 1) this.#plan(LOOK_MS);
  }

  /** Looks a last time: what a worker wrote before it ended is bounded too. */
  async unwatch(folder: string): Promise<void> {
    this.#folders.delete(folder);
    await this.#look;
    await this.#bound(folder);
  }

  #plan(delayMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#look = this.#look.then(() => this.#lookAtAll());
    }, delayMs);
  }

  async #lookAtAll(): Promise<void> {
    let cut = false;
    for (const folder of this.#folders) cut = (await this.#bound(folder)) || cut;
    if (this.#folders.size > 0) this.#plan(cut ? LOOK_AGAIN_MS : LOOK_MS);
  }

  async #bound(folder: string): Promise<boolean> {
    try {
      return await boundLog(folder, this.#limitBytes);
    } catch (error) {
      this.#onError(error as Error);
      return false;
    }
  }
}
