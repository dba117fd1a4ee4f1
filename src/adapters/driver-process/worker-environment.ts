import type { WorkerAddress } from '../../model/worker.ts';
import type { WorkerOrder } from '../../ports/driver.ts';
import { workerVariables } from '../worker-variables.ts';

export type Environment = Readonly<Record<string, string>>;

/**
 * What a worker gets of the server's own environment: where programs, libraries, certificates,
 * proxies and caches are. Nothing else, so that the server's keys and settings stay with it.
 */
const PASSED_ON =
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|LD_LIBRARY_PATH|CUDA_HOME|CUDA_PATH|SSL_CERT_FILE|SSL_CERT_DIR|XDG_CACHE_HOME|HF_HOME|(?:https?|no)_proxy|(?:HTTPS?|NO)_PROXY)$/;

/** The descriptor on which a worker may say that it takes requests: any byte does. */
export const READY_DESCRIPTOR = 3;
const READY_VARIABLE = 'PILOTLIGHT_READY_FD';

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
  const ports = Object.fromEntries(
    Object.entries(addresses).map(([declared, { port }]) => [Number(declared), port]),
  );
  return {
    ...base,
    ...workerVariables(order, { host: '127.0.0.1', ports, instance, startedAtMs }),
    [READY_VARIABLE]: String(READY_DESCRIPTOR),
    // Set even when empty: without it a worker that asked for no device would see them all.
    [DEVICES_VARIABLE]: order.devices.join(','),
    // nvidia-smi counts devices by bus; CUDA's own order, fastest first, would make ids mean others.
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
  };
}
