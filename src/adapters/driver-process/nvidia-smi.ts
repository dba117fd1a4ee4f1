import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Device } from '../../model/product.ts';
import type { Environment } from './worker-environment.ts';

const run = promisify(execFile);

/** Without the driver's persistence mode the first call after boot takes tens of seconds. */
const QUERY_TIMEOUT_MS = 60_000;
const MEMORY_TIMEOUT_MS = 10_000;

/** `null` when the host has no `nvidia-smi`; rejects when it is there and fails. */
export async function queryDevices(
  environment: Environment,
): Promise<{ devices: Device[]; cudaVersion: string | null } | null> {
  const options = { env: { ...environment }, timeout: QUERY_TIMEOUT_MS };
  try {
    const list = await run(
      'nvidia-smi',
      ['--query-gpu=index,name,memory.total', '--format=csv,noheader,nounits'],
      options,
    );
    const header = await run('nvidia-smi', [], options);
    return { devices: parseDevices(list.stdout), cudaVersion: parseCudaVersion(header.stdout) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The processes that hold memory on any device. */
export async function queryMemoryHolders(environment: Environment): Promise<Set<number>> {
  const { stdout } = await run('nvidia-smi', ['--query-compute-apps=pid', '--format=csv,noheader'], {
    env: { ...environment },
    timeout: MEMORY_TIMEOUT_MS,
  });
  return parsePids(stdout);
}

/** Lines such as `0, NVIDIA H100 80GB HBM3, 81559`; a line of another shape is not a device. */
export function parseDevices(text: string): Device[] {
  const devices: Device[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*(\d+)\s*,\s*(.+?)\s*,\s*([^,]+?)\s*$/.exec(line);
    const [, index, name, memory] = match ?? [];
    if (index === undefined || name === undefined || memory === undefined) continue;
    // "[N/A]" on devices that share the host's memory.
    const memoryMib = /^\d+$/.test(memory) ? Number(memory) : 0;
    devices.push({ id: index, productId: productIdOf(name), name, memoryMib });
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

export function parsePids(text: string): Set<number> {
  const pids = new Set<number>();
  for (const line of text.split('\n')) {
    if (/^\s*\d+\s*$/.test(line)) pids.add(Number(line));
  }
  return pids;
}
