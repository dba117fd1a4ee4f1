import type { Clock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import { SECOND_MS } from '../../base/units.ts';

/** An answer of the engine that is being read: NodeJS.ReadableStream has no `destroy`. */
export interface EngineStream extends NodeJS.ReadableStream {
  destroy(error?: Error): void;
}

/** Breaks a stream off that says nothing for too long: what waits for its end would wait for ever. */
export class StreamSilence {
  readonly #stream: EngineStream;
  readonly #clock: Clock;
  readonly #limitMs: number;
  #cancel: () => void = () => undefined;

  constructor(stream: EngineStream, clock: Clock, limitMs: number) {
    this.#stream = stream;
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.heard();
  }

  /** The time begins anew. */
  heard(): void {
    this.#cancel();
    this.#cancel = this.#clock.schedule(this.#limitMs, () =>
      this.#stream.destroy(
        new AppError('ENGINE_SLOW', `the container engine said nothing for ${this.#limitMs / SECOND_MS} s`),
      ),
    );
  }

  /** Nobody reads on: what is not read yet is not waited for. */
  end(): void {
    this.#cancel();
    this.#stream.destroy();
  }
}
