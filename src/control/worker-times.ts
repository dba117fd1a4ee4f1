import type { ControlPorts } from './control-options.ts';
import type { EndpointEntry, WorkerEntry } from './endpoint-entry.ts';
import type { EndpointRecords } from './endpoint-records.ts';

/** Weight of the newest measurement in a revision's smoothed times. */
const TIME_WEIGHT = 0.3;

/** What a revision's workers are measured by: how long they take to be pulled, to start, drain and stop. */
export class WorkerTimes {
  readonly #clock: ControlPorts['clock'];
  readonly #records: EndpointRecords;

  constructor({ clock }: Pick<ControlPorts, 'clock'>, records: EndpointRecords) {
    this.#clock = clock;
    this.#records = records;
  }

  measure(
    entry: EndpointEntry,
    { record }: WorkerEntry,
    time: 'startTimeMs' | 'pullTimeMs' | 'drainTimeMs' | 'stopTimeMs',
    tookMs: number,
  ): void {
    const known = entry.revisions.get(record.revision)?.[time] ?? null;
    const smoothed = Math.round(known === null ? tookMs : known + (tookMs - known) * TIME_WEIGHT);
    if (smoothed !== known) this.#records.revisionChange(entry, record.revision, { [time]: smoothed });
  }

  /** A wall clock that somebody sets in the meantime is to teach nothing wrong. */
  sinceLaunchMs({ launchedAtMs, record }: WorkerEntry): number {
    if (launchedAtMs !== null) return this.#clock.monotonicMs() - launchedAtMs;
    return record.startedAtMs === null ? 0 : this.sinceMs(record.startedAtMs);
  }

  sinceMs(atMs: number): number {
    return Math.max(0, this.#clock.nowMs() - atMs);
  }
}
