import { AppError } from '../../src/base/errors.ts';
import type { DeviceProcess, DeviceReading, DeviceWatch, SeenDevice } from '../../src/ports/device-watch.ts';

/** Devices that are what a test says; each reading tells what is so when it is answered. */
export class ScriptedDevices implements DeviceWatch {
  readonly #devices = new Map<string, SeenDevice>();
  failing = false;
  cudaVersion = '12.8';
  readings = 0;

  put(id: string, change: Partial<SeenDevice> = {}): void {
    const before = this.#devices.get(id);
    this.#devices.set(id, {
      id,
      index: before?.index ?? this.#devices.size,
      productId: 'nvidia-h100',
      name: 'NVIDIA H100',
      memoryMib: 80_000,
      usedMib: 0,
      lost: false,
      processes: [],
      ...before,
      ...change,
    });
  }

  use(id: string, usedMib: number, processes: readonly DeviceProcess[] = []): void {
    this.put(id, { usedMib, processes });
  }

  remove(id: string): void {
    this.#devices.delete(id);
  }

  async read(): Promise<DeviceReading> {
    this.readings += 1;
    if (this.failing) throw new AppError('DEVICES_UNREADABLE', 'it fails');
    const devices = [...this.#devices.values()];
    return await Promise.resolve({ devices, driverVersion: '570.1', cudaVersion: this.cudaVersion });
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }
}
