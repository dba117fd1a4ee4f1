// Writes the database schemas that the migrations make: `node scripts/schema-dump.ts`.
import { writeFile } from 'node:fs/promises';
import { SCHEMAS, schemaText } from '../test/support/schema-dump.ts';

for (const { file, migrations } of SCHEMAS) {
  await writeFile(file, schemaText(migrations));
  console.log(`wrote ${file}`);
}
