import type { VolumeId } from '../base/ids.ts';
import type { Secrets } from '../ports/secrets.ts';
import type { VolumeFolders } from '../ports/volume-folders.ts';

/** Nothing of a simulated world is ever stored where somebody could read it. */
export const OPEN_SECRETS: Secrets = {
  seal: (text, place) => `${place}: ${text}`,
  open: (sealed, place) => sealed.slice(`${place}: `.length),
};

/** Folders that are names alone. */
export class MemoryVolumeFolders implements VolumeFolders {
  readonly present = new Set<VolumeId>();
  readonly retired = new Set<VolumeId>();
  sizeGb = 1_000;

  folderOf(volumeId: VolumeId): string {
    return `/volumes/${volumeId}`;
  }

  async create(volumeId: VolumeId): Promise<void> {
    await Promise.resolve();
    this.present.add(volumeId);
  }

  async retire(volumeId: VolumeId): Promise<void> {
    await Promise.resolve();
    if (this.present.delete(volumeId)) this.retired.add(volumeId);
  }

  async restore(volumeId: VolumeId): Promise<void> {
    await Promise.resolve();
    if (this.retired.delete(volumeId)) this.present.add(volumeId);
  }

  async remove(volumeId: VolumeId): Promise<void> {
    await Promise.resolve();
    this.retired.delete(volumeId);
  }

  async list() {
    return await Promise.resolve([
      ...[...this.present].map((volumeId) => ({ volumeId, retired: false })),
      ...[...this.retired].map((volumeId) => ({ volumeId, retired: true })),
    ]);
  }

  async capacityGb(): Promise<number> {
    return await Promise.resolve(this.sizeGb);
  }
}
