import type { RevisionView } from '../../world.ts';
import type { PlayedWorker } from './played-workers.ts';

type Wanted = Pick<RevisionView, 'productId' | 'devicesPerWorker'>;

/** The devices that nobody holds while a rollout is played, and who stands in line for them. */
export class PlayedDevices {
  readonly #free: Map<string, readonly string[]>;
  readonly #workers: readonly PlayedWorker[];
  readonly #wantedBy: (revision: number) => Wanted;

  /** `workers` is looked at anew each time. */
  constructor(
    free: ReadonlyMap<string, readonly string[]>,
    workers: readonly PlayedWorker[],
    wantedBy: (revision: number) => Wanted,
  ) {
    this.#free = new Map(free);
    this.#workers = workers;
    this.#wantedBy = wantedBy;
  }

  giveBack({ revision, devices }: PlayedWorker): void {
    const { productId } = this.#wantedBy(revision);
    this.#free.set(productId, [...this.#of(productId), ...devices].sort());
  }

  /** What a worker in line gets now, those kept for it first; null: it has to wait. */
  take({ revision, claimed }: PlayedWorker): readonly string[] | null {
    const { productId, devicesPerWorker } = this.#wantedBy(revision);
    const free = this.#of(productId);
    const own = claimed.filter((id) => free.includes(id));
    const taken = [...own, ...this.#unclaimed(free)].slice(0, devicesPerWorker);
    if (taken.length < devicesPerWorker) return null;
    this.#free.set(
      productId,
      free.filter((id) => !taken.includes(id)),
    );
    return taken;
  }

  /** How many more workers could have theirs now. */
  room({ productId, devicesPerWorker }: Wanted): number {
    if (devicesPerWorker === 0) return Infinity;
    let inLine = 0;
    for (const worker of this.#workers) {
      const wanted = this.#wantedBy(worker.revision);
      if (worker.state !== 'pending' || wanted.productId !== productId) continue;
      inLine += Math.max(0, wanted.devicesPerWorker - worker.claimed.length);
    }
    const free = this.#unclaimed(this.#of(productId)).length;
    return Math.floor(Math.max(0, free - inLine) / devicesPerWorker);
  }

  #of(productId: string): readonly string[] {
    return this.#free.get(productId) ?? [];
  }

  #unclaimed(ids: readonly string[]): readonly string[] {
    const claimed = new Set(this.#workers.flatMap((worker) => worker.claimed));
    return ids.filter((id) => !claimed.has(id));
  }
}
