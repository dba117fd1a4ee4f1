-- Made by scripts/schema-dump.ts out of the migrations; do not edit.

CREATE TABLE api_keys (
  hash text NOT NULL PRIMARY KEY,
  owner_id text NOT NULL,
  name text NOT NULL,
  admin integer NOT NULL CHECK (admin IN (0, 1)),
  created_at_ms bigint NOT NULL
);

CREATE TABLE arrival_chunks (
  id text NOT NULL PRIMARY KEY,
  endpoint_id text NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
  first_end_ms bigint NOT NULL,
  last_end_ms bigint NOT NULL,
  count integer NOT NULL CHECK (count >= 1),
  size_bytes integer NOT NULL,
  bytes bytea NOT NULL
);

CREATE INDEX arrival_chunks_by_end ON arrival_chunks (last_end_ms);

CREATE INDEX arrival_chunks_by_endpoint ON arrival_chunks (endpoint_id, first_end_ms, id, last_end_ms, size_bytes);

CREATE TABLE endpoints (
  id text NOT NULL PRIMARY KEY,
  owner_id text NOT NULL,
  app_name text NOT NULL UNIQUE,
  created_at_ms bigint NOT NULL,
  generation bigint NOT NULL,
  deleting integer NOT NULL CHECK (deleting IN (0, 1)),
  record text NOT NULL
, settings_generation bigint NOT NULL DEFAULT 1);

CREATE INDEX endpoints_by_owner ON endpoints (owner_id, created_at_ms, id);

CREATE TABLE kept_answers (
  owner_id text NOT NULL,
  key text NOT NULL,
  fingerprint text NOT NULL,
  created_at_ms bigint NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (owner_id, key)
);

CREATE INDEX kept_answers_by_age ON kept_answers (owner_id, created_at_ms);

CREATE TABLE migrations (
  number integer NOT NULL PRIMARY KEY,
  name text NOT NULL,
  applied_at_ms bigint NOT NULL
);

CREATE TABLE prewarm_tasks (
  id text NOT NULL PRIMARY KEY,
  owner_id text NOT NULL,
  state text NOT NULL,
  created_at_ms bigint NOT NULL,
  record text NOT NULL
);

CREATE TABLE pulled_images (
  id text NOT NULL PRIMARY KEY,
  last_used_at_ms bigint NOT NULL,
  record text NOT NULL
);

CREATE TABLE registry_auths (
  id text NOT NULL PRIMARY KEY,
  owner_id text NOT NULL,
  name text NOT NULL,
  registry text NOT NULL,
  username text NOT NULL,
  sealed_password text NOT NULL,
  created_at_ms bigint NOT NULL
);

CREATE TABLE revisions (
  endpoint_id text NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
  number integer NOT NULL CHECK (number >= 1),
  created_at_ms bigint NOT NULL,
  failure text,
  start_time_ms double precision,
  spec text NOT NULL, created_by text, settings text, from_revision integer, restores integer, stable_at_ms bigint, pull_time_ms double precision, drain_time_ms double precision, stop_time_ms double precision, pinned_image text,
  PRIMARY KEY (endpoint_id, number)
);

CREATE TABLE server (
  id integer NOT NULL PRIMARY KEY CHECK (id = 1),
  fence bigint NOT NULL
);

CREATE TABLE volumes (
  id text NOT NULL PRIMARY KEY,
  owner_id text NOT NULL,
  name text NOT NULL,
  size_gb integer NOT NULL CHECK (size_gb >= 1),
  region_id text NOT NULL,
  created_at_ms bigint NOT NULL
);

CREATE TABLE workers (
  id text NOT NULL PRIMARY KEY,
  endpoint_id text NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
  revision integer NOT NULL,
  state text NOT NULL,
  created_at_ms bigint NOT NULL,
  record text NOT NULL
);

CREATE INDEX workers_by_endpoint ON workers (endpoint_id);
