import type { ControlPorts } from './control-options.ts';

/** Writes that are not waited for, of what memory holds already. */
export class StoreWrites {
  readonly #ports: Pick<ControlPorts, 'log' | 'onFatal'>;
  readonly #open = new Set<Promise<void>>();

  constructor(ports: Pick<ControlPorts, 'log' | 'onFatal'>) {
    this.#ports = ports;
  }

  add(write: Promise<void>): void {
    const tracked = write.then(
      () => {
        this.#open.delete(tracked);
      },
      (error: unknown) => {
        this.#open.delete(tracked);
        // Memory has moved on and the disk has not: going on would break every later promise.
        this.#ports.log.error('a record could not be written', { error });
        this.#ports.onFatal(error);
      },
    );
    this.#open.add(tracked);
  }

  /** Resolves when everything written so far is durable. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#open);
  }
}
