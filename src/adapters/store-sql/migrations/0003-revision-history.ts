import type { Migration } from './migration.ts';

/** Who made a revision, with which settings and out of which one; measured times; answers kept to be given again. */
export const revisionHistory: Migration = {
  number: 3,
  name: 'revision-history',
  statements: [
    `ALTER TABLE endpoints ADD COLUMN settings_generation bigint NOT NULL DEFAULT 1`,
    `ALTER TABLE revisions ADD COLUMN created_by text`,
    `ALTER TABLE revisions ADD COLUMN settings text`,
    `ALTER TABLE revisions ADD COLUMN from_revision integer`,
    `ALTER TABLE revisions ADD COLUMN restores integer`,
    `ALTER TABLE revisions ADD COLUMN stable_at_ms bigint`,
    `ALTER TABLE revisions ADD COLUMN pull_time_ms double precision`,
    `ALTER TABLE revisions ADD COLUMN drain_time_ms double precision`,
    `ALTER TABLE revisions ADD COLUMN stop_time_ms double precision`,
    // Not bound to an endpoint: the answer to a create is given again also when the endpoint is gone.
    `CREATE TABLE kept_answers (
  owner_id text NOT NULL,
  key text NOT NULL,
  fingerprint text NOT NULL,
  created_at_ms bigint NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (owner_id, key)
)`,
    `CREATE INDEX kept_answers_by_age ON kept_answers (owner_id, created_at_ms)`,
  ],
};
