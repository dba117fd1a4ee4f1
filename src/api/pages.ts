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
  const sorted = items.toSorted((left, right) => (left.id < right.id ? -1 : 1));
  const after = query.cursor === undefined || query.cursor === '' ? null : decodeCursor(query.cursor);
  const rest = after === null ? sorted : sorted.filter((item) => item.id > after);
  const limit = query.limit === undefined || query.limit === 0 ? LIMIT_DEFAULT : query.limit;
  const data = rest.slice(0, limit);
  const last = data.at(-1);
  const hasMore = rest.length > data.length;
  return { data, next_cursor: hasMore && last !== undefined ? encodeCursor(last.id) : '', has_more: hasMore };
}

function encodeCursor(id: string): string {
  return Buffer.from(id, 'utf8').toString('base64url');
}

function decodeCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString('utf8');
  if (encodeCursor(id) !== cursor) {
    throw faultsError({
      cursor: 'was not made by this server; allowed: the next_cursor of an earlier answer',
    });
  }
  return id;
}
