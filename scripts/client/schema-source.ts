import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format } from 'oxfmt';
import type { FormatOptions } from 'oxfmt';
import { docOf, typeOf } from './schema-types.ts';
import type { Schema } from './schema-types.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

export interface OpenApiDocument {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Entry {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const root = new URL('../../', import.meta.url);
export const SCHEMA_FILE = fileURLToPath(new URL('src/client/schema.ts', root));

/** The text of `src/client/schema.ts` that belongs to the committed OpenAPI document. */
export async function currentSchemaSource(): Promise<string> {
  const text = await readFile(new URL('openapi/control-plane.json', root), 'utf8');
  return schemaSource(JSON.parse(text) as OpenApiDocument);
}

export async function schemaSource(document: OpenApiDocument): Promise<string> {
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]) => `${docOf(schema.description)}export type ${name} = ${typeOf(schema, name)};`,
  );
  const entries = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ method, path, operation })),
  );
  const source = [
    '// Generated from openapi/control-plane.json by `npm run client`; not to be edited by hand.',
    ...schemas,
    `/** What each operation takes and answers. */\nexport interface Operations {\n${entries.map(operationType).join('\n')}\n}`,
    `/** Where each operation is. */\nexport const OPERATIONS = {\n${entries.map(operationPlace).join('\n')}\n} as const;`,
  ].join('\n\n');
  return formatted(source);
}

function operationType({ operation }: Entry): string {
  const { operationId, parameters = [], requestBody, responses } = operation;
  const members = [
    parametersMember(parameters, 'path', operationId),
    parametersMember(parameters, 'query', operationId),
    parametersMember(parameters, 'header', operationId),
  ];
  if (requestBody !== undefined) {
    const { schema } = contentOf(requestBody.content, operationId);
    members.push(`readonly body: ${typeOf(schema, `${operationId} body`)};`);
  }
  const { schema } = contentOf(responses['200']?.content ?? {}, operationId);
  members.push(`readonly answer: ${typeOf(schema, `${operationId} answer`)};`);
  return `${docOf(operation.summary)}readonly ${operationId}: {\n${members.join('\n')}\n};`;
}

function operationPlace({ method, path, operation }: Entry): string {
  const { mediaType } = contentOf(operation.responses['200']?.content ?? {}, operation.operationId);
  const answer = mediaType === 'application/json' ? 'json' : 'text';
  const place = { method: method.toUpperCase(), path, answer };
  return `${operation.operationId}: ${JSON.stringify(place)},`;
}

function contentOf(content: Content, operationId: string): { mediaType: string; schema: Schema } {
  const [only, ...others] = Object.entries(content);
  if (only === undefined || others.length > 0) {
    throw new Error(
      `${operationId}: exactly one content type is expected, not ${Object.keys(content).length}`,
    );
  }
  return { mediaType: only[0], schema: only[1].schema };
}

/** Empty where the operation has no parameter in that place. */
function parametersMember(parameters: readonly Parameter[], place: string, operationId: string): string {
  const here = parameters.filter((parameter) => parameter.in === place);
  if (here.length === 0) return '';
  const properties = here.map(({ name, schema, description }): [string, Schema] => [
    name,
    description === undefined ? schema : { ...schema, description },
  ]);
  const required = here.filter((parameter) => parameter.required === true).map(({ name }) => name);
  const schema = { type: 'object', properties: Object.fromEntries(properties), required };
  const optional = required.length === 0 ? '?' : '';
  return `readonly ${place}${optional}: ${typeOf(schema, `${operationId} ${place}`)};`;
}

async function formatted(source: string): Promise<string> {
  const options = JSON.parse(await readFile(new URL('.oxfmtrc.json', root), 'utf8')) as FormatOptions;
  const result = await format(SCHEMA_FILE, source, options);
  if (result.errors.length > 0) {
    throw new Error(`the generated source is not TypeScript: ${JSON.stringify(result.errors)}\n${source}`);
  }
  return result.code;
}
