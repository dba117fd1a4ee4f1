import type { WorkerId } from '../base/ids.ts';
import type { Device } from './product.ts';

export const DEVICE_STATES = ['free', 'held', 'usedByOthers', 'gone'] as const;
/**
 * `free`: the next worker can have it. `held`: a worker has it, or it is kept for one. `usedByOthers`:
 * programs that are no workers have more of its memory than is left to them. `gone`: the driver no
 * longer lists or reaches it.
 */
export type DeviceState = (typeof DEVICE_STATES)[number];

/** A device of this machine as it is shown. */
export interface DeviceView extends Device {
  readonly state: DeviceState;
  /** As the driver's own tools count; null where they were not asked. */
  readonly index: number | null;
  readonly usedMib: number | null;
  readonly workerId: WorkerId | null;
  readonly processes: readonly {
    readonly pid: number;
    readonly name: string;
    readonly usedMib: number | null;
  }[];
}

export interface DeviceList {
  readonly devices: readonly DeviceView[];
  readonly driverVersion: string | null;
  readonly cudaVersion: string | null;
  /** When they were looked at last; null where they are taken as configured. */
  readonly seenAtMs: number | null;
}
