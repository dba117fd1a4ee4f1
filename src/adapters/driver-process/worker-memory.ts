import { MIB } from '../../base/units.ts';
import type { WorkerExit } from '../../model/worker-exit.ts';
import { processesOfGroups, residentMemory } from './process-table.ts';
import type { WorkerCgroups } from './worker-cgroups.ts';

/** How often memory is looked at: what grows and dies between two looks is told too low. */
const LOOK_MS = 1_000;
const KIB_PER_MIB = 1_024;

interface Watched {
  /** Also the id of its process group; null: it is not known. */
  readonly pid: number | null;
  peakKib: number | null;
}

/** Keeps the most memory that each running worker was seen with. */
export class WorkerMemory {
  readonly #cgroups: WorkerCgroups | null;
  readonly #watched = new Map<string, Watched>();
  /** Those whose control group is being made. */
  readonly #joining = new Map<string, Promise<void>>();
  #timer: NodeJS.Timeout | null = null;

  constructor(cgroups: WorkerCgroups | null) {
    this.#cgroups = cgroups;
  }

  /** It was spawned in this turn: what it spawns itself is in its control group from the start. */
  async begin(workerId: string, pid: number): Promise<void> {
    if (this.#cgroups === null) return;
    const joined = this.#cgroups.add(workerId, pid).finally(() => this.#joining.delete(workerId));
    this.#joining.set(workerId, joined);
    await joined;
  }

  /** `pid`: null where its first process is gone, and the number may be a stranger's by now. */
  watch(workerId: string, pid: number | null): void {
    this.#watched.set(workerId, { pid, peakKib: null });
    this.#plan();
  }

  /** All processes of it are gone. */
  async end(workerId: string): Promise<Pick<WorkerExit, 'outOfMemory' | 'peakMemoryMib'>> {
    // One that ended as it began: its group is taken away once it is there.
    await this.#joining.get(workerId);
    const peakKib = this.#watched.get(workerId)?.peakKib ?? null;
    this.#watched.delete(workerId);
    const facts = this.#cgroups?.facts(workerId) ?? null;
    this.#cgroups?.remove(workerId);
    const seenMib = peakKib === null ? null : Math.ceil(peakKib / KIB_PER_MIB);
    if (facts?.outOfMemory !== true || facts.peakBytes === null)
      return { outOfMemory: facts?.outOfMemory ?? null, peakMemoryMib: seenMib };
    // With memory that short no files were left in it: what was charged is what the worker held.
    return { outOfMemory: true, peakMemoryMib: Math.max(seenMib ?? 0, Math.ceil(facts.peakBytes / MIB)) };
  }

  #plan(): void {
    if (this.#timer !== null || this.#watched.size === 0) return;
    this.#timer = setTimeout(() => {
      void this.look().finally(() => {
        this.#timer = null;
        this.#plan();
      });
    }, LOOK_MS);
    // The server has gone when nothing else keeps this process.
    this.#timer.unref();
  }

  /** Done again and again while there are workers. */
  async look(): Promise<void> {
    const groups = new Map<number, Watched>();
    for (const [workerId, watched] of this.#watched) {
      const pids = this.#cgroups?.pids(workerId) ?? null;
      if (pids !== null) note(watched, pids);
      else if (watched.pid !== null) groups.set(watched.pid, watched);
    }
    if (groups.size === 0) return;
    for (const [group, pids] of await processesOfGroups(new Set(groups.keys()))) {
      const watched = groups.get(group);
      if (watched !== undefined) note(watched, pids);
    }
  }
}

/** The sum of what its processes hold now, or the most that one of them ever held. */
function note(watched: Watched, pids: readonly number[]): void {
  let sumKib = 0;
  let mostKib = 0;
  for (const pid of pids) {
    const memory = residentMemory(pid);
    if (memory === null) continue;
    sumKib += memory.residentKib;
    mostKib = Math.max(mostKib, memory.peakKib);
  }
  const peakKib = Math.max(sumKib, mostKib);
  if (peakKib > 0) watched.peakKib = Math.max(watched.peakKib ?? 0, peakKib);
}
