import type { Migration } from './migration.ts';

/** Saved registry credentials, volumes, prewarm tasks, and the images that were pulled by this server. */
export const registriesAndVolumes: Migration = {
  number: 7,
  name: 'registries-and-volumes',
  statements: [
    `CREATE TABLE registry_auths (
  id text NOT NULL PRIMARY KEY,
  owner_id text NOT NULL,
  name text NOT NULL,
  registry text NOT NULL,
  username text NOT NULL,
  sealed_password text NOT NULL,
  created_at_ms bigint NOT NULL
)`,
    `CREATE TABLE volumes (
  id text NOT NULL PRIMARY KEY,
  owner_id text NOT NULL,
  name text NOT NULL,
  size_gb integer NOT NULL CHECK (size_gb >= 1),
  region_id text NOT NULL,
  created_at_ms bigint NOT NULL
)`,
    `CREATE TABLE prewarm_tasks (
  id text NOT NULL PRIMARY KEY,
  owner_id text NOT NULL,
  state text NOT NULL,
  created_at_ms bigint NOT NULL,
  record text NOT NULL
)`,
    `CREATE TABLE pulled_images (
  id text NOT NULL PRIMARY KEY,
  last_used_at_ms bigint NOT NULL,
  record text NOT NULL
)`,
  ],
};
