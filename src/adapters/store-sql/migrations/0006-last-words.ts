import type { Migration } from './migration.ts';

/**
 * A worker is stored with the end of its output and its last requests. A quote inside of a JSON text
 * is escaped, so the name with its quotes occurs as a key alone.
 */
export const lastWords: Migration = {
  number: 6,
  name: 'last-words',
  statements: [
    `UPDATE workers SET record = replace(record, '"exit":', '"lastOutput":"","lastRequests":[],"exit":')`,
  ],
};
