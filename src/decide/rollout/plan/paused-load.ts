import { idleLimitMs } from '../../autoscale/idle-keep.ts';
import type { LevelWorth } from '../../autoscale/level-worth.ts';
import { LoadModel } from '../../autoscale/load-model.ts';
import type { EndpointWorld } from '../../world.ts';

/**
 * What is known of the load, as of one moment for good. The model remembers what it was asked at a
 * time; asked for times that have not come it would answer from them later on.
 */
export class PausedLoad extends LoadModel {
  readonly #model: LoadModel;
  readonly #atMs: number;

  constructor({ load, settings }: Pick<EndpointWorld, 'load' | 'settings'>, atMs: number) {
    super(
      {
        slotsPerWorker: settings.maxConcurrentPerWorker,
        startMs: load.startMs,
        minWorkers: settings.minReplicas,
        maxWorkers: settings.maxReplicas,
        idleLimitMs: idleLimitMs(settings),
        price: load.price,
      },
      atMs,
    );
    this.#model = load;
    this.#atMs = atMs;
  }

  override get serviceTimeMs(): number {
    return this.#model.serviceTimeMs;
  }

  override get measuredServiceMs(): number | null {
    return this.#model.measuredServiceMs;
  }

  override get weight(): number {
    return this.#model.weight;
  }

  override get burstsGoOn(): boolean {
    return this.#model.burstsGoOn;
  }

  override get scores(): LoadModel['scores'] {
    return this.#model.scores;
  }

  override rateAt(): number {
    return this.#model.rateAt(this.#atMs);
  }

  override lastNeededMs(level: number): number | null {
    return this.#model.lastNeededMs(level);
  }

  override worthOf(level: number): LevelWorth {
    return this.#model.worthOf(level, this.#atMs);
  }

  override keepIdleMs(level: number): number {
    return this.#model.keepIdleMs(level, this.#atMs);
  }
}
