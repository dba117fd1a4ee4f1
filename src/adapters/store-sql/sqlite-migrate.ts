import type { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../base/errors.ts';
import type { Migration } from './migrations/migration.ts';

const RECORD_TABLE = `CREATE TABLE IF NOT EXISTS migrations (
  number integer NOT NULL PRIMARY KEY,
  name text NOT NULL,
  applied_at_ms bigint NOT NULL
)`;

/**
 * Brings the schema up to the last migration, all steps or none. A database that has a step which
 * this program does not know is left untouched: it would be read wrongly.
 */
export function migrate(database: DatabaseSync, migrations: readonly Migration[], nowMs: number): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec(RECORD_TABLE);
    const applied = appliedNames(database);
    refuseUnknown(applied, migrations);
    const record = database.prepare('INSERT INTO migrations (number, name, applied_at_ms) VALUES (?, ?, ?)');
    for (const migration of migrations) {
      if (applied.has(migration.number)) continue;
      for (const statement of migration.statements) database.exec(statement);
      record.run(migration.number, migration.name, nowMs);
    }
    database.exec('COMMIT');
  } catch (error) {
    // Some errors, such as a full disk, have ended the transaction already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function appliedNames(database: DatabaseSync): ReadonlyMap<number, string> {
  const rows = database.prepare('SELECT number, name FROM migrations ORDER BY number').all();
  return new Map(rows.map((row) => [Number(row['number']), String(row['name'])]));
}

function refuseUnknown(applied: ReadonlyMap<number, string>, migrations: readonly Migration[]): void {
  const known = new Map(migrations.map((migration) => [migration.number, migration.name]));
  for (const [number, name] of applied) {
    const ours = known.get(number);
    if (ours === name) continue;
    const what =
      ours === undefined
        ? `its schema has step ${number} (${name}), this version knows ${migrations.length}`
        : `step ${number} of its schema is "${name}", here it is "${ours}"`;
    throw new AppError(
      'STORE_FAILED',
      `The database was written by another version of Pilotlight: ${what}. Start that version or a newer one, or give this one another data folder.`,
    );
  }
}
