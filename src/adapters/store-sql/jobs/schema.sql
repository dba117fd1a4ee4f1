-- Made by scripts/schema-dump.ts out of the migrations; do not edit.

CREATE TABLE deliveries (
  id text NOT NULL PRIMARY KEY,
  key integer NOT NULL REFERENCES jobs (key) ON DELETE CASCADE,
  job_id text NOT NULL,
  endpoint_id text NOT NULL,
  url text NOT NULL,
  state text NOT NULL,
  tries integer NOT NULL,
  created_at_ms bigint NOT NULL,
  due_at_ms bigint NOT NULL,
  message text NOT NULL
);

CREATE INDEX deliveries_by_job ON deliveries (key);

CREATE INDEX deliveries_due ON deliveries (due_at_ms) WHERE state = 'due';

CREATE TABLE job_inputs (
  key integer NOT NULL PRIMARY KEY REFERENCES jobs (key) ON DELETE CASCADE,
  input text NOT NULL
);

CREATE TABLE job_outputs (
  key integer NOT NULL PRIMARY KEY REFERENCES jobs (key) ON DELETE CASCADE,
  output text NOT NULL
);

CREATE TABLE job_parts (
  key integer NOT NULL REFERENCES jobs (key) ON DELETE CASCADE,
  number integer NOT NULL,
  part text NOT NULL,
  PRIMARY KEY (key, number)
);

CREATE TABLE jobs (
  key integer NOT NULL PRIMARY KEY,
  id text NOT NULL UNIQUE,
  endpoint_id text NOT NULL,
  owner_id text NOT NULL,
  sequence bigint NOT NULL,
  state text NOT NULL,
  low_priority integer NOT NULL CHECK (low_priority IN (0, 1)),
  execution_timeout_ms bigint,
  ttl_ms bigint NOT NULL,
  webhook text,
  idempotency_key text,
  digest text,
  enqueued_at_ms bigint NOT NULL,
  expires_at_ms bigint NOT NULL,
  attempt integer NOT NULL,
  retries integer NOT NULL,
  worker_id text,
  revision integer,
  started_at_ms bigint,
  ended_at_ms bigint,
  lost text,
  error text,
  part_count integer NOT NULL,
  part_bytes bigint NOT NULL,
  parts_read integer NOT NULL
);

CREATE INDEX jobs_by_endpoint ON jobs (endpoint_id, sequence);

CREATE UNIQUE INDEX jobs_by_idempotency_key ON jobs (endpoint_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE INDEX jobs_ended ON jobs (ended_at_ms) WHERE ended_at_ms IS NOT NULL;

CREATE INDEX jobs_expiring ON jobs (expires_at_ms) WHERE state = 'IN_QUEUE';

CREATE INDEX jobs_leased ON jobs (endpoint_id) WHERE state = 'IN_PROGRESS';

CREATE INDEX jobs_waiting ON jobs (endpoint_id, low_priority, sequence) WHERE state = 'IN_QUEUE';

CREATE TABLE migrations (
  number integer NOT NULL PRIMARY KEY,
  name text NOT NULL,
  applied_at_ms bigint NOT NULL
);
