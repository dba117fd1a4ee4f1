import type { DeviceProcess, SeenDevice } from '../../ports/device-watch.ts';

/** Reads what `nvidia-smi` prints. Lines of another shape than expected are left out. */

/** The questions, in the order in which the fields are read below. */
export const DEVICES_QUESTION = [
  '--query-gpu=index,uuid,memory.total,memory.used,driver_version,name',
  '--format=csv,noheader,nounits',
] as const;
export const PROCESSES_QUESTION = [
  '--query-compute-apps=gpu_uuid,pid,used_gpu_memory,process_name',
  '--format=csv,noheader,nounits',
] as const;

/** In place of a value, where a device does not answer. */
const LOST = /GPU is lost|Unknown Error/i;

type ListedDevice = Omit<SeenDevice, 'processes'> & { readonly driverVersion: string | null };

/** Lines such as `0, GPU-5f2c…, 81559, 4, 570.124.06, NVIDIA H100 80GB HBM3`. */
export function parseDevices(text: string): ListedDevice[] {
  const devices: ListedDevice[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*(\d+)\s*,([^,]*),([^,]*),([^,]*),([^,]*),(.*)$/.exec(line);
    if (match === null) continue;
    const [index, uuid, total, used, driver, name] = match.slice(1).map((field) => field.trim()) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const lost = LOST.test(line);
    devices.push({
      // The number of a device changes when another one is lost; its UUID does not.
      id: /^(?:GPU|MIG)-/.test(uuid) ? uuid : index,
      index: Number(index),
      productId: productIdOf(name),
      name,
      // "[N/A]" on devices that share the host's memory.
      memoryMib: numberOf(total) ?? 0,
      usedMib: numberOf(used),
      driverVersion: /^\d/.test(driver) ? driver : null,
      lost,
    });
  }
  return devices;
}

/** `NVIDIA H100 80GB HBM3` → `nvidia-h100-80gb-hbm3`. */
export function productIdOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}

/** The plain output's header has `CUDA Version: 12.8`, or `N/A` where the CUDA library is missing. */
export function parseCudaVersion(text: string): string | null {
  return /CUDA (?:UMD )?Version\s*:\s*(\d+\.\d+)/.exec(text)?.[1] ?? null;
}

/** Lines such as `GPU-5f2c…, 4711, 2048, /usr/bin/python3`: device id → processes. */
export function parseProcesses(text: string): Map<string, DeviceProcess[]> {
  const byDevice = new Map<string, DeviceProcess[]>();
  for (const line of text.split('\n')) {
    const match = /^\s*([^,\s]+)\s*,\s*(\d+)\s*,([^,]*),(.*)$/.exec(line);
    const [, uuid, pid, used, name] = match ?? [];
    if (uuid === undefined || pid === undefined || used === undefined || name === undefined) continue;
    const processes = byDevice.get(uuid) ?? [];
    processes.push({ pid: Number(pid), name: name.trim(), usedMib: numberOf(used.trim()) });
    byDevice.set(uuid, processes);
  }
  return byDevice;
}

function numberOf(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) : null;
}
