import type { Migration } from './migration.ts';

/**
 * The recorded arrivals of endpoints. A row holds hundreds of them: a row for each would take ten
 * times the room, and a write of its own. SQLite knows no `bytea` and keeps bytes in it as they are.
 */
export const arrivalChunks: Migration = {
  number: 2,
  name: 'arrival-chunks',
  statements: [
    `CREATE TABLE arrival_chunks (
  id text NOT NULL PRIMARY KEY,
  endpoint_id text NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
  first_end_ms bigint NOT NULL,
  last_end_ms bigint NOT NULL,
  count integer NOT NULL CHECK (count >= 1),
  size_bytes integer NOT NULL,
  bytes bytea NOT NULL
)`,
    // With all that trimming asks for: it must not read the bytes of thousands of chunks.
    `CREATE INDEX arrival_chunks_by_endpoint ON arrival_chunks (endpoint_id, first_end_ms, id, last_end_ms, size_bytes)`,
    `CREATE INDEX arrival_chunks_by_end ON arrival_chunks (last_end_ms)`,
  ],
};
