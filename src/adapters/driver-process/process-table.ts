import { readFileSync, readdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * The kernel's list of processes. On systems without /proc only what signals can tell is known:
 * whether a pid or a group exists.
 */

/** So many processes are looked at in one turn: about a millisecond. */
const CHUNK = 48;

export interface ProcessStat {
  /** `Z` and `X` are processes that ended and only wait to be collected. */
  readonly state: string;
  readonly group: number;
  readonly start: string;
}

/** Field numbers as in proc(5); the name in field 2 may hold blanks and brackets, so count from its end. */
export function parseStat(text: string): ProcessStat | null {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, , group] = fields;
  const start = fields[19];
  if (state === undefined || group === undefined || start === undefined) return null;
  return { state, group: Number(group), start };
}

export function processStat(pid: number): ProcessStat | null {
  const text = readProc(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

export function processStart(pid: number): string | null {
  return processStat(pid)?.start ?? null;
}

/** Whether the process is there, is the one that had this start time, and has not ended. */
export function processLives(pid: number, start: string | null): boolean {
  if (!signalReaches(pid)) return false;
  const stat = processStat(pid);
  if (stat === null) return start === null;
  return !hasEnded(stat) && (start === null || stat.start === start);
}

/** False when no such process or group (a negative number) exists; a zombie still counts as existing. */
export function signalReaches(target: number, signal: NodeJS.Signals | 0 = 0): boolean {
  try {
    process.kill(target, signal);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Every live process that is in `group` or whose environment holds all of `marks` (`NAME=value`). */
export async function processesOf(group: number | null, marks: readonly string[]): Promise<number[]> {
  const inGroup = group !== null && signalReaches(-group) ? group : null;
  const pids = listPids();
  if (pids === null) return inGroup === null ? [] : [inGroup];
  const found: number[] = [];
  for (const [index, pid] of pids.entries()) {
    if (index % CHUNK === CHUNK - 1) await nextTurn();
    const stat = inGroup === null ? null : processStat(pid);
    if (stat !== null && stat.group === inGroup) {
      if (!hasEnded(stat)) found.push(pid);
    } else {
      const environment = processEnvironment(pid);
      if (environment !== null && marks.every((mark) => environment.includes(mark))) found.push(pid);
    }
  }
  return found;
}

/** Live processes by their group, of these groups. */
export async function processesOfGroups(groups: ReadonlySet<number>): Promise<Map<number, number[]>> {
  const found = new Map<number, number[]>();
  for (const [index, pid] of (listPids() ?? []).entries()) {
    if (index % CHUNK === CHUNK - 1) await nextTurn();
    const stat = processStat(pid);
    if (stat === null || !groups.has(stat.group) || hasEnded(stat)) continue;
    const same = found.get(stat.group) ?? [];
    same.push(pid);
    found.set(stat.group, same);
  }
  return found;
}

/** What a process has in memory now, and the most it ever had; null when it is gone or not told. */
export function residentMemory(pid: number): { residentKib: number; peakKib: number } | null {
  const text = readProc(`/proc/${pid}/status`) ?? '';
  const residentKib = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1];
  const peakKib = /^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1];
  if (residentKib === undefined || peakKib === undefined) return null;
  return { residentKib: Number(residentKib), peakKib: Number(peakKib) };
}

/** The leaders of process groups whose environment holds `mark`, with that environment. */
export async function leadersWith(mark: string): Promise<{ pid: number; environment: readonly string[] }[]> {
  const found: { pid: number; environment: readonly string[] }[] = [];
  for (const [index, pid] of (listPids() ?? []).entries()) {
    if (index % CHUNK === CHUNK - 1) await nextTurn();
    const environment = processEnvironment(pid);
    if (environment === null || !environment.includes(mark)) continue;
    const stat = processStat(pid);
    if (stat !== null && stat.group === pid && !hasEnded(stat)) found.push({ pid, environment });
  }
  return found;
}

function hasEnded(stat: ProcessStat): boolean {
  return stat.state === 'Z' || stat.state === 'X';
}

function listPids(): number[] | null {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return names.filter((name) => /^[0-9]+$/.test(name)).map(Number);
}

/** Null when it ended meanwhile or belongs to another user; empty for one that only waits to be collected. */
function processEnvironment(pid: number): string[] | null {
  return readProc(`/proc/${pid}/environ`)?.split('\0') ?? null;
}

const GONE_OR_FOREIGN = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM']);

function readProc(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (GONE_OR_FOREIGN.has((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}
