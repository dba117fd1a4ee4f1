import { constants } from 'node:os';
import { MIB } from '../../base/units.ts';
import type { WorkerExit } from '../../model/worker-exit.ts';

const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** Engines tell 128 + n of a process that signal n ended. */
export function containerExit(
  exitCode: number,
  peakMemoryMib: number | null,
): Omit<WorkerExit, 'outOfMemory'> {
  const signal = SIGNALS.get(exitCode - 128) ?? null;
  return { code: signal === null ? exitCode : null, signal, peakMemoryMib };
}

/** The part of the engine's statistics that is read. */
export interface MemoryStatistics {
  readonly memory_stats?: { readonly usage?: number; readonly max_usage?: number };
}

/** Most memory so far where the kernel counts it (control groups v1), else what is held now. */
export function peakMemoryMib({ memory_stats: memory }: MemoryStatistics): number | null {
  const bytes = Math.max(memory?.max_usage ?? 0, memory?.usage ?? 0);
  return bytes === 0 ? null : Math.ceil(bytes / MIB);
}
