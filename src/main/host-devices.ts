import { GPU_PRODUCT_ID } from '../model/product.ts';
import type { DeviceWatch } from '../ports/device-watch.ts';
import type { HostDevices } from '../ports/driver.ts';
import type { Log } from '../ports/log.ts';

const NO_DEVICES: HostDevices = { devices: [], cudaVersion: null };

/** `count` devices of unknown kind; null: those that the watch sees, none where it sees nothing. */
export async function hostDevices(
  count: number | null,
  deviceWatch: DeviceWatch | null,
  log: Log,
): Promise<HostDevices> {
  if (count !== null) return { devices: unknownDevices(count), cudaVersion: null };
  if (deviceWatch === null) return NO_DEVICES;
  try {
    const { devices, cudaVersion } = await deviceWatch.read();
    return { devices: devices.filter(({ lost }) => !lost), cudaVersion };
  } catch (error) {
    // Looked at again and again: they are used from when they can be read.
    log.warn('nvidia-smi failed, so no GPU is used for now', { error });
    return NO_DEVICES;
  }
}

function unknownDevices(count: number): HostDevices['devices'] {
  return Array.from({ length: count }, (_, index) => ({
    id: String(index),
    productId: GPU_PRODUCT_ID,
    name: 'GPU',
    memoryMib: 0,
  }));
}
