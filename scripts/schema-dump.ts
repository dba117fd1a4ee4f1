// Writes the database schema that the migrations make: `node scripts/schema-dump.ts`.
import { writeFile } from 'node:fs/promises';
import { schemaFile, schemaText } from '../test/support/schema-dump.ts';

await writeFile(schemaFile, schemaText());
console.log(`wrote ${schemaFile}`);
