import { AppError } from '../../base/errors.ts';
import { newId, type VolumeId } from '../../base/ids.ts';
import { changedVolume, readVolume } from '../../decide/resources/resource-bodies.ts';
import type { RevisionSpec } from '../../model/endpoint.ts';
import { faultsError } from '../../model/faults.ts';
import { VOLUMES_MAX, type NetworkVolume } from '../../model/network-volume.ts';
import { LOCAL_REGION } from '../../model/product.ts';
import type { WorkerMount } from '../../ports/driver.ts';
import type { Caller } from '../../ports/endpoint-service.ts';
import type { DeleteOutcome, VolumeView } from '../../ports/resource-service.ts';
import type { ControlPorts } from '../control-options.ts';
import { checkRegion } from '../resource-check.ts';
import { holdersText, type ResourceHolders } from './resource-holders.ts';
import { StoredRecords } from './stored-records.ts';

/** Network volumes, and what workers get of them. */
export class NetworkVolumes {
  readonly #ports: ControlPorts;
  readonly #holders: ResourceHolders;
  readonly #records: StoredRecords<VolumeId, NetworkVolume>;
  /** Volumes whose folder was not there when the server started. */
  readonly #missing = new Set<VolumeId>();

  constructor(ports: ControlPorts, holders: ResourceHolders) {
    this.#ports = ports;
    this.#holders = holders;
    this.#records = new StoredRecords({
      list: async () => await ports.store.volumeList(),
      onFatal: ports.onFatal,
    });
  }

  /**
   * Brings records and folders together. A deletion that was under way is finished or taken back, as
   * its record says. A folder that nobody knows stays: its record may be in a backup. A record without
   * its folder is not given an empty one: the data may be where the server looked before.
   */
  async load(): Promise<void> {
    const { volumeFolders: folders, log } = this.#ports;
    await this.#records.load();
    const volumes = new Set(this.#records.values().map(({ id }) => id));
    const found = await folders.list();
    for (const { volumeId, retired } of found) {
      if (retired && volumes.has(volumeId)) await folders.restore(volumeId);
      else if (retired) this.#removeData(volumeId);
      else if (!volumes.has(volumeId))
        log.warn('a folder belongs to no volume; remove it by hand if nothing needs it', {
          folder: folders.folderOf(volumeId),
        });
    }
    const there = new Set(found.map(({ volumeId }) => volumeId));
    for (const id of volumes) {
      if (there.has(id)) continue;
      this.#missing.add(id);
      log.warn('the folder of a volume is not there; its workers will not start', {
        volumeId: id,
        folder: folders.folderOf(id),
      });
    }
  }

  async create(body: unknown, { ownerId }: Caller): Promise<{ readonly id: VolumeId }> {
    const read = readVolume(body, LOCAL_REGION.id);
    if ('faults' in read) throw faultsError(read.faults);
    checkRegion(read.regionId);
    return await this.#records.inTurn(async () => {
      if (this.#records.size >= VOLUMES_MAX) {
        throw new AppError(
          'OPERATION_LIMIT',
          `This server has ${this.#records.size} network volumes, and holds at most ${VOLUMES_MAX}; delete those that nothing uses.`,
        );
      }
      await this.#checkCapacity(read.sizeGb);
      const id = newId<VolumeId>(this.#ports.random);
      const volume: NetworkVolume = { id, ownerId, ...read, createdAtMs: this.#ports.clock.nowMs() };
      // First, so that no stored volume is ever without: a crash in between leaves an empty folder.
      await this.#ports.volumeFolders.create(id);
      try {
        await this.#records.put(volume, async () => await this.#ports.store.volumeInsert(volume));
      } catch (error) {
        await this.#ports.volumeFolders.retire(id);
        this.#removeData(id);
        throw error;
      }
      return { id };
    });
  }

  list(caller: Caller): readonly VolumeView[] {
    const holders = this.#holders.inForce(volumesOf);
    return this.#records
      .values()
      .filter((volume) => caller.admin || volume.ownerId === caller.ownerId)
      .map((volume) => ({ volume, holders: holders.of(volume.id) }));
  }

  get(volumeId: string, caller: Caller): VolumeView {
    const volume = this.#present(volumeId, caller);
    return { volume, holders: this.#holders.inForce(volumesOf).of(volume.id) };
  }

  async update(volumeId: string, body: unknown, caller: Caller): Promise<void> {
    await this.#records.inTurn(async () => {
      const volume = this.#present(volumeId, caller);
      const next = changedVolume(volume, body);
      if ('faults' in next) throw faultsError(next.faults);
      if (next.sizeGb > volume.sizeGb) await this.#checkCapacity(next.sizeGb);
      await this.#records.put(next, async () => await this.#ports.store.volumeUpdate(next));
    });
  }

  async delete(volumeId: string, caller: Caller): Promise<DeleteOutcome> {
    return await this.#records.inTurn(async () => {
      const { id, name } = this.#present(volumeId, caller);
      const holders = this.#holders.inForce(volumesOf).of(id);
      if (holders.length > 0) {
        const users = holdersText(holders);
        throw new AppError(
          'NETWORK_STORAGE_IN_USE',
          `The network volume ${id} ("${name}") is used by ${users}; nothing was deleted. Update the endpoints to go without it first.`,
          { metadata: { used_by: users } },
        );
      }
      const formerly = this.#holders.formerly(volumesOf).of(id);
      await this.#records.remove(id, async () => {
        const folders = this.#ports.volumeFolders;
        await folders.retire(id);
        try {
          await this.#ports.store.volumeDelete(id);
        } catch (error) {
          await folders.restore(id);
          throw error;
        }
      });
      this.#missing.delete(id);
      this.#removeData(id);
      return {
        warnings: [
          `All data of the volume "${name}" is being removed.`,
          ...(formerly.length === 0
            ? []
            : [`A rollback is refused from now on to what needs this volume: ${holdersText(formerly)}.`]),
        ],
      };
    });
  }

  /** Of this owner; undefined where there is none. */
  find(volumeId: string, ownerId: string): NetworkVolume | undefined {
    const volume = this.#records.get(volumeId);
    return volume?.ownerId === ownerId ? volume : undefined;
  }

  /** What a worker of `spec` gets. Throws where a volume or its folder is not there. */
  mountsOf({ volumes }: RevisionSpec): readonly WorkerMount[] {
    return volumes.map(({ id, type, size, mountPoint }) => {
      if (type === 'local') return { mountPoint, kind: 'local', id, hostFolder: null, sizeGb: size };
      const volume = this.#records.get(id);
      if (volume === undefined) throw notFound(id);
      const hostFolder = this.#ports.volumeFolders.folderOf(volume.id);
      if (this.#missing.has(volume.id)) {
        throw new AppError(
          'NETWORK_STORAGE_UNAVAILABLE',
          `The folder ${hostFolder} of the network volume ${id} ("${volume.name}") was not there when the server started; bring it back and start the server again.`,
        );
      }
      return { mountPoint, kind: 'network', id, hostFolder, sizeGb: volume.sizeGb };
    });
  }

  #present(volumeId: string, caller: Caller): NetworkVolume {
    const volume = this.#records.get(volumeId);
    if (volume === undefined || (!caller.admin && volume.ownerId !== caller.ownerId))
      throw notFound(volumeId);
    return volume;
  }

  async #checkCapacity(sizeGb: number): Promise<void> {
    const capacityGb = await this.#ports.volumeFolders.capacityGb();
    if (sizeGb <= capacityGb) return;
    throw new AppError(
      'NETWORK_STORAGE_TOO_LARGE',
      `A volume of ${sizeGb} GB is larger than the disk that volumes are on, which has ${capacityGb} GB in all.`,
      { metadata: { size: `is ${sizeGb}; allowed: up to ${capacityGb}` } },
    );
  }

  /** May take long; what a crash leaves of it is removed by the next server. */
  #removeData(volumeId: VolumeId): void {
    this.#ports.volumeFolders.remove(volumeId).catch((error: unknown) => {
      this.#ports.log.error('the data of a deleted volume could not be removed', { volumeId, error });
    });
  }
}

function volumesOf({ volumes }: RevisionSpec): readonly string[] {
  return volumes.flatMap(({ id, type }) => (type === 'network' ? [id] : []));
}

function notFound(volumeId: string): AppError {
  return new AppError(
    'NETWORK_STORAGE_NOT_FOUND',
    `There is no network volume "${volumeId}"; list the network volumes to see which there are.`,
  );
}
