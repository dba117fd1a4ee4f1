import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { currentSchemaSource, SCHEMA_FILE, schemaSource } from '../../scripts/client/schema-source.ts';
import { typeOf } from '../../scripts/client/schema-types.ts';

test('src/client/schema.ts is the one of the OpenAPI document; if not, run: npm run client', async () => {
  assert.equal(await readFile(SCHEMA_FILE, 'utf8'), await currentSchemaSource());
});

test('a change of the document changes the types', async () => {
  const operation = (answer: object) => ({
    get: {
      operationId: 'getThing',
      parameters: [{ name: 'thing_id', in: 'path', required: true, schema: { type: 'string' } }],
      responses: { '200': { content: { 'application/json': { schema: answer } } } },
    },
  });
  const source = async (answer: object) =>
    schemaSource({ components: { schemas: {} }, paths: { '/things/{thing_id}': operation(answer) } });

  const before = await source({ type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] });
  const after = await source({ type: 'object', properties: { a: { type: 'integer' } } });
  assert.match(before, /readonly a: number;/);
  assert.match(after, /readonly a\?: number;/);
  assert.match(after, /getThing: \{ method: 'GET', path: '\/things\/\{thing_id\}', answer: 'json' \}/);
  assert.match(after, /readonly path: \{\s+readonly thing_id: string;/);
});

test('every kind of schema has its type', () => {
  const rows: readonly [Parameters<typeof typeOf>[0], string][] = [
    [{ type: 'string', enum: ['a', 'b'] }, '"a" | "b"'],
    [{ type: 'array', items: { $ref: '#/components/schemas/Thing' } }, 'ReadonlyArray<Thing>'],
    [{ type: 'object', additionalProperties: { type: 'boolean' } }, 'Readonly<Record<string, boolean>>'],
    [{ type: 'number', nullable: true }, 'number | null'],
    [{ description: 'anything' }, 'unknown'],
    [{ anyOf: [{ type: 'string' }, { $ref: '#/components/schemas/Thing' }] }, 'string | Thing'],
    [{ type: 'object' }, 'Readonly<Record<string, never>>'],
  ];
  for (const [schema, type] of rows) assert.equal(typeOf(schema, 'row'), type);
});

test('what the generator does not know is an error, not a guess', () => {
  const unknown = { oneOf: [{ type: 'string' }] } as Parameters<typeof typeOf>[0];
  assert.throws(() => typeOf(unknown, 'Thing.part'), /Thing\.part: the keyword "oneOf"/);
  assert.throws(() => typeOf({ type: 'tuple' }, 'Thing'), /the type "tuple"/);
  assert.throws(() => typeOf({ type: 'array' }, 'Thing'), /an array without items/);
});
