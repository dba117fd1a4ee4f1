import type { DatabaseSync } from 'node:sqlite';
import { JobCalls, type JobAnswer, type JobCall } from '../../src/adapters/store-sql/jobs/job-calls.ts';
import { JOB_MIGRATIONS } from '../../src/adapters/store-sql/jobs/job-migrations.ts';
import { openSqliteDatabase } from '../../src/adapters/store-sql/sqlite-database.ts';
import { jobStoreOn } from '../../src/adapters/store-sql/sqlite-job-store.ts';
import type { JobStore } from '../../src/ports/job-store.ts';

interface Pending {
  readonly call: JobCall;
  readonly resolve: (answer: JobAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The real statements on a database in memory, without a thread: calls are run when the test says
 * so, or soon when it does not care. What outlives a "restart" is the database alone.
 */
export class MemoryJobs {
  readonly database: DatabaseSync = openSqliteDatabase(':memory:', 0, JOB_MIGRATIONS);
  readonly #calls = new JobCalls(this.database);
  #pending: Pending[] = [];
  #manual = false;

  constructor(manual = false) {
    this.#manual = manual;
  }

  /** A server's own connection; after `lose` of it nothing more is answered on it. */
  connect(): { readonly store: JobStore; lose(): void } {
    let lost = false;
    const store = jobStoreOn({
      run: (call) =>
        new Promise<JobAnswer>((resolve, reject) => {
          if (lost) return;
          this.#pending.push({
            call,
            resolve: (answer) => {
              if (!lost) resolve(answer);
            },
            reject: (error) => {
              if (!lost) reject(error instanceof Error ? error : new Error(String(error)));
            },
          });
          if (!this.#manual) setImmediate(() => this.flush());
        }),
      close: async () => undefined,
    });
    return {
      store,
      lose: () => {
        lost = true;
      },
    };
  }

  /** Calls that were made and not run. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Runs the first `count` calls as one group, and answers them. */
  flush(count = this.#pending.length): void {
    const group = this.#pending.splice(0, count);
    if (group.length === 0) return;
    const outcomes = this.#calls.runGroup(group.map(({ call }) => call));
    for (const [index, { resolve, reject }] of group.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined || 'failure' in outcome) reject(outcome?.failure);
      else resolve(outcome);
    }
  }

  /** The server died: of the calls that were not run the first `kept` were still carried out. */
  crash(kept: number): void {
    this.#calls.runGroup(this.#pending.slice(0, kept).map(({ call }) => call));
    this.#pending = [];
  }

  close(): void {
    this.database.close();
  }
}
