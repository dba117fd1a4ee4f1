import { tooMuchInUse } from '../decide/capacity/others-use.ts';
import { GPU_PRODUCT_ID, type Device } from '../model/product.ts';
import type { DeviceProcess, DeviceReading, SeenDevice } from '../ports/device-watch.ts';

/** So long a device that was seen free counts as free without another look. */
const SEEN_FREE_MS = 60_000;

export interface KnownDevice {
  readonly device: Device;
  /** Null where nobody told it. */
  index: number | null;
  /** Listed and reached at the last look. */
  present: boolean;
  usedMib: number | null;
  processes: readonly DeviceProcess[];
  /** Seen in use while no worker had it; null when not known, as while one has it. */
  othersMib: number | null;
  othersSeenAtMs: number;
  /** How often it was given to a worker. */
  given: number;
}

/** What was so when a reading was asked for: it says of others only where no worker had the device since. */
export interface ReadingStart {
  readonly held: ReadonlySet<string>;
  readonly given: ReadonlyMap<string, number>;
}

export type DeviceChange = {
  readonly known: KnownDevice;
  readonly what: 'found' | 'gone' | 'back' | 'usedByOthers' | 'leftByOthers';
};

/** The devices of this machine and how they were seen last. Who holds them is not known here. */
export class DeviceTable {
  readonly #known = new Map<string, KnownDevice>();
  readonly #othersShare: number;
  /** Made anew by every look: they are asked for with each decision. */
  #byType: ReadonlyMap<string, readonly KnownDevice[]> = new Map();
  #usable: ReadonlyMap<string, readonly string[]> = new Map();
  #gpuType: string = GPU_PRODUCT_ID;

  constructor(devices: readonly Device[], othersShare: number) {
    this.#othersShare = othersShare;
    for (const device of devices) this.#add(device, null);
    this.#sort();
  }

  all(): readonly KnownDevice[] {
    return [...this.#known.values()];
  }

  /** Devices by type, those that are gone too. */
  get byType(): ReadonlyMap<string, readonly KnownDevice[]> {
    return this.#byType;
  }

  /**
   * The type whose devices a product stands for. `gpu` is the only one there is, and on a machine with
   * several the one with the most devices, then the one with the most memory.
   */
  typeOf(productId: string): string {
    return productId === GPU_PRODUCT_ID ? this.#gpuType : productId;
  }

  /** Type → ids of the devices that workers may have, whoever has them now. */
  get usable(): ReadonlyMap<string, readonly string[]> {
    return this.#usable;
  }

  usedByOthers({ othersMib, device }: KnownDevice): boolean {
    return tooMuchInUse(othersMib, device.memoryMib, this.#othersShare);
  }

  /** Of those with more in use than others may have; empty when all could be started on. */
  inUse(ids: readonly string[], reading: DeviceReading): readonly SeenDevice[] {
    return reading.devices.filter(
      ({ id, usedMib, memoryMib }) => ids.includes(id) && tooMuchInUse(usedMib, memoryMib, this.#othersShare),
    );
  }

  /** Former versions knew devices by their number. */
  idOf(id: string): string {
    if (this.#known.has(id) || !/^\d+$/.test(id)) return id;
    const known = this.all().find(({ index }) => index === Number(id));
    return known?.device.id ?? id;
  }

  /** A worker gets them. True when all of them were seen free of others a short while ago. */
  give(ids: readonly string[], nowMs: number): boolean {
    let free = true;
    for (const id of ids) {
      const known = this.#known.get(id);
      if (known === undefined) continue;
      if (known.othersMib === null || nowMs - known.othersSeenAtMs > SEEN_FREE_MS) free = false;
      known.given += 1;
      known.othersMib = null;
    }
    return free;
  }

  readingStart(held: ReadonlySet<string>): ReadingStart {
    return { held, given: new Map(this.all().map(({ device, given }) => [device.id, given])) };
  }

  apply(reading: DeviceReading, start: ReadingStart, nowMs: number): readonly DeviceChange[] {
    const changes: DeviceChange[] = [];
    const seen = new Map(reading.devices.map((device) => [device.id, device]));
    for (const device of seen.values()) {
      if (this.#known.has(device.id) || device.lost) continue;
      changes.push({ known: this.#add(device, device.index), what: 'found' });
    }
    for (const [id, known] of this.#known) {
      const now = seen.get(id);
      const present = now?.lost === false;
      const usedBefore = this.usedByOthers(known);
      known.index = now?.index ?? known.index;
      known.usedMib = present ? now.usedMib : null;
      known.processes = present ? now.processes : [];
      if (present !== known.present) changes.push({ known, what: present ? 'back' : 'gone' });
      known.present = present;
      if (!present) known.othersMib = null;
      else if (!start.held.has(id) && (start.given.get(id) ?? 0) === known.given) {
        known.othersMib = now.usedMib;
        known.othersSeenAtMs = nowMs;
      }
      const usedNow = this.usedByOthers(known);
      if (present && usedNow !== usedBefore)
        changes.push({ known, what: usedNow ? 'usedByOthers' : 'leftByOthers' });
    }
    this.#sort();
    return changes;
  }

  #sort(): void {
    const byType = new Map<string, KnownDevice[]>();
    for (const known of this.#known.values()) {
      const same = byType.get(known.device.productId) ?? [];
      same.push(known);
      byType.set(known.device.productId, same);
    }
    const usable = (known: KnownDevice): boolean => known.present && !this.usedByOthers(known);
    this.#byType = byType;
    this.#usable = new Map(
      [...byType].map(([type, devices]) => [type, devices.filter(usable).map(({ device }) => device.id)]),
    );
    const memoryOf = (devices: readonly KnownDevice[]): number => devices[0]?.device.memoryMib ?? 0;
    const [most] = [...byType].sort(([, a], [, b]) => b.length - a.length || memoryOf(b) - memoryOf(a));
    this.#gpuType = most?.[0] ?? GPU_PRODUCT_ID;
  }

  #add(device: Device, index: number | null): KnownDevice {
    const { id, productId, name, memoryMib } = device;
    const known: KnownDevice = {
      device: { id, productId, name, memoryMib },
      index,
      present: true,
      usedMib: null,
      processes: [],
      othersMib: null,
      othersSeenAtMs: 0,
      given: 0,
    };
    this.#known.set(id, known);
    return known;
  }
}
