import type { EngineClient } from './engine-client.ts';
import { EngineRefusal } from './engine-fault.ts';

/** What it can do, as it says and as was found out. */
export interface EngineFeatures {
  isPodman: boolean;
  /** Whether its storage can hold a container's file system to a size. */
  rootfsLimit: boolean;
  /** False once it was seen to pass over a request for devices. */
  givesDevices: boolean;
  /** Of the network its containers are in, the end that is this machine; null when it does not tell. */
  hostAddress: string | null;
}

interface Version {
  readonly Components?: readonly { readonly Name: string }[] | null;
}

interface Network {
  readonly IPAM?: {
    readonly Config?: readonly { readonly Gateway?: string; readonly Subnet?: string }[] | null;
  } | null;
}

interface Info {
  readonly Driver?: string;
  readonly DriverStatus?: readonly (readonly string[])[] | null;
}

export async function readEngineFeatures(engine: EngineClient): Promise<EngineFeatures> {
  const version = await engine.call<Version>({ method: 'GET', path: '/version' });
  const info = await engine.call<Info>({ method: 'GET', path: '/info' });
  const isPodman = (version.Components ?? []).some(({ Name }) => /podman/i.test(Name));
  const hostAddress = await readGateway(engine, isPodman ? 'podman' : 'bridge');
  return { isPodman, rootfsLimit: knowsRootfsLimit(info), givesDevices: true, hostAddress };
}

/** An engine may have no such network, and a proxy before its socket may not tell: then only the operator can know. */
async function readGateway(engine: EngineClient, network: string): Promise<string | null> {
  try {
    const { IPAM } = await engine.call<Network>({ method: 'GET', path: `/networks/${network}` });
    const { Gateway, Subnet = '' } = IPAM?.Config?.find(({ Subnet = '' }) => Subnet.includes('.')) ?? {};
    // A Docker that was not told one takes the first of the subnet, and says so from its first container on.
    const [, net, last] = /^(\d+\.\d+\.\d+)\.(\d+)\//.exec(Subnet) ?? [];
    return Gateway ?? (net === undefined ? null : `${net}.${Number(last) + 1}`);
  } catch (error) {
    if (error instanceof EngineRefusal) return null;
    throw error;
  }
}

/** Docker's documentation of `--storage-opt`: these drivers, and overlay on xfs with project quotas. */
function knowsRootfsLimit({ Driver = '', DriverStatus }: Info): boolean {
  if (['btrfs', 'zfs', 'devicemapper', 'windowsfilter'].includes(Driver)) return true;
  const backing = (DriverStatus ?? []).find(([name]) => name === 'Backing Filesystem')?.[1];
  return Driver.startsWith('overlay') && backing === 'xfs';
}
