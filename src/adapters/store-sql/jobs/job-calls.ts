import type { DatabaseSync } from 'node:sqlite';
import type { Outcome } from '../sqlite-message.ts';
import { JobTables, type InThread } from './job-tables.ts';
import type { JobStore } from '../../../ports/job-store.ts';

type Methods = InThread<JobStore>;
export type JobMethod = keyof Methods;

/** One call of a method of the store. */
export interface JobCall {
  readonly method: JobMethod;
  readonly parameters: readonly unknown[];
}

export interface JobAnswer {
  readonly value: unknown;
}

/**
 * Runs calls in groups: one transaction, and one wait for the disk, for all of a group. A call that
 * fails undoes the group, which is then run call by call, so that it takes no other one with it.
 * That costs nothing where none fails, as a savepoint for each would.
 */
export class JobCalls {
  readonly #database: DatabaseSync;
  readonly #tables: JobTables;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#tables = new JobTables(database);
  }

  runGroup(calls: readonly JobCall[]): readonly Outcome<JobAnswer>[] {
    const { answers, failure } = this.#transaction(calls);
    if (answers !== null) return answers;
    if (calls.length === 1) return [{ failure }];
    return calls.map((call) => {
      const alone = this.#transaction([call]);
      return alone.answers?.[0] ?? { failure: alone.failure };
    });
  }

  close(): void {
    this.#database.close();
  }

  #transaction(calls: readonly JobCall[]): { answers: readonly JobAnswer[] | null; failure: unknown } {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const answers = calls.map((call) => ({ value: this.#run(call) }));
      this.#database.exec('COMMIT');
      return { answers, failure: null };
    } catch (failure) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      return { answers: null, failure };
    }
  }

  #run({ method, parameters }: JobCall): unknown {
    // Its parameters are those of the method: `SqliteJobStore` makes both.
    const run = this.#tables[method] as (...args: readonly unknown[]) => unknown;
    return run.apply(this.#tables, [...parameters]);
  }
}
