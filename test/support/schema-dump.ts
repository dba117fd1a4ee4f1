import { fileURLToPath } from 'node:url';
import { openSqliteDatabase } from '../../src/adapters/store-sql/sqlite-database.ts';

export const schemaFile = fileURLToPath(new URL('../../src/adapters/store-sql/schema.sql', import.meta.url));

/** The schema as all migrations together make it, to be read in one place. */
export function schemaText(): string {
  const database = openSqliteDatabase(':memory:', 0);
  const rows = database
    .prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name')
    .all();
  database.close();
  const header = '-- Made by scripts/schema-dump.ts out of the migrations; do not edit.\n';
  return [header, ...rows.map((row) => `${String(row['sql'])};\n`)].join('\n');
}
