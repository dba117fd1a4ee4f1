import type { OwnerId, VolumeId } from '../base/ids.ts';

/** A folder that outlives workers, and that every worker gets whose endpoint names it. */
export interface NetworkVolume {
  readonly id: VolumeId;
  readonly ownerId: OwnerId;
  /** For people; need not be unique. */
  readonly name: string;
  /** What it is meant to hold; it only grows. No driver of one machine enforces it. */
  readonly sizeGb: number;
  readonly regionId: string;
  readonly createdAtMs: number;
}

/** Of one server. */
export const VOLUMES_MAX = 1_000;
