import type { WorkerAddress } from '../../model/worker.ts';

/** The part of GET /containers/{id}/json that is read. */
export interface InspectedContainer {
  readonly Id: string;
  readonly Image: string;
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
  };
  readonly Config: {
    readonly Labels: Readonly<Record<string, string>> | null;
    readonly StopSignal?: string;
  };
  readonly HostConfig: { readonly DeviceRequests?: readonly unknown[] | null };
  readonly NetworkSettings: {
    readonly Ports: Readonly<
      Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>
    > | null;
    readonly Networks: Readonly<
      Record<string, { readonly Gateway: string; readonly IPAddress: string }>
    > | null;
  };
}

/**
 * Where each declared port is reached from here. When the container's gateway is an address of this
 * host, the container is next door, and its own address is taken: a connection to it is refused when
 * nobody listens, where the engine's proxy behind a published port accepts it, takes the request and
 * then hangs up, which nobody may repeat. It also spares the copying. Otherwise, as with an engine in
 * a virtual machine, the published port of the loopback. Null: it has no such port, or no longer.
 */
export function containerAddresses(
  { NetworkSettings: { Ports, Networks } }: InspectedContainer,
  ports: readonly number[],
  ownAddresses: ReadonlySet<string>,
): Readonly<Record<number, WorkerAddress>> | null {
  const near = Object.values(Networks ?? {}).find(
    ({ Gateway, IPAddress }) => IPAddress !== '' && ownAddresses.has(Gateway),
  );
  const found: Record<number, WorkerAddress> = {};
  for (const port of ports) {
    const published = (Ports?.[`${port}/tcp`] ?? []).find(({ HostIp }) => HostIp === '127.0.0.1');
    if (near !== undefined) found[port] = { host: near.IPAddress, port };
    else if (published !== undefined) {
      found[port] = { host: '127.0.0.1', port: Number(published.HostPort), throughProxy: true };
    } else return null;
  }
  return found;
}
