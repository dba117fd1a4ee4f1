import { AppError } from '../base/errors.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Caller, EndpointListQuery } from '../ports/endpoint-service.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;

/**
 * One page of the endpoints a caller may see, oldest first. The cursor is the last one's creation
 * time and id, so that a page is never shifted by endpoints made or deleted meanwhile.
 */
export function endpointPage(
  endpoints: readonly Endpoint[],
  query: EndpointListQuery,
  caller: Caller,
): { endpoints: readonly Endpoint[]; nextCursor: string; hasMore: boolean } {
  const after = query.cursor === '' ? null : readCursor(query.cursor);
  const keyword = query.keyword.toLowerCase();
  const matching = endpoints
    .filter((endpoint) => caller.admin || endpoint.ownerId === caller.ownerId)
    .filter((endpoint) => query.ownerIds.length === 0 || query.ownerIds.includes(endpoint.ownerId))
    .filter(
      (endpoint) =>
        keyword === '' ||
        [endpoint.settings.name, endpoint.appName, endpoint.id].some((text) =>
          text.toLowerCase().includes(keyword),
        ),
    )
    .filter((endpoint) => after === null || isAfter(endpoint, after))
    .sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  const limit = query.limit === 0 ? DEFAULT_LIMIT : Math.min(query.limit, MAX_LIMIT);
  const page = matching.slice(0, limit);
  const last = page.at(-1);
  const hasMore = matching.length > page.length;
  return { endpoints: page, hasMore, nextCursor: hasMore && last !== undefined ? cursorOf(last) : '' };
}

interface Cursor {
  readonly createdAtMs: number;
  readonly id: string;
}

function cursorOf(endpoint: Endpoint): string {
  return Buffer.from(`${endpoint.createdAtMs}.${endpoint.id}`).toString('base64url');
}

function readCursor(cursor: string): Cursor {
  const match = /^(\d{1,16})\.([a-z0-9]{1,64})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new AppError('VALIDATOR_PARAM', 'The cursor is not one this server gave; start again without it.', {
      metadata: { cursor: 'is not a cursor of this list; allowed: empty, or next_cursor of the page before' },
    });
  }
  return { createdAtMs: Number(match[1]), id: match[2] };
}

function isAfter(endpoint: Endpoint, cursor: Cursor): boolean {
  return (
    endpoint.createdAtMs > cursor.createdAtMs ||
    (endpoint.createdAtMs === cursor.createdAtMs && endpoint.id > cursor.id)
  );
}
