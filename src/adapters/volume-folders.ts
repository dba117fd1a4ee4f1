import { chmod, mkdir, readdir, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../base/errors.ts';
import { GB } from '../base/units.ts';
import type { VolumeId } from '../base/ids.ts';
import type { VolumeFolders } from '../ports/volume-folders.ts';

const RETIRED = '.deleted';

/**
 * One folder a volume under `folder`, which only the server's user may enter. Inside, everyone may
 * write: a container's program runs as whatever user its image says.
 */
export function openVolumeFolders(folder: string): VolumeFolders {
  const folderOf = (volumeId: VolumeId): string => join(folder, volumeId);
  const retiredOf = (volumeId: VolumeId): string => join(folder, `${volumeId}${RETIRED}`);
  const guarded = async <T>(what: string, path: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
      throw new AppError('STORE_FAILED', `The volume folder ${path} cannot be ${what} (${code}).`, { cause });
    }
  };
  const move = async (from: string, to: string): Promise<void> => {
    try {
      await rename(from, to);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  };
  return {
    folderOf,
    create: async (volumeId) =>
      guarded('made', folderOf(volumeId), async () => {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await mkdir(folderOf(volumeId), { recursive: true });
        // Not by `mkdir`: the process's umask takes from that.
        await chmod(folderOf(volumeId), 0o777);
      }),
    retire: async (volumeId) =>
      guarded('moved', folderOf(volumeId), async () => move(folderOf(volumeId), retiredOf(volumeId))),
    restore: async (volumeId) =>
      guarded('moved', retiredOf(volumeId), async () => move(retiredOf(volumeId), folderOf(volumeId))),
    remove: async (volumeId) =>
      guarded('removed', retiredOf(volumeId), async () =>
        rm(retiredOf(volumeId), { recursive: true, force: true, maxRetries: 3 }),
      ),
    list: async () =>
      guarded('read', folder, async () => {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        const entries = await readdir(folder, { withFileTypes: true });
        return entries
          .filter((entry) => entry.isDirectory() && /^[a-z0-9]+(?:\.deleted)?$/.test(entry.name))
          .map(({ name }) => ({
            volumeId: name.replace(RETIRED, '') as VolumeId,
            retired: name.endsWith(RETIRED),
          }));
      }),
    capacityGb: async () =>
      guarded('looked at', folder, async () => {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        const { blocks, bsize } = await statfs(folder);
        return Math.floor((blocks * bsize) / GB);
      }),
  };
}
