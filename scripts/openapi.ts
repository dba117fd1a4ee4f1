// Writes the OpenAPI document of the control API, made out of its routes: `npm run openapi`.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openApiFile, openApiText } from '../test/support/openapi-document.ts';

await mkdir(dirname(openApiFile), { recursive: true });
await writeFile(openApiFile, await openApiText());
console.log(`wrote ${openApiFile}`);
