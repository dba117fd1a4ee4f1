import type { WorkerAddress } from '../../model/worker.ts';
import { mainPort } from '../../model/endpoint.ts';
import type { WorkerOrder } from '../../ports/driver.ts';

export type Environment = Readonly<Record<string, string>>;

/**
 * What a worker gets of the server's own environment: where programs, libraries, certificates,
 * proxies and caches are. Nothing else, so that the server's keys and settings stay with it.
 */
const PASSED_ON =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|LD_LIBRARY_PATH|CUDA_HOME|CUDA_PATH|SSL_CERT_FILE|SSL_CERT_DIR|XDG_CACHE_HOME|HF_HOME|(?:https?|no)_proxy|(?:HTTPS?|NO)_PROXY)$/;

/** Ours: an endpoint's variables of these names have no effect. */
const RESERVED = /^(?:PORT|PORT_.*|PILOTLIGHT_.*|CUDA_VISIBLE_DEVICES|CUDA_DEVICE_ORDER)$/;

export const INSTANCE_VARIABLE = 'PILOTLIGHT_INSTANCE';
export const WORKER_VARIABLE = 'PILOTLIGHT_WORKER_ID';
export const ENDPOINT_VARIABLE = 'PILOTLIGHT_ENDPOINT_ID';
export const REVISION_VARIABLE = 'PILOTLIGHT_REVISION';
export const FENCE_VARIABLE = 'PILOTLIGHT_FENCE';
export const STARTED_VARIABLE = 'PILOTLIGHT_STARTED_AT_MS';
export const DEVICES_VARIABLE = 'CUDA_VISIBLE_DEVICES';

export function baseEnvironment(server: Readonly<Record<string, string | undefined>>): Environment {
  const base: Record<string, string> = {};
  for (const [name, value] of Object.entries(server)) {
    if (value !== undefined && PASSED_ON.test(name)) base[name] = value;
  }
  return base;
}

/** The whole environment of a worker; `$NAME` in its command is looked up here too. */
export function workerEnvironment(
  order: WorkerOrder,
  addresses: Readonly<Record<number, WorkerAddress>>,
  base: Environment,
  instance: string,
  startedAtMs: number,
): Environment {
  const environment: Record<string, string> = { ...base, HOST: '127.0.0.1' };
  for (const { key, value } of order.spec.envs) {
    if (!RESERVED.test(key)) environment[key] = value;
  }
  for (const [declared, address] of Object.entries(addresses)) {
    environment[`PORT_${declared}`] = String(address.port);
  }
  environment['PORT'] = environment[`PORT_${mainPort(order.spec)}`] ?? '';
  environment[ENDPOINT_VARIABLE] = order.endpointId;
  environment[WORKER_VARIABLE] = order.workerId;
  environment[REVISION_VARIABLE] = String(order.revision);
  environment[FENCE_VARIABLE] = String(order.fence);
  environment[STARTED_VARIABLE] = String(startedAtMs);
  environment[INSTANCE_VARIABLE] = instance;
  environment['PILOTLIGHT_APP_NAME'] = order.appName;
  // Set even when empty: without it a worker that asked for no device would see them all.
  environment[DEVICES_VARIABLE] = order.devices.join(',');
  // nvidia-smi counts devices by bus; CUDA's own order, fastest first, would make ids mean others.
  environment['CUDA_DEVICE_ORDER'] = 'PCI_BUS_ID';
  return environment;
}
