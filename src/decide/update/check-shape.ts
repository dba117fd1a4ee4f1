import { nearestName } from '../../base/nearest-name.ts';
import type { FaultList } from '../../model/faults.ts';

/**
 * Checks any value against the part of JSON Schema that the API's schemas use, telling every fault
 * by its path. Own code and not a general validator, because the answer must say what was given,
 * what is allowed and which known field an unknown one was meant to be, for all faults at once.
 */
interface Shape {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: unknown;
  readonly 'x-allowed'?: unknown;
  /** What was given is never shown. */
  readonly 'x-secret'?: unknown;
  readonly minimum?: unknown;
  readonly maximum?: unknown;
  readonly maxItems?: number;
  readonly items?: object;
  readonly properties?: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
}

/** What the whole value is called in a fault about itself. */
const ROOT = 'body';
const SHOWN_LENGTH_MAX = 80;

export function checkShape(schema: object, value: unknown, faults: FaultList, path = ''): void {
  if (faults.full) return;
  const shape: Shape = schema;
  // A field without a type takes anything: the read-only ones, which are compared and not stored.
  if (shape.type === 'object') checkObject(shape, value, faults, path);
  else if (shape.type === 'array') checkArray(shape, value, faults, path);
  else if (shape.type === 'string') checkString(shape, value, faults, path);
  else if (shape.type === 'integer' || shape.type === 'number') checkNumber(shape, value, faults, path);
  else if (shape.type === 'boolean' && typeof value !== 'boolean') {
    refuse(faults, path, value, allowedBy(shape));
  }
}

function checkObject(shape: Shape, value: unknown, faults: FaultList, path: string): void {
  const properties = shape.properties ?? {};
  const known = Object.keys(properties);
  if (!isObject(value)) {
    refuse(faults, path, value, `an object with the fields ${known.join(', ')}`);
    return;
  }
  for (const name of shape.required ?? []) {
    if (!Object.hasOwn(value, name)) {
      faults.add(join(path, name), `is missing; allowed: ${allowedBy(properties[name] ?? {})}`);
    }
  }
  // Keys alone: with a hundred thousand of them, entries would take five times as long before the first fault.
  for (const name of Object.keys(value)) {
    if (faults.full) return;
    const field = value[name];
    const fieldShape = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (fieldShape !== undefined) checkShape(fieldShape, field, faults, join(path, name));
    else if (shape.additionalProperties === false) faults.add(join(path, name), unknownField(name, known));
  }
}

function unknownField(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  const all = known.length === 0 ? 'there is none here' : `the known fields are ${known.join(', ')}`;
  const hint = nearest === undefined ? all : `did you mean "${nearest}"?`;
  return `is an unknown field "${shortened(name)}"; ${hint}`;
}

function checkArray(shape: Shape, value: unknown, faults: FaultList, path: string): void {
  if (!Array.isArray(value)) {
    refuse(faults, path, value, allowedBy(shape));
    return;
  }
  if (value.length > (shape.maxItems ?? Infinity)) {
    faults.add(path, `has ${value.length} items; allowed: at most ${shape.maxItems}`);
    return;
  }
  if (shape.items === undefined) return;
  for (const [index, item] of value.entries()) checkShape(shape.items, item, faults, `${path}[${index}]`);
}

function checkString(shape: Shape, value: unknown, faults: FaultList, path: string): void {
  if (typeof value !== 'string') {
    refuse(faults, path, shape['x-secret'] === true ? HIDDEN : value, allowedBy(shape));
    return;
  }
  if (shape.enum !== undefined) {
    if (!shape.enum.includes(value)) refuse(faults, path, value, allowedBy(shape));
    return;
  }
  const length = lengthOf(value, shape);
  if (length < (shape.minLength ?? 0) || length > (shape.maxLength ?? Infinity)) {
    faults.add(
      path,
      `has ${length} ${length === 1 ? 'character' : 'characters'}; allowed: ${allowedBy(shape)}`,
    );
  } else if (value.includes('\0')) {
    faults.add(path, 'has a NUL character; allowed: any text without one');
  } else if (!value.isWellFormed()) {
    faults.add(
      path,
      'has half of a surrogate pair, which no text encoding can hold; allowed: well-formed Unicode',
    );
  } else if (typeof shape.pattern === 'string' && !new RegExp(shape.pattern, 'u').test(value)) {
    refuse(faults, path, value, allowedBy(shape));
  }
}

/** Characters as people count them, not UTF-16 units; counted only where it can matter, for a text may be megabytes. */
function lengthOf(value: string, { minLength = 0, maxLength = Infinity }: Shape): number {
  const units = value.length;
  return units >= 2 * minLength && units <= maxLength ? units : Array.from(value).length;
}

function checkNumber(shape: Shape, value: unknown, faults: FaultList, path: string): void {
  const inRange =
    typeof value === 'number' &&
    (shape.type === 'integer' ? Number.isInteger(value) : Number.isFinite(value)) &&
    !(typeof shape.minimum === 'number' && value < shape.minimum) &&
    !(typeof shape.maximum === 'number' && value > shape.maximum);
  if (!inRange) refuse(faults, path, value, allowedBy(shape));
}

function refuse(faults: FaultList, path: string, value: unknown, allowed: string): void {
  const hint = value === null ? '; leave the field out instead of null' : '';
  faults.add(path === '' ? ROOT : path, `is ${shownValue(value)}; allowed: ${allowed}${hint}`);
}

/** Stands for a value that is not to be repeated. */
const HIDDEN = Symbol('hidden');

/** The given value in words: short, so that a fault never repeats a whole body. */
export function shownValue(value: unknown): string {
  if (value === undefined) return 'absent';
  if (value === HIDDEN) return 'not a string';
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (typeof value === 'string') return `the string ${JSON.stringify(shortened(value))}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function shortened(text: string): string {
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
}

function allowedBy(schema: object): string {
  const shape: Shape = schema;
  switch (shape.type) {
    case 'object':
      return `an object with the fields ${Object.keys(shape.properties ?? {}).join(', ')}`;
    case 'array':
      return `an array of at most ${shape.maxItems ?? 'any number of'} items, each ${allowedBy(shape.items ?? {})}`;
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `an integer ${rangeOf(shape)}`;
    case 'number':
      return `a number ${rangeOf(shape)}`;
    case 'string': {
      if (shape.enum !== undefined)
        return `one of ${shape.enum.map((value) => JSON.stringify(value)).join(', ')}`;
      const range = `a string of ${shape.minLength ?? 0} to ${shape.maxLength ?? 'any number of'} characters`;
      const extra = shape['x-allowed'];
      return typeof extra === 'string' ? `${range}: ${extra}` : range;
    }
    default:
      return 'any value';
  }
}

function rangeOf({ minimum, maximum }: Shape): string {
  const upTo = typeof maximum === 'number' ? ` to ${maximum}` : ' up';
  return `from ${String(minimum)}${upTo}`;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
