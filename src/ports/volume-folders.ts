import type { VolumeId } from '../base/ids.ts';

/** Where the data of network volumes is. All reject with STORE_FAILED, naming the folder. */
export interface VolumeFolders {
  /** Absolute, whether it is there or not. */
  folderOf(volumeId: VolumeId): string;
  /** Makes it, empty; no error when it is there already. */
  create(volumeId: VolumeId): Promise<void>;
  /** Puts it out of the way, to be removed or brought back; no error when it is not there. */
  retire(volumeId: VolumeId): Promise<void>;
  /** Brings back what was put out of the way. */
  restore(volumeId: VolumeId): Promise<void>;
  /** Removes what was put out of the way, with all that is in it. */
  remove(volumeId: VolumeId): Promise<void>;
  /** Every volume of which there is a folder, put out of the way or not. */
  list(): Promise<readonly { readonly volumeId: VolumeId; readonly retired: boolean }[]>;
  /** Size of the disk they are on, in GB, used or not. */
  capacityGb(): Promise<number>;
}
