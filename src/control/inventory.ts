import type { EndpointId } from '../base/ids.ts';
import {
  assignDevices,
  type CapacityPlan,
  type HoldingWorker,
  type PendingWorker,
} from '../decide/capacity/device-assignment.ts';
import type { RevisionSpec } from '../model/endpoint.ts';
import {
  CPU_PRODUCT_ID,
  devicesPerWorker,
  LOCAL_REGION,
  type Device,
  type Product,
} from '../model/product.ts';
import { rolloutIsOver } from '../model/rollout-state.ts';
import { workerIsLive } from '../model/worker-state.ts';
import type { Fingerprint } from '../ports/driver.ts';
import type { Traffic } from '../ports/traffic.ts';
import type { ControlOptions } from './control-options.ts';
import type { EndpointEntry, WorkerEntry } from './endpoint-entry.ts';
import { maxSurgeOf } from './rollout-options.ts';

/** The devices of this host and who holds them. What is held is read from the workers, never kept twice. */
export class Inventory {
  readonly #devices: ReadonlyMap<string, readonly string[]>;
  readonly products: ReadonlyMap<string, Product>;
  readonly cudaVersion: string | null;

  /** `prices`: product → price of one device, or of one worker of `cpu`, for one hour. */
  constructor(fingerprint: Fingerprint, prices: ReadonlyMap<string, number>) {
    const priceOf = (id: string): number | null => prices.get(id) ?? null;
    const byProduct = new Map<string, Device[]>();
    for (const device of fingerprint.devices) {
      const same = byProduct.get(device.productId) ?? [];
      same.push(device);
      byProduct.set(device.productId, same);
    }
    this.#devices = new Map([...byProduct].map(([id, devices]) => [id, devices.map((device) => device.id)]));
    const regionIds = [LOCAL_REGION.id];
    const products: Product[] = [
      {
        id: CPU_PRODUCT_ID,
        name: 'CPU',
        type: 'cpu',
        regionIds,
        memoryMib: 0,
        deviceCount: 0,
        pricePerHour: priceOf(CPU_PRODUCT_ID),
      },
    ];
    for (const [id, devices] of byProduct) {
      const [first] = devices;
      if (first === undefined) continue;
      products.push({
        id,
        name: first.name,
        type: 'gpu',
        regionIds,
        memoryMib: first.memoryMib,
        deviceCount: devices.length,
        pricePerHour: priceOf(id),
      });
    }
    this.products = new Map(products.map((product) => [product.id, product]));
    this.cudaVersion = fingerprint.cudaVersion;
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
    const taken = new Set<string>();
    let inLine = 0;
    for (const entry of entries) {
      for (const worker of entry.workers.values()) {
        for (const id of worker.record.devices) taken.add(id);
        for (const id of worker.claimed) taken.add(id);
        if (worker.record.state !== 'pending' || entry === self) continue;
        const spec = entry.revisions.get(worker.record.revision)?.spec;
        if (spec === undefined || spec.productId !== productId) continue;
        inLine += Math.max(0, this.devicesWanted(spec) - worker.claimed.length);
      }
    }
    return (this.#devices.get(productId) ?? []).filter((id) => !taken.has(id)).slice(inLine);
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
            productId: spec.productId,
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
            productId: spec.productId,
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
    return assignDevices({ devices: this.#devices, pending, holding, spare }, nowMs);
  }

  #proving(entry: EndpointEntry, worker: WorkerEntry): boolean {
    const { rollout, targetRevision } = entry.endpoint;
    return rollout !== null && !rolloutIsOver(rollout.state) && worker.record.revision === targetRevision;
  }
}

function isUnproven(entry: EndpointEntry, { record }: WorkerEntry): boolean {
  const { rollout, targetRevision } = entry.endpoint;
  return record.revision === targetRevision && (rollout?.state === 'starting' || rollout?.state === 'baking');
}
