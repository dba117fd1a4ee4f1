// Writes the types of the client, made out of the OpenAPI document: `npm run client`.
import { writeFile } from 'node:fs/promises';
import { currentSchemaSource, SCHEMA_FILE } from './client/schema-source.ts';

await writeFile(SCHEMA_FILE, await currentSchemaSource());
console.log(`wrote ${SCHEMA_FILE}`);
