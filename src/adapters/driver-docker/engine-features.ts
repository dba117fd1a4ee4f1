import type { EngineClient } from './engine-client.ts';

/** What it can do, as it says and as was found out. */
export interface EngineFeatures {
  isPodman: boolean;
  /** Whether its storage can hold a container's file system to a size. */
  rootfsLimit: boolean;
  /** False once it was seen to pass over a request for devices. */
  givesDevices: boolean;
}

interface Version {
  readonly Components?: readonly { readonly Name: string }[] | null;
}

interface Info {
  readonly Driver?: string;
  readonly DriverStatus?: readonly (readonly string[])[] | null;
}

export async function readEngineFeatures(engine: EngineClient): Promise<EngineFeatures> {
  const version = await engine.call<Version>({ method: 'GET', path: '/version' });
  const info = await engine.call<Info>({ method: 'GET', path: '/info' });
  const isPodman = (version.Components ?? []).some(({ Name }) => /podman/i.test(Name));
  return { isPodman, rootfsLimit: knowsRootfsLimit(info), givesDevices: true };
}

/** Docker's documentation of `--storage-opt`: these drivers, and overlay on xfs with project quotas. */
function knowsRootfsLimit({ Driver = '', DriverStatus }: Info): boolean {
  if (['btrfs', 'zfs', 'devicemapper', 'windowsfilter'].includes(Driver)) return true;
  const backing = (DriverStatus ?? []).find(([name]) => name === 'Backing Filesystem')?.[1];
  return Driver.startsWith('overlay') && backing === 'xfs';
}
