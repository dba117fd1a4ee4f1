import { readdirSync, readFileSync } from 'node:fs';

/**
 * What Linux tells of a program: the program itself and its direct children. Workers of a server are
 * children of a child, and do not count.
 */
export function familyOf(pid: number): readonly number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children];
}

/** Time on a core so far, of all threads, in ms. That of threads that have ended meanwhile is missing. */
export function cpuMs(pids: readonly number[]): number {
  let sumNs = 0;
  for (const pid of pids) {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      sumNs += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    }
  }
  return sumNs / 1e6;
}

/** Resident memory now, in KiB; pages that several of them share count for each. */
export function memoryKib(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return sum + Number(line?.[1] ?? 0);
  }, 0);
}

/** How many files a program started by this one may hold open. */
export function openFileLimit(): number {
  const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return Number(line?.[1] ?? 1_024);
}
