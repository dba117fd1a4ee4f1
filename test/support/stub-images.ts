import type { DriverImages, HeldImage, PreparedImage, PullContext } from '../../src/ports/driver.ts';

export interface StubPull {
  readonly image: string;
  readonly context: PullContext;
  /** Ends it; the image is held from then on. */
  done(facts?: Partial<PreparedImage>): void;
  fail(error: Error): void;
}

/** A machine's images, of which each pull waits for the test to end it. */
export class StubImages implements DriverImages {
  readonly pulls: StubPull[] = [];
  readonly held = new Map<string, HeldImage>();
  readonly removed: string[] = [];
  /** What the removal of an image meets first. */
  beforeRemove: (id: string) => Promise<void> | void = () => undefined;

  async pull(image: string, context: PullContext): Promise<PreparedImage> {
    const ended = Promise.withResolvers<PreparedImage>();
    const id = `sha256:${image}`;
    context.signal.addEventListener('abort', () => ended.reject(context.signal.reason as Error));
    this.pulls.push({
      image,
      context,
      done: (facts = {}) => {
        const sizeBytes = facts.sizeBytes ?? 1_000;
        this.hold({ id, references: [image], sizeBytes });
        ended.resolve({ id, pinned: id, sizeBytes, pulled: true, ...facts });
      },
      fail: (error) => ended.reject(error),
    });
    return await ended.promise;
  }

  async resolve(): Promise<string | null> {
    return await Promise.resolve(null);
  }

  hold(image: Omit<HeldImage, 'inUse'> & { readonly inUse?: boolean }): void {
    this.held.set(image.id, { inUse: false, ...image });
  }

  async list(): Promise<readonly HeldImage[]> {
    return await Promise.resolve([...this.held.values()]);
  }

  async remove(id: string): Promise<void> {
    await this.beforeRemove(id);
    this.removed.push(id);
    this.held.delete(id);
  }
}
