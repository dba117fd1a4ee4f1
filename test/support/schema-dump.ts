import { fileURLToPath } from 'node:url';
import { JOB_MIGRATIONS } from '../../src/adapters/store-sql/jobs/job-migrations.ts';
import { ALL_MIGRATIONS } from '../../src/adapters/store-sql/migrations/all-migrations.ts';
import type { Migration } from '../../src/adapters/store-sql/migrations/migration.ts';
import { openSqliteDatabase } from '../../src/adapters/store-sql/sqlite-database.ts';

const folder = new URL('../../src/adapters/store-sql/', import.meta.url);

/** Each database's schema, to be read in one place, and the file where it is committed. */
export const SCHEMAS: readonly { readonly file: string; readonly migrations: readonly Migration[] }[] = [
  { file: fileURLToPath(new URL('schema.sql', folder)), migrations: ALL_MIGRATIONS },
  { file: fileURLToPath(new URL('jobs/schema.sql', folder)), migrations: JOB_MIGRATIONS },
];

/** The schema as all migrations together make it. */
export function schemaText(migrations: readonly Migration[]): string {
  const database = openSqliteDatabase(':memory:', 0, migrations);
  const rows = database
    .prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name')
    .all();
  database.close();
  const header = '-- Made by scripts/schema-dump.ts out of the migrations; do not edit.\n';
  return [header, ...rows.map((row) => `${String(row['sql'])};\n`)].join('\n');
}
