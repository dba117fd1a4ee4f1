import type { TableMemory } from '../../src/gateway/threads/shared-table.ts';

export interface HammerSetup {
  readonly table: TableMemory;
  readonly thread: number;
  readonly endpoint: number;
  readonly workers: readonly number[];
  readonly slots: number;
  readonly rounds: number;
}

export interface HammerReport {
  readonly most: number;
  /** Times that something was not as the lock promises. */
  readonly wrong: number;
  readonly waited: number;
  readonly started: number;
}
