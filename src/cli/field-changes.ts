import type { Cell } from './output.ts';

type FieldChanges = Readonly<
  Record<string, { readonly old: unknown; readonly new: unknown; readonly class: string }>
>;

/** A value can be a whole environment; its beginning tells which it is. */
const SHOWN_LENGTH_MAX = 60;

/** Field, class, old and new value of each change, for a table; of variables each one that changes. */
export function changeRows(changed: FieldChanges): Cell[][] {
  return Object.entries(changed).flatMap(([path, change]) =>
    partsOf(path, change.old, change.new).map(([name, old, now]) => [
      { text: name },
      { text: change.class, colour: change.class === 'revision' ? ('yellow' as const) : undefined },
      { text: old === undefined ? '-' : shown(old), colour: 'red' as const },
      { text: now === undefined ? '-' : shown(now), colour: 'green' as const },
    ]),
  );
}

/** Undefined: it is not there. */
function partsOf(path: string, old: unknown, now: unknown): (readonly [string, unknown, unknown])[] {
  const [before, after] = [variablesOf(old), variablesOf(now)];
  if (before === null || after === null) return [[path, old, now]];
  const keys = [...new Set([...before.keys(), ...after.keys()])];
  return keys
    .filter((key) => before.get(key) !== after.get(key))
    .map((key) => [`${path}.${key}`, before.get(key), after.get(key)]);
}

/** A list of variables by name; null for any other value. */
function variablesOf(value: unknown): ReadonlyMap<string, string> | null {
  if (!Array.isArray(value)) return null;
  const variables = new Map<string, string>();
  for (const item of value as readonly unknown[]) {
    if (typeof item !== 'object' || item === null || !('key' in item) || !('value' in item)) return null;
    variables.set(String(item.key), String(item.value));
  }
  return variables;
}

function shown(value: unknown): string {
  const text = typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX - 1)}…` : text;
}
