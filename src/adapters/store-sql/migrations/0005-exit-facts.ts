import type { Migration } from './migration.ts';

/**
 * An exit tells of memory too. A quote inside of a JSON text is escaped, so the name with its quotes
 * occurs as a key alone.
 */
export const exitFacts: Migration = {
  number: 5,
  name: 'exit-facts',
  statements: [
    `UPDATE workers SET record = replace(record, '"exit":{', '"exit":{"outOfMemory":null,"peakMemoryMib":null,')`,
  ],
};
