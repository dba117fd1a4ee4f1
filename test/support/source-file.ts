import { parseSync, visitorKeys } from 'oxc-parser';

export interface SourceImport {
  /** As written; null when it is computed. */
  readonly specifier: string | null;
  readonly line: number;
  /** Gone before the program runs. */
  readonly typeOnly: boolean;
}

/** A global, or `object.member` of one, that the file uses. Property names and keys are not uses. */
export interface GlobalUse {
  readonly name: string;
  readonly line: number;
}

export interface SourceFile {
  /** From the repository's root, with `/`. */
  readonly path: string;
  readonly lineCount: number;
  readonly imports: readonly SourceImport[];
  readonly globals: readonly GlobalUse[];
  /** Lines with `async`, `await` or `for await`. */
  readonly asyncLines: readonly number[];
}

/** Loosely typed on purpose: the walk goes through every kind of node there is. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

export function readSource(path: string, text: string): SourceFile {
  const { program, errors } = parseSync(path, text, { sourceType: 'module' });
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message ?? ''}`);
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  const lineOf = (offset: number): number => lineStarts.findLastIndex((start) => start <= offset) + 1;

  const imports: SourceImport[] = [];
  const globals: GlobalUse[] = [];
  const asyncLines: number[] = [];
  walk(program as unknown as Node, null, '', (node, parent, key) => {
    const line = lineOf(node.start);
    const source = importSource(node);
    if (source !== undefined) imports.push({ specifier: source, line, typeOnly: isTypeOnly(node) });
    if (node.type === 'AwaitExpression' || node['async'] === true || node['await'] === true)
      asyncLines.push(line);
    const name = globalName(node, parent, key);
    if (name !== undefined) globals.push({ name, line });
  });
  return { path, lineCount: lineStarts.length, imports, globals, asyncLines };
}

function walk(
  node: Node,
  parent: Node | null,
  key: string,
  visit: (node: Node, parent: Node | null, key: string) => void,
): void {
  visit(node, parent, key);
  const keys = visitorKeys[node.type];
  if (keys === undefined) throw new Error(`the parser knows no children of ${node.type}`);
  for (const childKey of keys) {
    const value = node[childKey];
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) walk(child, node, childKey, visit);
    }
  }
}

/** Static and dynamic imports, re-exports and `import('…')` in types; undefined for every other node. */
function importSource(node: Node): string | null | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return literal(node['source'] ?? node['argument']);
    case 'ExportNamedDeclaration':
      return node['source'] === null ? undefined : literal(node['source']);
    case 'TSExternalModuleReference':
      return literal(node['expression']);
    default:
      return undefined;
  }
}

function isTypeOnly(node: Node): boolean {
  return node.type === 'TSImportType' || node['importKind'] === 'type' || node['exportKind'] === 'type';
}

function literal(value: unknown): string | null {
  if (!isNode(value)) return null;
  if (value.type === 'TSLiteralType') return literal(value['literal']);
  return value.type === 'Literal' && typeof value['value'] === 'string' ? value['value'] : null;
}

/** Places in which an identifier is a name of its own and refers to nothing. */
const NAMING_PLACES = new Set([
  'MemberExpression.property',
  'Property.key',
  'MethodDefinition.key',
  'PropertyDefinition.key',
  'AccessorProperty.key',
  'TSPropertySignature.key',
  'TSMethodSignature.key',
  'TSAbstractPropertyDefinition.key',
  'TSAbstractMethodDefinition.key',
  'TSQualifiedName.right',
  'ImportSpecifier.imported',
  'ExportSpecifier.exported',
  'LabeledStatement.label',
  'BreakStatement.label',
  'ContinueStatement.label',
]);

function globalName(node: Node, parent: Node | null, key: string): string | undefined {
  if (node.type === 'MemberExpression') {
    const object = identifierName(node['object']);
    const member = node['computed'] === true ? literal(node['property']) : identifierName(node['property']);
    return object === undefined || member === undefined || member === null
      ? undefined
      : `${object}.${member}`;
  }
  if (node.type === 'VariableDeclarator' && isNode(node['id']) && node['id'].type === 'ObjectPattern') {
    // `const { env } = process` reads a member as `process.env` does.
    const object = identifierName(node['init']);
    const properties = node['id']['properties'];
    const first =
      Array.isArray(properties) && isNode(properties[0]) ? identifierName(properties[0]['key']) : undefined;
    return object === undefined || first === undefined ? undefined : `${object}.${first}`;
  }
  if (node.type !== 'Identifier' || parent === null) return undefined;
  const naming = NAMING_PLACES.has(`${parent.type}.${key}`) && parent['computed'] !== true;
  return naming ? undefined : identifierName(node);
}

function identifierName(value: unknown): string | undefined {
  return isNode(value) && value.type === 'Identifier' ? String(value['name']) : undefined;
}
