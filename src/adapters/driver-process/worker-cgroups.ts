import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** The server's own control group under a systemd unit that delegates: workers get theirs beside it. */
export const SERVER_CGROUP = 'pilotlight-server';

export interface CgroupFacts {
  /** Whether the kernel ended a process of it for want of memory. */
  readonly outOfMemory: boolean;
  /** Most that was charged to it at a time, files in memory included; null where the kernel does not tell. */
  readonly peakBytes: number | null;
}

/**
 * A control group for each worker, where this process may make some. It alone can tell that a worker
 * ran out of memory: to its parent, that is a SIGKILL like any other.
 *
 *   version 1: below the server's own group of the memory controller
 *   version 2: likewise, which the kernel allows where no process is in the group itself; so under
 *              systemd the unit is to put the server into a subgroup of that name (DelegateSubgroup)
 */
export class WorkerCgroups {
  readonly #base: string;
  readonly #version: 1 | 2;
  readonly #instance: string;

  private constructor(base: string, version: 1 | 2, instance: string) {
    this.#base = base;
    this.#version = version;
    this.#instance = instance;
  }

  /** Null where none can be made. */
  static open(
    instance: string,
    root = '/sys/fs/cgroup',
    membership = readText('/proc/self/cgroup') ?? '',
  ): WorkerCgroups | null {
    for (const [base, version] of bases(root, membership)) {
      const cgroups = new WorkerCgroups(base, version, instance);
      if (cgroups.#works()) return cgroups;
    }
    return null;
  }

  /** Where that fails nothing is told of it. The kernel may take 20 ms for it, so nobody stands still meanwhile. */
  async add(workerId: string, pid: number): Promise<void> {
    const folder = this.folder(workerId);
    try {
      await mkdir(folder).catch(unlessThere);
      await writeFile(join(folder, 'cgroup.procs'), String(pid));
    } catch {
      // It ended already, or the folder is full of groups: a worker starts without one as well.
      this.remove(workerId);
    }
  }

  /** Null where it has none. */
  pids(workerId: string): number[] | null {
    const text = readText(join(this.folder(workerId), 'cgroup.procs'));
    return text === null
      ? null
      : text
          .split('\n')
          .filter((line) => line !== '')
          .map(Number);
  }

  /** Null where it has none. */
  facts(workerId: string): CgroupFacts | null {
    const folder = this.folder(workerId);
    const [events, peak] =
      this.#version === 1
        ? ['memory.oom_control', 'memory.max_usage_in_bytes']
        : ['memory.events', 'memory.peak'];
    const killed = /^oom_kill (\d+)$/m.exec(readText(join(folder, events)) ?? '')?.[1];
    if (killed === undefined) return null;
    const peakText = readText(join(folder, peak))?.trim() ?? '';
    return { outOfMemory: killed !== '0', peakBytes: /^\d+$/.test(peakText) ? Number(peakText) : null };
  }

  /** Stays where a process is still in it; the next server's worker of that name would take it over. */
  remove(workerId: string): void {
    try {
      rmdirSync(this.folder(workerId));
    } catch {
      // Not there, or not empty yet: it is a few KiB of kernel memory.
    }
  }

  folder(workerId: string): string {
    return join(this.#base, `pilotlight-${this.#instance}-${workerId}`);
  }

  #works(): boolean {
    const trial = `trial-${process.pid}`;
    try {
      makeFolder(this.folder(trial));
      return this.facts(trial) !== null;
    } catch {
      return false;
    } finally {
      this.remove(trial);
    }
  }
}

function bases(root: string, membership: string): [string, 1 | 2][] {
  const found: [string, 1 | 2][] = [];
  for (const line of membership.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    const [, controllers, path] = match ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers.split(',').includes('memory')) {
      // In a container the path can be the host's, while the folder begins at the container's own.
      const own = join(root, 'memory', path);
      found.push([existsSync(own) ? own : join(root, 'memory'), 1]);
    } else if (controllers === '' && existsSync(join(root, 'cgroup.controllers'))) {
      const own = join(root, path);
      const base = basename(own) === SERVER_CGROUP ? dirname(own) : own;
      allowMemory(base);
      found.push([base, 2]);
    }
  }
  return found;
}

/** Lets the groups below have the memory controller. */
function allowMemory(base: string): void {
  try {
    writeFileSync(join(base, 'cgroup.subtree_control'), '+memory');
  } catch {
    // Not ours to change, or processes are in the group itself: the trial tells whether it is there anyway.
  }
}

/** One that is there already was left by a process that is gone. Not recursively: Node would never come back from /proc. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    unlessThere(error);
  }
}

function unlessThere(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
