import { sleep, type Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { DriverImages, HeldImage, PreparedImage, PullContext } from '../../ports/driver.ts';

/** What every simulated image weighs. */
const IMAGE_BYTES = 1_000_000_000;
/** Of so many the oldest is forgotten: nothing is held but names. */
const IMAGES_MAX = 1_000;

/** Images that are names alone: any can be pulled, in the time that is asked for. */
export class SimulatedImages implements DriverImages {
  readonly #clock: Clock;
  readonly #pullMs: number;
  readonly #isUsed: (image: string) => boolean;
  readonly #held = new Set<string>();

  /** `isUsed` says whether a worker runs an image; `pullMs` is how long a pull takes. */
  constructor(clock: Clock, pullMs: number, isUsed: (image: string) => boolean) {
    this.#clock = clock;
    this.#pullMs = pullMs;
    this.#isUsed = isUsed;
  }

  async pull(image: string, context: PullContext): Promise<PreparedImage> {
    return await this.take(image, this.#held.has(image) ? 0 : this.#pullMs, context);
  }

  /** A pull that takes `tookMs`, whether the image is here or not. */
  async take(image: string, tookMs: number, context: PullContext): Promise<PreparedImage> {
    context.signal.throwIfAborted();
    const pulled = !this.#held.has(image);
    if (pulled) context.onProgress(progress(0));
    if (tookMs > 0) await sleep(this.#clock, tookMs, context.signal);
    if (pulled) context.onProgress(progress(1));
    this.#held.add(image);
    const [oldest] = this.#held;
    if (this.#held.size > IMAGES_MAX && oldest !== undefined) this.#held.delete(oldest);
    return { id: image, pinned: image, sizeBytes: IMAGE_BYTES, pulled };
  }

  /** Names are all there is: each stands for itself. */
  async resolve(image: string): Promise<string> {
    return image;
  }

  async list(): Promise<readonly HeldImage[]> {
    return [...this.#held].map((image) => ({
      id: image,
      references: [image],
      sizeBytes: IMAGE_BYTES,
      inUse: this.#isUsed(image),
    }));
  }

  async remove(id: string): Promise<void> {
    if (this.#isUsed(id)) {
      throw new AppError('CONFLICT', `image "${id}" is used by a worker; it can be removed when none does`);
    }
    this.#held.delete(id);
  }
}

function progress(layersDone: number): Parameters<PullContext['onProgress']>[0] {
  return { layersDone, layersTotal: 1, bytesDone: layersDone * IMAGE_BYTES, bytesTotal: IMAGE_BYTES };
}
