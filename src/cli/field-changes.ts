import type { Cell } from './output.ts';

type FieldChanges = Readonly<
  Record<string, { readonly old: unknown; readonly new: unknown; readonly class: string }>
>;

/** A value can be a whole environment; its beginning tells which it is. */
const SHOWN_LENGTH_MAX = 60;

/** Field, class, old and new value of each change, for a table. */
export function changeRows(changed: FieldChanges): Cell[][] {
  return Object.entries(changed).map(([path, change]) => [
    { text: path },
    { text: change.class, colour: change.class === 'revision' ? 'yellow' : undefined },
    { text: shown(change.old), colour: 'red' },
    { text: shown(change.new), colour: 'green' },
  ]);
}

function shown(value: unknown): string {
  const text = typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX - 1)}…` : text;
}
