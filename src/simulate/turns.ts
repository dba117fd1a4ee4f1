/**
 * Lets promises settle between two simulated events, and only where one can: who hands out or
 * settles a promise says so with `touch`, and an event that touched nothing costs no turn.
 */
export class Turns {
  #touched = false;

  /** A promise was handed out, or settles now. */
  touch(): void {
    this.#touched = true;
  }

  get needed(): boolean {
    return this.#touched;
  }

  /** Resolves when everything that can settle without time passing has done so. */
  async settle(): Promise<void> {
    if (!this.#touched) return;
    await this.pass();
    this.#touched = false;
  }

  /** One turn of the event loop: all microtasks run, and whoever else lives in this process has a go. */
  async pass(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
