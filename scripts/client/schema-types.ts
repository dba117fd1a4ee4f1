/** The part of an OpenAPI 3.0 schema that becomes a type. Bounds are the server's to check. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
  readonly nullable?: boolean;
  readonly anyOf?: readonly Schema[];
  readonly description?: string;
}

/** Keywords that say nothing about the type. Any other one is an error, so that none is lost unseen. */
const WITHOUT_TYPE = new Set([
  'description',
  'default',
  'example',
  'readOnly',
  'writeOnly',
  'format',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'maxItems',
  'pattern',
  'x-allowed',
  'x-secret',
]);
const WITH_TYPE = new Set([
  '$ref',
  'type',
  'enum',
  'properties',
  'required',
  'items',
  'additionalProperties',
  'nullable',
  'anyOf',
]);

/** The TypeScript type of a schema. `where` names it in errors. */
export function typeOf(schema: Schema, where: string): string {
  for (const keyword of Object.keys(schema)) {
    if (!WITH_TYPE.has(keyword) && !WITHOUT_TYPE.has(keyword)) {
      throw new Error(`${where}: the keyword "${keyword}" is not known to scripts/client/schema-types.ts`);
    }
  }
  const type = plainTypeOf(schema, where);
  return schema.nullable === true ? `${type} | null` : type;
}

function plainTypeOf(schema: Schema, where: string): string {
  if (schema.$ref !== undefined) return schema.$ref.replace('#/components/schemas/', '');
  if (schema.anyOf !== undefined) return schema.anyOf.map((one) => typeOf(one, where)).join(' | ');
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  switch (schema.type) {
    case undefined:
      return 'unknown';
    case 'string':
    case 'boolean':
      return schema.type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      if (schema.items === undefined) throw new Error(`${where}: an array without items`);
      return `ReadonlyArray<${typeOf(schema.items, `${where}[]`)}>`;
    case 'object':
      return objectTypeOf(schema, where);
    default:
      throw new Error(`${where}: the type "${schema.type}" is not known to scripts/client/schema-types.ts`);
  }
}

function objectTypeOf(schema: Schema, where: string): string {
  if (typeof schema.additionalProperties === 'object') {
    return `Readonly<Record<string, ${typeOf(schema.additionalProperties, `${where}.*`)}>>`;
  }
  const members = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const optional = schema.required?.includes(name) === true ? '' : '?';
    return `${docOf(property.description)}readonly ${keyOf(name)}${optional}: ${typeOf(property, `${where}.${name}`)};`;
  });
  return members.length === 0 ? 'Readonly<Record<string, never>>' : `{\n${members.join('\n')}\n}`;
}

export function docOf(description: string | undefined): string {
  return description === undefined ? '' : `/** ${description.replaceAll('*/', '* /')} */\n`;
}

function keyOf(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}
