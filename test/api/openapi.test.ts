import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ask, startApi } from '../support/api-server.ts';
import { openApiFile, openApiText } from '../support/openapi-document.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

async function committed(): Promise<{ readonly [key: string]: Json }> {
  return JSON.parse(await readFile(openApiFile, 'utf8')) as { readonly [key: string]: Json };
}

test('the committed document is the one the routes make', async () => {
  assert.equal(await readFile(openApiFile, 'utf8'), await openApiText(), 'stale: run `npm run openapi`');
});

test('the served document is the committed one, with the running version', async (context) => {
  const { url } = await startApi(context);
  const served = (await ask(`${url}/openapi.json`)).json;
  const expected = await committed();
  assert.deepEqual(served, { ...expected, info: { ...(expected['info'] as object), version: '1.2.3' } });
});

test('every reference leads somewhere, every operation has an id and a summary', async () => {
  const document = await committed();
  const visit = (value: Json): void => {
    if (typeof value !== 'object' || value === null) return;
    const reference = 'length' in value ? undefined : value['$ref'];
    if (typeof reference === 'string') {
      const parts = reference.split('/');
      assert.equal(parts[0], '#');
      let target: Json | undefined = document;
      for (const part of parts.slice(1)) target = (target as { readonly [key: string]: Json })[part];
      assert.ok(target !== undefined, reference);
    }
    for (const inner of Object.values(value)) visit(inner);
  };
  visit(document);
  const ids = new Set<string>();
  for (const operations of Object.values(document['paths'] as Record<string, Record<string, Json>>)) {
    for (const operation of Object.values(operations)) {
      const { operationId, summary, responses } = operation as {
        operationId: string;
        summary: string;
        responses: object;
      };
      assert.ok(operationId !== '' && !ids.has(operationId), operationId);
      assert.ok(summary !== '' && '200' in responses, operationId);
      ids.add(operationId);
    }
  }
  assert.ok(ids.size >= 11, String(ids.size));
});
