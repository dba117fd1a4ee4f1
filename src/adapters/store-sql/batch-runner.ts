import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { BatchAnswer, BatchRefusal, SqlRow, SqlStatement } from './sql-batch.ts';
import type { Outcome } from './sqlite-message.ts';
import {
  SQLITE_CONSTRAINT_FOREIGNKEY,
  SQLITE_CONSTRAINT_PRIMARYKEY,
  SQLITE_CONSTRAINT_UNIQUE,
  sqliteCode,
} from './sqlite-code.ts';

/** The store's statements are a few dozen texts; the bound is for those that are not. */
const PREPARED_MAX = 100;

/**
 * Runs groups of batches: one transaction and one wait for the disk for all of a group, a savepoint
 * for each batch, so that a refused batch takes no other one with it.
 */
export class BatchRunner {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** One outcome a batch, in order. When the commit fails, or the disk is full, all of them failed. */
  runGroup(batches: readonly (readonly SqlStatement[])[]): readonly Outcome<BatchAnswer>[] {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const outcomes = batches.map((batch) => this.#runBatch(batch));
      this.#database.exec('COMMIT');
      return outcomes;
    } catch (failure) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      return batches.map(() => ({ failure }));
    }
  }

  #runBatch(batch: readonly SqlStatement[]): Outcome<BatchAnswer> {
    this.#database.exec('SAVEPOINT batch');
    try {
      const rows: (readonly SqlRow[])[] = [];
      for (const [index, statement] of batch.entries()) {
        const { rows: returned, count } = this.#runStatement(statement);
        if (statement.expectedRows !== null && statement.expectedRows !== count) {
          this.#undo();
          return { refusal: { kind: 'rowCount', statement: index } };
        }
        rows.push(returned);
      }
      this.#database.exec('RELEASE batch');
      return { rows };
    } catch (error) {
      // A full disk or a failed write ends the whole transaction, and the batches before this one with it.
      if (!this.#database.isTransaction) throw error;
      this.#undo();
      const refusal = refusalOf(error);
      return refusal === null ? { failure: error } : { refusal };
    }
  }

  #undo(): void {
    this.#database.exec('ROLLBACK TO batch');
    this.#database.exec('RELEASE batch');
  }

  #runStatement({ sql, parameters }: SqlStatement): { rows: readonly SqlRow[]; count: number } {
    const prepared = this.#prepare(sql);
    if (prepared.columns().length === 0) {
      return { rows: [], count: Number(prepared.run(...parameters).changes) };
    }
    const rows = prepared.all(...parameters) as SqlRow[];
    return { rows, count: rows.length };
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    if (this.#prepared.size >= PREPARED_MAX) this.#prepared.clear();
    const prepared = this.#database.prepare(sql);
    this.#prepared.set(sql, prepared);
    return prepared;
  }
}

function refusalOf(error: unknown): BatchRefusal | null {
  const code = sqliteCode(error);
  if (code === SQLITE_CONSTRAINT_FOREIGNKEY) return { kind: 'reference' };
  if (code === SQLITE_CONSTRAINT_UNIQUE || code === SQLITE_CONSTRAINT_PRIMARYKEY) {
    // SQLite names the columns in its message alone: "UNIQUE constraint failed: endpoints.app_name".
    return { kind: 'unique', columns: (error as Error).message.replace(/^.*: /, '') };
  }
  return null;
}
