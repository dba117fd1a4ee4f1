import type { ControlPorts } from './control-options.ts';
import type { EndpointEntry } from './endpoint-entry.ts';

/** When each endpoint is looked at next: one timer an endpoint, at the earliest time that was asked for. */
export class WakeUps {
  readonly #clock: ControlPorts['clock'];
  readonly #onDue: (entry: EndpointEntry) => void;
  #closed = false;

  constructor({ clock }: Pick<ControlPorts, 'clock'>, onDue: (entry: EndpointEntry) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** As soon as can be. Asked twice for every request, so all but the first in a turn cost nothing. */
  soon(entry: EndpointEntry): void {
    if (entry.wakeIsSoon) return;
    this.at(entry, this.#clock.nowMs());
    entry.wakeIsSoon = entry.cancelWake !== null;
  }

  /** At this time, if not sooner. */
  at(entry: EndpointEntry, atMs: number): void {
    const delayMs = Math.max(0, atMs - this.#clock.nowMs());
    const dueMs = this.#clock.monotonicMs() + delayMs;
    if (this.#closed || (entry.wakeDueMs !== null && entry.wakeDueMs <= dueMs)) return;
    cancel(entry);
    entry.wakeDueMs = dueMs;
    entry.cancelWake = this.#clock.schedule(delayMs, () => {
      entry.wakeDueMs = null;
      entry.cancelWake = null;
      entry.wakeIsSoon = false;
      this.#onDue(entry);
    });
  }

  /** Replaces the time set before; one that is the same to the millisecond stays. */
  onlyAt(entry: EndpointEntry, atMs: number | null): void {
    if (atMs === null) {
      cancel(entry);
      return;
    }
    const dueMs = this.#clock.monotonicMs() + Math.max(0, atMs - this.#clock.nowMs());
    if (entry.wakeDueMs !== null && Math.abs(entry.wakeDueMs - dueMs) < 1) return;
    cancel(entry);
    this.at(entry, atMs);
  }

  close(entries: Iterable<EndpointEntry>): void {
    this.#closed = true;
    for (const entry of entries) cancel(entry);
  }
}

function cancel(entry: EndpointEntry): void {
  entry.cancelWake?.();
  entry.cancelWake = null;
  entry.wakeDueMs = null;
  entry.wakeIsSoon = false;
}
