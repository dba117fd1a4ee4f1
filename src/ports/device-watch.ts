import type { Device } from '../model/product.ts';

/** What is seen of this machine's accelerators at one time. */
export interface DeviceReading {
  readonly devices: readonly SeenDevice[];
  /** Of the kernel's driver, such as "570.124.06". */
  readonly driverVersion: string | null;
  /** The highest CUDA version that driver takes, such as "12.8". */
  readonly cudaVersion: string | null;
}

export interface SeenDevice extends Device {
  /** Its number on this machine, as the driver's own tools count. It changes when another one is lost. */
  readonly index: number;
  /** Memory in use, whoever uses it; null where it is not told. */
  readonly usedMib: number | null;
  /** The driver still lists it and can no longer reach it. */
  readonly lost: boolean;
  /** Those that compute on it, as far as the driver names them. */
  readonly processes: readonly DeviceProcess[];
}

export interface DeviceProcess {
  readonly pid: number;
  readonly name: string;
  /** Null where it is not told, such as in a container. */
  readonly usedMib: number | null;
}

/** Looks at this machine's accelerators, whatever starts the workers. */
export interface DeviceWatch {
  /**
   * What is there at some time after this call. Calls that come while one is being answered share the
   * next answer. Rejects with DEVICES_UNREADABLE, within a minute.
   */
  read(): Promise<DeviceReading>;
  close(): Promise<void>;
}
