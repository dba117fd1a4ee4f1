import { statSync } from 'node:fs';
import { AppError } from '../base/errors.ts';
import type { Environment } from './config.ts';
import { socketPath } from './config-values.ts';

/** Where Docker and Podman put their sockets, as root and for one user. */
function usualSockets(environment: Environment): readonly string[] {
  const own = environment['XDG_RUNTIME_DIR'];
  return [
    '/var/run/docker.sock',
    ...(own === undefined ? [] : [`${own}/docker.sock`]),
    '/run/podman/podman.sock',
    ...(own === undefined ? [] : [`${own}/podman/podman.sock`]),
  ];
}

/** The engine's socket: the configured one, that of DOCKER_HOST, or the first of the usual ones that is there. */
export function engineSocket(configured: string | null, environment: Environment): string {
  if (configured !== null) return configured;
  const host = environment['DOCKER_HOST'] ?? '';
  if (host !== '') {
    const parsed = socketPath(host);
    if ('value' in parsed) return parsed.value;
    throw new AppError('CONFIG_INVALID', `DOCKER_HOST ${parsed.fault}; or set PILOTLIGHT_DOCKER_SOCKET`);
  }
  const usual = usualSockets(environment);
  const found = usual.find((path) => statSync(path, { throwIfNoEntry: false })?.isSocket() === true);
  if (found !== undefined) return found;
  throw new AppError(
    'CONFIG_INVALID',
    `no container engine was found at ${usual.join(', ')}; start one, or set PILOTLIGHT_DOCKER_SOCKET`,
  );
}
