import type { EndpointId, WorkerId } from '../../base/ids.ts';
import type { WorkerOrder } from '../../ports/driver.ts';

/**
 * What a container of ours says of itself. All that a server needs to take it back is here, so that
 * nothing else has to have been written down when it crashed.
 */
const PREFIX = 'pilotlight.';
export const INSTANCE_LABEL = `${PREFIX}instance`;

export type Labels = Readonly<Record<string, string>>;

export interface LabelledWorker {
  readonly workerId: WorkerId;
  readonly endpointId: EndpointId;
  readonly revision: number;
  readonly devices: readonly string[];
  readonly fence: number;
  readonly startedAtMs: number;
  readonly ports: readonly number[];
}

export function workerLabels(
  order: WorkerOrder,
  instance: string,
  startedAtMs: number,
  ports: readonly number[],
): Labels {
  return {
    [INSTANCE_LABEL]: instance,
    [`${PREFIX}worker`]: order.workerId,
    [`${PREFIX}endpoint`]: order.endpointId,
    [`${PREFIX}app`]: order.appName,
    [`${PREFIX}revision`]: String(order.revision),
    [`${PREFIX}fence`]: String(order.fence),
    [`${PREFIX}devices`]: order.devices.join(','),
    [`${PREFIX}ports`]: ports.join(','),
    [`${PREFIX}started-at-ms`]: String(startedAtMs),
  };
}

/** Null for labels that are not whole: somebody else's, or made by hand. */
export function labelledWorker(labels: Labels): LabelledWorker | null {
  const workerId = labels[`${PREFIX}worker`] ?? '';
  const endpointId = labels[`${PREFIX}endpoint`] ?? '';
  const numbers = ['revision', 'fence', 'started-at-ms'].map((name) => labels[`${PREFIX}${name}`] ?? '');
  if (workerId === '' || endpointId === '' || numbers.some((text) => !/^\d{1,15}$/.test(text))) return null;
  const [revision = 0, fence = 0, startedAtMs = 0] = numbers.map(Number);
  return {
    workerId: workerId as WorkerId,
    endpointId: endpointId as EndpointId,
    revision,
    fence,
    startedAtMs,
    devices: listed(labels[`${PREFIX}devices`]),
    ports: listed(labels[`${PREFIX}ports`]).map(Number),
  };
}

function listed(text: string | undefined): readonly string[] {
  return text === undefined || text === '' ? [] : text.split(',');
}
