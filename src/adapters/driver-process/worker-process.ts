import { setTimeout as delay } from 'node:timers/promises';
import { UNSEEN_EXIT, type WorkerExit } from '../../model/worker-exit.ts';
import { processesOf, processLives, processStat, signalReaches } from './process-table.ts';
import type { SpawnerReply, SpawnerSetup } from './spawner-message.ts';
import { INSTANCE_VARIABLE, WORKER_VARIABLE } from '../worker-variables.ts';
import type { ProcessRecord } from './process-record.ts';

/** How often a worker that is not a child of this process is looked at. */
const ADOPTED_LOOK_MS = 100;
/** Between looks at what is left of a worker whose first process ended. */
const LEFTOVER_LOOK_MS = { first: 1, last: 200 };
const UNKILLABLE_WARNING_MS = 30_000;

export type SpawnedRecord = ProcessRecord & { readonly pid: number };

type Warn = (message: string, facts: Extract<SpawnerReply, { kind: 'warning' }>['facts']) => void;

/**
 * One worker inside the spawner, from its spawn or adoption to the moment nothing of it is left.
 *
 * What belongs to it: its process group, and every process that carries its marks in the
 * environment, which finds children that made a group of their own. Its end is told when all of
 * them are gone, since the next worker may take the devices then.
 *
 *   running ── leader ends by itself ──────────→ SIGKILL what is left ──→ ended
 *      └─ stop: SIGTERM ── leader ends ─→ the rest has until the grace ends ─┘
 *                └── grace ends: SIGKILL ─┘
 */
export class WorkerProcess {
  readonly record: SpawnedRecord;
  readonly ended: Promise<WorkerExit>;
  readonly #warn: Warn;
  readonly #marks: readonly string[];
  /**
   * Null when the leader was gone before it came under watch: the number may name a stranger's group
   * by now, so only the marks count.
   */
  readonly #group: number | null;
  #leaderGone = false;
  /** From then on what is left is killed; before any stop, the leader's own end is such a time. */
  #killAtMs = Number.NEGATIVE_INFINITY;
  #stopping = false;
  #killTimer: NodeJS.Timeout | null = null;

  constructor(options: {
    readonly record: SpawnedRecord;
    readonly leaderExit: Promise<WorkerExit>;
    readonly leaderWasSeen: boolean;
    readonly setup: SpawnerSetup;
    readonly warn: Warn;
  }) {
    const { record, setup } = options;
    this.record = record;
    this.#group = options.leaderWasSeen ? record.pid : null;
    this.#warn = options.warn;
    this.#marks = [`${WORKER_VARIABLE}=${record.workerId}`, `${INSTANCE_VARIABLE}=${setup.instance}`];
    this.ended = this.#end(options.leaderExit);
  }

  /** Again with a shorter grace: the shorter one holds. */
  stop(graceMs: number): void {
    const killAtMs = Date.now() + graceMs;
    if (this.#stopping && killAtMs >= this.#killAtMs) return;
    this.#killAtMs = killAtMs;
    if (this.#leaderGone) return;
    if (!this.#stopping) {
      this.#signalGroup('SIGTERM');
      void this.#signalStrays();
    }
    this.#stopping = true;
    if (this.#killTimer !== null) clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => this.#signalGroup('SIGKILL'), graceMs);
  }

  async #end(leaderExit: Promise<WorkerExit>): Promise<WorkerExit> {
    const exit = await leaderExit;
    this.#leaderGone = true;
    if (this.#killTimer !== null) clearTimeout(this.#killTimer);
    await this.#leftoversGone();
    return exit;
  }

  async #leftoversGone(): Promise<void> {
    const sinceMs = Date.now();
    let warned = false;
    let pauseMs = LEFTOVER_LOOK_MS.first;
    for (;;) {
      const left = await this.#members();
      if (left.length === 0) return;
      if (Date.now() >= this.#killAtMs) for (const pid of left) signalReaches(pid, 'SIGKILL');
      if (!warned && Date.now() - Math.max(sinceMs, this.#killAtMs) > UNKILLABLE_WARNING_MS) {
        warned = true;
        this.#warn('processes of a worker do not end although they were killed', {
          workerId: this.record.workerId,
          pids: left.join(' '),
        });
      }
      await delay(pauseMs);
      pauseMs = Math.min(pauseMs * 2, LEFTOVER_LOOK_MS.last);
    }
  }

  #signalGroup(signal: NodeJS.Signals): void {
    // An adopted leader may have ended since the last look, and its pid may be another's by now.
    if (processLives(this.record.pid, this.record.pidStart)) signalReaches(-this.record.pid, signal);
  }

  /** Those outside the group got no SIGTERM with it. */
  async #signalStrays(): Promise<void> {
    const members = await this.#members();
    for (const pid of members) {
      if (processStat(pid)?.group !== this.#group) signalReaches(pid, 'SIGTERM');
    }
  }

  #members(): Promise<number[]> {
    return processesOf(this.#group, this.#marks);
  }
}

/** Ends when the process does; how it ended cannot be known of a process that is not a child. */
export async function adoptedExit(pid: number, pidStart: string | null): Promise<WorkerExit> {
  while (processLives(pid, pidStart)) await delay(ADOPTED_LOOK_MS);
  return UNSEEN_EXIT;
}
