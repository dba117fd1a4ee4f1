import { mainPort } from '../model/endpoint.ts';
import type { WorkerOrder } from '../ports/driver.ts';

/** Ours: an endpoint's variables of these names have no effect. */
const RESERVED =
  /^(?:PORT|PORT_.*|PILOTLIGHT_.*|CUDA_VISIBLE_DEVICES|CUDA_DEVICE_ORDER|NVIDIA_VISIBLE_DEVICES)$/;

export const INSTANCE_VARIABLE = 'PILOTLIGHT_INSTANCE';
export const WORKER_VARIABLE = 'PILOTLIGHT_WORKER_ID';
export const ENDPOINT_VARIABLE = 'PILOTLIGHT_ENDPOINT_ID';
export const REVISION_VARIABLE = 'PILOTLIGHT_REVISION';
export const FENCE_VARIABLE = 'PILOTLIGHT_FENCE';
export const STARTED_VARIABLE = 'PILOTLIGHT_STARTED_AT_MS';

export interface WorkerPlace {
  /** The address a worker is to listen on. */
  readonly host: string;
  /** Declared port → the one it is to listen on. */
  readonly ports: Readonly<Record<number, number>>;
  /** Names the server to its workers. */
  readonly instance: string;
  readonly startedAtMs: number;
}

/** What every worker is given, whatever runs it: the endpoint's own variables, and ours. */
export function workerVariables(order: WorkerOrder, place: WorkerPlace): Record<string, string> {
  const variables: Record<string, string> = { HOST: place.host };
  for (const { key, value } of order.spec.envs) {
    if (!RESERVED.test(key)) variables[key] = value;
  }
  for (const [declared, port] of Object.entries(place.ports)) variables[`PORT_${declared}`] = String(port);
  variables['PORT'] = variables[`PORT_${mainPort(order.spec)}`] ?? '';
  variables[ENDPOINT_VARIABLE] = order.endpointId;
  variables[WORKER_VARIABLE] = order.workerId;
  variables[REVISION_VARIABLE] = String(order.revision);
  variables[FENCE_VARIABLE] = String(order.fence);
  variables[STARTED_VARIABLE] = String(place.startedAtMs);
  variables[INSTANCE_VARIABLE] = place.instance;
  variables['PILOTLIGHT_APP_NAME'] = order.appName;
  return { ...variables, ...order.variables };
}
