import { Type, type TSchema } from 'typebox';
import { faultsError } from '../model/faults.ts';

/** Query of every list. */
export const PAGE_QUERY = {
  limit: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 1000, description: 'Most items of one answer; 0 or absent: 50.' }),
  ),
  cursor: Type.Optional(
    Type.String({
      maxLength: 1024,
      description: '`next_cursor` of the answer before; empty or absent: from the start.',
    }),
  ),
};

/** Answer of every list. */
export function pageAnswer(item: TSchema) {
  return Type.Object(
    {
      data: Type.Array(item),
      next_cursor: Type.String({ description: 'Empty at the end.' }),
      has_more: Type.Boolean(),
    },
    { description: 'One page.' },
  );
}

const LIMIT_DEFAULT = 50;

export interface PageQuery {
  readonly limit?: number;
  readonly cursor?: string;
}

/**
 * One page of a small list that is in memory. The cursor holds the last id that was seen, so a page
 * neither repeats nor leaves out an item that stays, whatever else comes or goes between two calls.
 */
export function pageOf<Item extends { readonly id: string }>(items: readonly Item[], query: PageQuery) {
  return orderedPage(items, query, (item) => item.id, /^/);
}

const AGE_DIGITS = 16;

/** The same, oldest first, and each item of the page as it is answered. */
export function pageByAge<Item, Answer>(
  items: readonly Item[],
  query: PageQuery,
  recordOf: (item: Item) => { readonly id: string; readonly createdAtMs: number },
  answerOf: (item: Item) => Answer,
) {
  const keyOf = (item: Item): string => {
    const { id, createdAtMs } = recordOf(item);
    return `${String(Math.floor(createdAtMs)).padStart(AGE_DIGITS, '0')}.${id}`;
  };
  const page = orderedPage(items, query, keyOf, /^\d{16}\.[\w-]+$/);
  return { ...page, data: page.data.map(answerOf) };
}

/** The same in the reverse order of a number that each item has of its own: newest first. */
export function pageOfNewest<Item>(
  items: readonly Item[],
  query: PageQuery,
  numberOf: (item: Item) => number,
) {
  return orderedPage(items, query, (item) => -numberOf(item), /^-\d{1,15}$/);
}

function orderedPage<Item, Key extends string | number>(
  items: readonly Item[],
  query: PageQuery,
  keyOf: (item: Item) => Key,
  keyPattern: RegExp,
) {
  const sorted = items.toSorted((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1));
  const after =
    query.cursor === undefined || query.cursor === '' ? null : decodeCursor(query.cursor, keyPattern);
  const isAfter = (item: Item): boolean => {
    const key = keyOf(item);
    return after === null || (typeof key === 'number' ? key > Number(after) : key > after);
  };
  const rest = sorted.filter(isAfter);
  const limit = query.limit === undefined || query.limit === 0 ? LIMIT_DEFAULT : query.limit;
  const data = rest.slice(0, limit);
  const last = data.at(-1);
  const hasMore = rest.length > data.length;
  return {
    data,
    next_cursor: hasMore && last !== undefined ? encodeCursor(String(keyOf(last))) : '',
    has_more: hasMore,
  };
}

function encodeCursor(id: string): string {
  return Buffer.from(id, 'utf8').toString('base64url');
}

function decodeCursor(cursor: string, keyPattern: RegExp): string {
  const id = Buffer.from(cursor, 'base64url').toString('utf8');
  if (encodeCursor(id) !== cursor || !keyPattern.test(id)) {
    throw faultsError({
      cursor: 'was not made by this server; allowed: the next_cursor of an earlier answer',
    });
  }
  return id;
}
