import type { EndpointId, WorkerId } from '../base/ids.ts';
import {
  assignDevices,
  type CapacityPlan,
  type HoldingWorker,
  type PendingWorker,
} from '../decide/capacity/device-assignment.ts';
import type { DeviceList, DeviceState } from '../model/device-view.ts';
import type { RevisionSpec } from '../model/endpoint.ts';
import {
  CPU_PRODUCT_ID,
  devicesPerWorker,
  GPU_PRODUCT_ID,
  LOCAL_REGION,
  type Product,
} from '../model/product.ts';
import { rolloutIsOver } from '../model/rollout-state.ts';
import { workerIsLive } from '../model/worker-state.ts';
import type { DeviceReading, SeenDevice } from '../ports/device-watch.ts';
import type { Fingerprint } from '../ports/driver.ts';
import type { Traffic } from '../ports/traffic.ts';
import type { ControlOptions } from './control-options.ts';
import { DeviceTable, type DeviceChange, type KnownDevice, type ReadingStart } from './device-table.ts';
import type { EndpointEntry, WorkerEntry } from './endpoint-entry.ts';
import { maxSurgeOf } from './rollout-options.ts';

/** The devices of this host and who holds them. What is held is read from the workers, never kept twice. */
export class Inventory {
  readonly #table: DeviceTable;
  readonly #prices: ReadonlyMap<string, number>;
  readonly #rootfsLimit: boolean;
  #products: ReadonlyMap<string, Product>;
  #driverVersion: string | null = null;
  #cudaVersion: string | null;
  #seenAtMs: number | null = null;

  constructor(fingerprint: Fingerprint, options: Pick<ControlOptions, 'prices' | 'deviceOthersShare'>) {
    this.#table = new DeviceTable(fingerprint.devices, options.deviceOthersShare);
    this.#prices = options.prices;
    this.#cudaVersion = fingerprint.cudaVersion;
    this.#rootfsLimit = fingerprint.capabilities.rootfsLimit;
    this.#products = productsOf(this.#table, this.#prices, this.#rootfsLimit);
  }

  get products(): ReadonlyMap<string, Product> {
    return this.#products;
  }

  get cudaVersion(): string | null {
    return this.#cudaVersion;
  }

  /** The kind of device a product stands for: itself, or for `gpu` a kind that there is here. */
  typeOf(productId: string): string {
    return this.#table.typeOf(productId);
  }

  deviceId(id: string): string {
    return this.#table.idOf(id);
  }

  /** A worker gets them. True when all were seen free of others a short while ago. */
  give(ids: readonly string[], nowMs: number): boolean {
    return this.#table.give(ids, nowMs);
  }

  /** Whether a device is kept from workers by programs that are none, or is gone. */
  get someUnusable(): boolean {
    return this.#table.all().some((known) => !known.present || this.#table.usedByOthers(known));
  }

  inUse(ids: readonly string[], reading: DeviceReading): readonly SeenDevice[] {
    return this.#table.inUse(ids, reading);
  }

  readingStart(entries: Iterable<EndpointEntry>): ReadingStart {
    return this.#table.readingStart(new Set(holdersOf(entries).keys()));
  }

  apply(reading: DeviceReading, start: ReadingStart, nowMs: number): readonly DeviceChange[] {
    const changes = this.#table.apply(reading, start, nowMs);
    this.#products = productsOf(this.#table, this.#prices, this.#rootfsLimit);
    this.#driverVersion = reading.driverVersion;
    this.#cudaVersion = reading.cudaVersion;
    this.#seenAtMs = nowMs;
    return changes;
  }

  list(entries: Iterable<EndpointEntry>): DeviceList {
    const holders = holdersOf(entries);
    return {
      devices: this.#table.all().map((known) => {
        const { device, index, usedMib, processes } = known;
        const workerId = holders.get(device.id) ?? null;
        return { ...device, state: this.#stateOf(known, workerId), index, usedMib, workerId, processes };
      }),
      driverVersion: this.#driverVersion,
      cudaVersion: this.#cudaVersion,
      seenAtMs: this.#seenAtMs,
    };
  }

  #stateOf(known: KnownDevice, workerId: WorkerId | null): DeviceState {
    if (!known.present) return 'gone';
    if (workerId !== null) return 'held';
    return this.#table.usedByOthers(known) ? 'usedByOthers' : 'free';
  }

  devicesWanted(spec: Pick<RevisionSpec, 'productId' | 'gpuNum'>): number {
    const product = this.products.get(spec.productId);
    return product === undefined ? spec.gpuNum : devicesPerWorker(product, spec.gpuNum);
  }

  /** Devices of a product that nobody holds, has reserved or stands in line for. */
  available(productId: string, entries: Iterable<EndpointEntry>): number {
    return this.freeDevices(productId, entries).length;
  }

  /** Their ids. Workers of `self` that stand in line take none away. */
  freeDevices(productId: string, entries: Iterable<EndpointEntry>, self?: EndpointEntry): readonly string[] {
    const type = this.typeOf(productId);
    const taken = new Set<string>();
    let inLine = 0;
    for (const entry of entries) {
      for (const worker of entry.workers.values()) {
        for (const id of worker.record.devices) taken.add(id);
        for (const id of worker.claimed) taken.add(id);
        if (worker.record.state !== 'pending' || entry === self) continue;
        const spec = entry.revisions.get(worker.record.revision)?.spec;
        if (spec === undefined || this.typeOf(spec.productId) !== type) continue;
        inLine += Math.max(0, this.devicesWanted(spec) - worker.claimed.length);
      }
    }
    return (this.#table.usable.get(type) ?? []).filter((id) => !taken.has(id)).slice(inLine);
  }

  /** How many workers of this spec could start now without waiting for a device. */
  room(spec: Pick<RevisionSpec, 'productId' | 'gpuNum'>, entries: Iterable<EndpointEntry>): number {
    const wanted = this.devicesWanted(spec);
    return wanted === 0 ? Infinity : Math.floor(this.available(spec.productId, entries) / wanted);
  }

  /** Who gets which devices, over all endpoints that have workers. */
  plan(
    entries: Iterable<EndpointEntry>,
    traffic: Traffic,
    options: ControlOptions,
    nowMs: number,
  ): CapacityPlan {
    const pending: PendingWorker[] = [];
    const holding: HoldingWorker[] = [];
    const spare = new Map<EndpointId, number>();
    for (const entry of entries) {
      const load = traffic.load(entry.endpoint.id);
      const waitingSinceMs = load.oldestWaitingSinceMs;
      let started = 0;
      let live = 0;
      for (const worker of entry.workers.values()) {
        if (worker.record.state !== 'pending') started += 1;
        // One that is still to be proven is no reason to give away those that serve.
        if (isUnproven(entry, worker)) continue;
        if (workerIsLive(worker.record.state) && worker.record.state !== 'pending') live += 1;
      }
      spare.set(entry.endpoint.id, live - entry.endpoint.settings.minReplicas);
      const limit = entry.endpoint.settings.maxReplicas + maxSurgeOf(entry.endpoint, options);
      for (const worker of entry.workers.values()) {
        const { record } = worker;
        const spec = entry.revisions.get(record.revision)?.spec;
        if (spec === undefined) continue;
        if (record.state === 'pending') {
          const held = started >= limit;
          if (!held) started += 1;
          pending.push({
            workerId: record.id,
            endpointId: record.endpointId,
            productId: this.typeOf(spec.productId),
            devices: this.devicesWanted(spec),
            reserved: worker.claimed,
            createdAtMs: record.createdAtMs,
            waitingSinceMs,
            held,
          });
        } else if (record.devices.length > 0) {
          const workerLoad = load.workers.get(record.id);
          holding.push({
            workerId: record.id,
            endpointId: record.endpointId,
            productId: this.typeOf(spec.productId),
            devices: record.devices,
            leaving: record.state === 'draining' || record.state === 'stopping',
            running: workerLoad?.running ?? 0,
            idleSinceMs: workerLoad?.idleSinceMs ?? null,
            readyAtMs: record.readyAtMs,
            startTimeMs: entry.revisions.get(record.revision)?.startTimeMs ?? null,
            waitingSinceMs,
            protected: record.state !== 'ready' || this.#proving(entry, worker),
          });
        }
      }
    }
    return assignDevices({ devices: this.#table.usable, pending, holding, spare }, nowMs);
  }

  #proving(entry: EndpointEntry, worker: WorkerEntry): boolean {
    const { rollout, targetRevision } = entry.endpoint;
    return rollout !== null && !rolloutIsOver(rollout.state) && worker.record.revision === targetRevision;
  }
}

/** Device → the worker that has it, or for which it is kept. */
function holdersOf(entries: Iterable<EndpointEntry>): ReadonlyMap<string, WorkerId> {
  const holders = new Map<string, WorkerId>();
  for (const { workers } of entries) {
    for (const { record, claimed } of workers.values()) {
      for (const id of claimed) holders.set(id, record.id);
    }
    for (const { record } of workers.values()) for (const id of record.devices) holders.set(id, record.id);
  }
  return holders;
}

/** `cpu`; `gpu` where there is a device; and each kind of device by its own name. */
function productsOf(
  table: DeviceTable,
  prices: ReadonlyMap<string, number>,
  rootfsLimit: boolean,
): ReadonlyMap<string, Product> {
  const products = new Map<string, Product>();
  const add = (product: Omit<Product, 'regionIds' | 'rootfsLimit'>): void => {
    products.set(product.id, { ...product, regionIds: [LOCAL_REGION.id], rootfsLimit });
  };
  const cpu = { id: CPU_PRODUCT_ID, name: 'CPU', type: 'cpu', memoryMib: 0, deviceCount: 0 } as const;
  add({ ...cpu, pricePerHour: prices.get(CPU_PRODUCT_ID) ?? null });
  const types = table.byType;
  const ofGpu = table.typeOf(GPU_PRODUCT_ID);
  const ids = types.has(ofGpu) ? [...new Set([GPU_PRODUCT_ID, ...types.keys()])] : [...types.keys()];
  for (const id of ids) {
    const devices = types.get(table.typeOf(id)) ?? [];
    const [first] = devices;
    if (first === undefined) continue;
    // `gpu` has one price for all kinds; a kind may have its own.
    const [own, other] = id === GPU_PRODUCT_ID ? [id, ofGpu] : [id, GPU_PRODUCT_ID];
    add({
      id,
      name: first.device.name,
      type: 'gpu',
      memoryMib: first.device.memoryMib,
      deviceCount: devices.filter(({ present }) => present).length,
      pricePerHour: prices.get(own) ?? prices.get(other) ?? null,
    });
  }
  return products;
}

function isUnproven(entry: EndpointEntry, { record }: WorkerEntry): boolean {
  const { rollout, targetRevision } = entry.endpoint;
  return record.revision === targetRevision && (rollout?.state === 'starting' || rollout?.state === 'baking');
}
