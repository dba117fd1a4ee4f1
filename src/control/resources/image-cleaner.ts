import { MINUTE_MS } from '../../base/units.ts';
import { unusedImages, type ImagePlan, type ImageWorld } from '../../decide/images/unused-images.ts';
import type { PulledImage } from '../../model/prewarm-task.ts';
import type { DriverImages, PreparedImage } from '../../ports/driver.ts';
import type { ControlPorts } from '../control-options.ts';

const SWEEP_MS = 10 * MINUTE_MS;
/** A use that was stored so lately is not stored again. */
const USE_STORED_MS = 10 * MINUTE_MS;

/** Remembers which images this server pulled, and removes those that nothing needs any more. */
export class ImageCleaner {
  readonly #ports: ControlPorts;
  readonly #wanted: () => Pick<ImageWorld, 'needed' | 'reserved'>;
  readonly #pulled = new Map<string, PulledImage>();
  #sweeping: Promise<void> = Promise.resolve();
  #cancel: (() => void) | null = null;
  #closed = false;

  constructor(ports: ControlPorts, wanted: () => Pick<ImageWorld, 'needed' | 'reserved'>) {
    this.#ports = ports;
    this.#wanted = wanted;
  }

  async load(): Promise<void> {
    for (const image of await this.#ports.store.pulledImageList()) this.#pulled.set(image.id, image);
  }

  start(): void {
    const { unusedMs, bytes } = this.#ports.options.images;
    if (this.#ports.driver.images === null || (unusedMs === null && bytes === null)) return;
    this.#schedule();
  }

  /** A worker or a task wants the image, and it is here. */
  note(reference: string, { id, pinned, sizeBytes, pulled }: PreparedImage): void {
    const known = this.#pulled.get(id);
    // What was here before was brought by somebody else, and is theirs to remove.
    if (known === undefined && !pulled) return;
    const nowMs = this.#ports.clock.nowMs();
    const references = [...new Set([...(known?.references ?? []), reference, pinned])];
    this.#put({
      id,
      references,
      sizeBytes: sizeBytes ?? known?.sizeBytes ?? 0,
      pulledAtMs: pulled ? nowMs : (known?.pulledAtMs ?? nowMs),
      lastUsedAtMs: nowMs,
    });
  }

  /** One look; resolves when it is over. Those asked for meanwhile come after it. */
  async sweep(): Promise<void> {
    const turn = this.#sweeping.then(async () => await this.#sweep());
    this.#sweeping = turn;
    await turn;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#sweeping;
  }

  #schedule(): void {
    this.#cancel = this.#ports.clock.schedule(SWEEP_MS, () => {
      void this.sweep().then(() => {
        if (!this.#closed) this.#schedule();
      });
    });
  }

  async #sweep(): Promise<void> {
    const { images } = this.#ports.driver;
    if (images === null || this.#closed) return;
    try {
      const held = await images.list();
      const planned = (): ImagePlan =>
        unusedImages(
          { held, pulled: [...this.#pulled.values()], ...this.#wanted() },
          this.#ports.options.images,
          this.#ports.clock.nowMs(),
        );
      const { remove, used, gone } = planned();
      for (const { id } of gone) this.#forget(id);
      for (const image of used) this.#put({ ...image, lastUsedAtMs: this.#ports.clock.nowMs() });
      for (const { image, why } of remove) {
        // Looked at once more in the turn of its removal: an endpoint may have come to need it.
        if (this.#closed || !planned().remove.some((still) => still.image.id === image.id)) continue;
        await this.#remove(images, image, why);
      }
    } catch (error) {
      this.#ports.log.warn('the images of this machine could not be listed, trying again later', { error });
    }
  }

  async #remove(images: DriverImages, { id, references }: PulledImage, why: string): Promise<void> {
    const facts = { imageId: id, references: references.join(' '), why };
    try {
      await images.remove(id);
      this.#forget(id);
      this.#ports.log.info('an image that nothing needs was removed', facts);
    } catch (error) {
      this.#ports.log.warn('an unused image could not be removed, trying again later', { ...facts, error });
    }
  }

  #put(image: PulledImage): void {
    const known = this.#pulled.get(image.id);
    this.#pulled.set(image.id, image);
    const unchanged = known !== undefined && known.references.length === image.references.length;
    if (unchanged && known.pulledAtMs === image.pulledAtMs) {
      if (image.lastUsedAtMs - known.lastUsedAtMs < USE_STORED_MS) {
        this.#pulled.set(image.id, { ...image, lastUsedAtMs: known.lastUsedAtMs });
        return;
      }
    }
    this.#written(this.#ports.store.pulledImagePut(image));
  }

  #forget(id: string): void {
    if (this.#pulled.delete(id)) this.#written(this.#ports.store.pulledImageDelete(id));
  }

  #written(write: Promise<void>): void {
    write.catch((error: unknown) => {
      this.#ports.log.error('the record of an image could not be written', { error });
      this.#ports.onFatal(error);
    });
  }
}
