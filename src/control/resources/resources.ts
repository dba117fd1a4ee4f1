import { AppError } from '../../base/errors.ts';
import type { EndpointId, OwnerId, RegistryAuthId } from '../../base/ids.ts';
import { DAY_MS } from '../../base/units.ts';
import type { RevisionSpec } from '../../model/endpoint.ts';
import { faultsError } from '../../model/faults.ts';
import { imageRegistry } from '../../model/image-reference.ts';
import type { PrewarmTask } from '../../model/prewarm-task.ts';
import type { RegistryCredential } from '../../model/registry-auth.ts';
import type { PreparedImage, WorkerMount } from '../../ports/driver.ts';
import type { Caller } from '../../ports/endpoint-service.ts';
import type { ResourceService } from '../../ports/resource-service.ts';
import type { ControlPorts } from '../control-options.ts';
import type { EndpointEntry } from '../endpoint-entry.ts';
import type { Inventory } from '../inventory.ts';
import { checkRegion, productOf } from '../resource-check.ts';
import { ImageCleaner } from './image-cleaner.ts';
import { NetworkVolumes } from './network-volumes.ts';
import { noImages, PrewarmTasks } from './prewarm-tasks.ts';
import { RegistryAuths } from './registry-auths.ts';
import { ResourceHolders } from './resource-holders.ts';

/** A prewarmed image waits so long for its first use where images go for want of space alone. */
const PREWARMED_KEPT_MS = 7 * DAY_MS;

/** What endpoints are made with beside their own fields: credentials, volumes and images. */
export class Resources implements ResourceService {
  readonly holders: ResourceHolders;
  readonly #ports: ControlPorts;
  readonly #inventory: Inventory;
  readonly #auths: RegistryAuths;
  readonly #volumes: NetworkVolumes;
  readonly #prewarms: PrewarmTasks;
  readonly #images: ImageCleaner;

  constructor(ports: ControlPorts, entries: ReadonlyMap<EndpointId, EndpointEntry>, inventory: Inventory) {
    this.#ports = ports;
    this.#inventory = inventory;
    this.holders = new ResourceHolders(entries);
    this.#auths = new RegistryAuths(ports, this.holders, (authId: RegistryAuthId) =>
      this.#prewarms.tasksWith(authId),
    );
    this.#volumes = new NetworkVolumes(ports, this.holders);
    this.#prewarms = new PrewarmTasks(ports, {
      check: (task) => this.#checkTask(task),
      credentialOf: (authId) => this.#auths.credentialOf(authId),
      onPulled: (image, prepared) => this.prepared(image, prepared),
    });
    this.#images = new ImageCleaner(ports, () => {
      const keptMs = ports.options.images.unusedMs ?? PREWARMED_KEPT_MS;
      return {
        needed: [...this.holders.images(), ...this.#prewarms.imagesUnderWay()],
        reserved: this.#prewarms.imagesSince(ports.clock.nowMs() - keptMs),
      };
    });
  }

  async load(): Promise<void> {
    await this.#auths.load();
    await this.#volumes.load();
    await this.#prewarms.load();
    await this.#images.load();
  }

  /** After the endpoints are known: from now on tasks run and images go. */
  start(): void {
    this.#prewarms.start();
    this.#images.start();
  }

  /** Refuses a spec of this owner's that names what is not there, or does not fit. */
  check(spec: RevisionSpec, ownerId: OwnerId): void {
    const faults: Record<string, string> = {};
    const unknownVolumes: string[] = [];
    const authFault = this.#authFault(spec.image, spec.registryAuthId, ownerId);
    if (authFault !== null) faults['registry_auth_id'] = authFault;
    for (const [index, { id, type }] of spec.volumes.entries()) {
      if (type === 'local') continue;
      const path = `volumes[${index}].id`;
      const volume = this.#volumes.find(id, ownerId);
      if (volume === undefined) {
        unknownVolumes.push(path);
        faults[path] =
          `is "${id}"; allowed: the id of a network volume of this endpoint's owner; list the network volumes, or make one`;
      } else if (volume.regionId !== spec.regionId) {
        faults[path] =
          `is a volume of the region "${volume.regionId}"; allowed: one of the endpoint's own region, "${spec.regionId}"`;
      }
    }
    const paths = Object.keys(faults);
    if (paths.length === 0) return;
    const error = faultsError(faults);
    if (paths.length > unknownVolumes.length) throw error;
    throw new AppError('NETWORK_STORAGE_NOT_FOUND', error.message, { metadata: faults });
  }

  /** What a worker of `spec` is started with. Throws where something is not there any more. */
  of(spec: RevisionSpec): {
    readonly credential: RegistryCredential | null;
    readonly mounts: readonly WorkerMount[];
  } {
    return { credential: this.credentialOf(spec), mounts: this.#volumes.mountsOf(spec) };
  }

  /** What the registry of its image is shown. Throws where that is not there any more. */
  credentialOf(spec: Pick<RevisionSpec, 'registryAuthId'>): RegistryCredential | null {
    // A driver without images asks no registry: what an older version stored there says nothing.
    return this.#ports.driver.images === null ? null : this.#auths.credentialOf(spec.registryAuthId);
  }

  /** The image of a worker or of a task is on the machine. */
  prepared(image: string, prepared: PreparedImage | null): void {
    if (prepared !== null) this.#images.note(image, prepared);
  }

  async sweepImages(): Promise<void> {
    await this.#images.sweep();
  }

  async close(): Promise<void> {
    await this.#prewarms.close();
    await this.#images.close();
  }

  async registryAuthCreate(body: unknown, caller: Caller) {
    return await this.#auths.create(body, caller);
  }

  registryAuthList(caller: Caller) {
    return this.#auths.list(caller);
  }

  async registryAuthDelete(authId: string, caller: Caller) {
    return await this.#auths.delete(authId, caller);
  }

  async volumeCreate(body: unknown, caller: Caller) {
    return await this.#volumes.create(body, caller);
  }

  volumeList(caller: Caller) {
    return this.#volumes.list(caller);
  }

  volume(volumeId: string, caller: Caller) {
    return this.#volumes.get(volumeId, caller);
  }

  async volumeUpdate(volumeId: string, body: unknown, caller: Caller) {
    await this.#volumes.update(volumeId, body, caller);
  }

  async volumeDelete(volumeId: string, caller: Caller) {
    return await this.#volumes.delete(volumeId, caller);
  }

  async prewarmCreate(body: unknown, caller: Caller) {
    return await this.#prewarms.create(body, caller);
  }

  prewarmList(caller: Caller) {
    return this.#prewarms.list(caller);
  }

  #checkTask({ image, regionId, productIds, registryAuthId, ownerId }: PrewarmTask): void {
    if (this.#ports.driver.images === null) throw noImages(this.#ports.driver.kind);
    checkRegion(regionId);
    for (const [index, id] of productIds.entries()) productOf(id, this.#inventory, `product_ids[${index}]`);
    const fault = this.#authFault(image, registryAuthId, ownerId);
    if (fault !== null) throw faultsError({ registry_auth_id: fault });
  }

  #authFault(image: string, authId: string, ownerId: OwnerId): string | null {
    if (authId === '') return null;
    const auth = this.#auths.find(authId, ownerId);
    if (auth === undefined) {
      return `is "${authId}"; allowed: empty for none, or the id of a registry credential of the same owner; list them, or save one`;
    }
    // An engine shows the password to whatever registry the image names: it must be the one it is for.
    const registry = imageRegistry(image);
    if (this.#ports.driver.images === null || auth.registry === registry) return null;
    return `is a credential for the registry "${auth.registry}", and the image is pulled from "${registry}"; allowed: one for that registry, or empty for none`;
  }
}
