import type { EndpointId } from '../base/ids.ts';
import { SECOND_MS } from '../base/units.ts';
import type { DeviceWatch } from '../ports/device-watch.ts';
import type { ControlPorts } from './control-options.ts';
import type { DeviceChange } from './device-table.ts';
import type { EndpointEntry } from './endpoint-entry.ts';
import type { Inventory } from './inventory.ts';

/** Between looks at the devices, while nobody waits for one. */
const PERIOD_MS = 30 * SECOND_MS;
/** And while a worker waits and a device is kept from it by programs that are no workers, or is gone. */
const WAITING_PERIOD_MS = SECOND_MS;

interface RefreshParts {
  readonly ports: Pick<ControlPorts, 'clock' | 'log'>;
  readonly deviceWatch: DeviceWatch;
  readonly inventory: Inventory;
  readonly entries: ReadonlyMap<EndpointId, EndpointEntry>;
  /** A worker is without devices. */
  readonly wanted: () => boolean;
  /** There are more devices to give than before. */
  readonly onMore: () => void;
}

/** Looks at the devices again and again, and tells the inventory. A look that fails changes nothing. */
export class DeviceRefresh {
  readonly #parts: RefreshParts;
  #dueMs: number;
  #failing = false;
  #closed = false;
  #cancel: (() => void) | null = null;

  constructor(parts: RefreshParts) {
    this.#parts = parts;
    this.#dueMs = parts.ports.clock.monotonicMs();
    this.#tick();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  #tick(): void {
    const { ports, inventory, wanted } = this.#parts;
    if (this.#closed) return;
    const isDue = ports.clock.monotonicMs() >= this.#dueMs || (wanted() && inventory.someUnusable);
    // Asked before it is scheduled again: there is never more than one look at a time.
    void (isDue ? this.#look() : Promise.resolve()).then(() => {
      if (!this.#closed) this.#cancel = ports.clock.schedule(WAITING_PERIOD_MS, () => this.#tick());
    });
  }

  async #look(): Promise<void> {
    const { ports, deviceWatch, inventory, entries, onMore } = this.#parts;
    const start = inventory.readingStart(entries.values());
    try {
      const reading = await deviceWatch.read();
      if (this.#closed) return;
      if (this.#failing) ports.log.info('the devices can be read again');
      this.#failing = false;
      const changes = inventory.apply(reading, start, ports.clock.nowMs());
      for (const change of changes) this.#tell(change);
      if (changes.some(({ what }) => what === 'found' || what === 'back' || what === 'leftByOthers'))
        onMore();
    } catch (error) {
      if (!this.#closed && !this.#failing)
        ports.log.warn('the devices cannot be read; what was known of them holds on', { error });
      this.#failing = true;
    } finally {
      this.#dueMs = ports.clock.monotonicMs() + PERIOD_MS;
    }
  }

  #tell({ known: { device, index, usedMib, processes }, what }: DeviceChange): void {
    const { log } = this.#parts.ports;
    const facts = { device: device.id, name: device.name, index };
    if (what === 'gone') log.warn('a device is gone: it is given to no worker', facts);
    else if (what === 'usedByOthers') {
      const pids = processes.map(({ pid, name }) => `${pid} ${name}`).join(', ');
      log.warn('a device is used by programs that are no workers: it is given to none', {
        ...facts,
        usedMib,
        pids,
      });
    } else
      log.info(what === 'found' ? 'a device was found' : 'a device can be given to workers again', facts);
  }
}
