import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Program → the Debian package it comes with. */
const NEEDED: Readonly<Record<string, string>> = {
  dockerd: 'docker.io',
  runc: 'docker.io',
  iptables: 'iptables',
  'docker-registry': 'docker-registry',
  htpasswd: 'apache2-utils',
  podman: 'podman',
  catatonit: 'catatonit',
  ip: 'iproute2',
  nsenter: 'util-linux',
};
/** Podman finds these by their paths, and starts no container with a network without them. */
const WITH_PODMAN = ['netavark', 'aardvark-dns', 'uidmap', 'slirp4netns'];
const INSTALL_LIMIT_MS = 5 * 60_000;

/** Programs that engines need and this machine lacks. */
export function missingPrograms(): readonly string[] {
  return Object.keys(NEEDED).filter((program) => !onPath(program));
}

/** Installs what the programs come with. Only for machines that are thrown away: it changes the system. */
export function installPrograms(programs: readonly string[]): void {
  const packages = new Set(programs.map((program) => NEEDED[program] ?? program));
  if (packages.has('podman')) for (const name of WITH_PODMAN) packages.add(name);
  apt('update', '-qq');
  apt('install', '-qq', '-y', '--no-install-recommends', ...packages);
}

function apt(...words: readonly string[]): void {
  const { error, status } = spawnSync('apt-get', words, {
    // Its standard output is a progress log of hundreds of lines; what goes wrong is on the other one.
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: INSTALL_LIMIT_MS,
  });
  if (error !== undefined || status !== 0) {
    throw new Error(`apt-get ${words.join(' ')} failed (${error?.message ?? `exit code ${status}`})`);
  }
}

function onPath(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
