import type { Clock } from '../../base/clock.ts';
import { giveSlots } from './give-slots.ts';
import { PATIENCE_MS, type SharedEndpoint } from './shared-endpoint.ts';
import { MAIN_HOLDER, type SharedTable } from './shared-table.ts';

export interface EndpointChangesParts {
  readonly clock: Clock;
  readonly table: SharedTable;
  /** The inbox of that thread was empty and is not any more. */
  wake(thread: number): void;
  /** A change was made. */
  onChanged(shared: SharedEndpoint): void;
  /** The last of those that had to wait for the lock was made. */
  onCaughtUp(shared: SharedEndpoint): void;
}

const NOTHING = (): void => undefined;
/** A lock that was not to be had is tried again so much later. */
const LATE_MS = 20;

/** Changes by the main thread of what is shared of an endpoint: each gives the slots that it freed, and none waits long for a lock. */
export class EndpointChanges {
  readonly #parts: EndpointChangesParts;

  constructor(parts: EndpointChangesParts) {
    this.#parts = parts;
  }

  /** `after` is done without the lock. */
  make(shared: SharedEndpoint, change: () => void, after: () => void = NOTHING): void {
    if (shared.late.length === 0 && this.#lock(shared)) {
      this.makeLocked(shared, change, after);
      return;
    }
    // Its holder died, which this thread must be free to hear of, or has not been let run for long.
    shared.late.push({ change, after });
    if (shared.late.length === 1) this.#tryLater(shared);
  }

  /** Where the lock is held already; it is given back. */
  makeLocked(shared: SharedEndpoint, change: () => void, after: () => void = NOTHING): void {
    const { clock, table } = this.#parts;
    const woken = new Set<number>();
    change();
    giveSlots(table, shared.row, [...shared.workers.values()], {
      nowMs: clock.nowMs(),
      onGiven: (request, thread) => {
        if (table.tell(thread, request)) woken.add(thread);
      },
    });
    table.unlock(shared.row);
    after();
    for (const thread of woken) this.#parts.wake(thread);
    this.#parts.onChanged(shared);
  }

  #tryLater(shared: SharedEndpoint): void {
    this.#parts.clock.schedule(LATE_MS, () => {
      while (shared.late.length > 0) {
        if (!this.#lock(shared)) {
          this.#tryLater(shared);
          return;
        }
        const { change, after } = shared.late.shift() ?? { change: NOTHING, after: NOTHING };
        this.makeLocked(shared, change, after);
      }
      this.#parts.onCaughtUp(shared);
    });
  }

  #lock({ row }: SharedEndpoint): boolean {
    return this.#parts.table.lock(row, MAIN_HOLDER, PATIENCE_MS);
  }
}
