import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Volume } from '../../model/endpoint.ts';
import type { WorkerMount } from '../../ports/driver.ts';

/**
 * A process sees the host's own files, and nothing can be mounted for it alone: it is told the folder
 * of each volume by a variable made of the mount point. `/srv/llm-cache` is PILOTLIGHT_VOLUME_SRV_LLM_CACHE.
 */
export function volumeVariable(mountPoint: string): string {
  const name = mountPoint.replaceAll(/[^A-Za-z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '');
  return `PILOTLIGHT_VOLUME_${name.toUpperCase()}`;
}

/** What is wrong with the volumes of a spec, by field; null when nothing is. */
export function volumeFault(volumes: readonly Pick<Volume, 'mountPoint'>[]): {
  readonly field: string;
  readonly message: string;
} | null {
  const seen = new Map<string, string>();
  for (const [index, { mountPoint }] of volumes.entries()) {
    const field = `volumes[${index}].mount_point`;
    const variable = volumeVariable(mountPoint);
    if (variable === 'PILOTLIGHT_VOLUME_') {
      return {
        field,
        message: `${field} is "${mountPoint}"; the process driver makes the name of a variable of it, which needs a letter or a digit`,
      };
    }
    const other = seen.get(variable);
    if (other !== undefined) {
      return {
        field,
        message: `${field} is "${mountPoint}", which makes the same variable ${variable} as "${other}"; the process driver tells volumes apart by it`,
      };
    }
    seen.set(variable, mountPoint);
  }
  return null;
}

/** Variables with the folders of a worker's volumes; scratch is made, empty, in the worker's own folder. */
export function volumeVariables(
  mounts: readonly WorkerMount[],
  workerFolder: string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    mounts.map(({ mountPoint, hostFolder }, index) => {
      const folder = hostFolder ?? join(scratchFolder(workerFolder), String(index));
      if (hostFolder === null) mkdirSync(folder, { recursive: true, mode: 0o700 });
      return [volumeVariable(mountPoint), folder];
    }),
  );
}

export async function removeScratch(workerFolder: string): Promise<void> {
  await rm(scratchFolder(workerFolder), { recursive: true, force: true, maxRetries: 3 });
}

function scratchFolder(workerFolder: string): string {
  return join(workerFolder, 'scratch');
}
