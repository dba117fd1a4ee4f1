/** The tables as the migrations leave them. `record`, `spec`, `settings` and `body` are JSON. */
export interface Tables {
  endpoints: EndpointRow;
  revisions: RevisionRow;
  workers: WorkerRow;
  arrival_chunks: ArrivalChunkRow;
  kept_answers: KeptAnswerRow;
  registry_auths: RegistryAuthRow;
  volumes: VolumeRow;
  prewarm_tasks: PrewarmTaskRow;
  pulled_images: PulledImageRow;
  api_keys: ApiKeyRow;
  server: { id: number; fence: number };
}

export interface EndpointRow {
  id: string;
  owner_id: string;
  app_name: string;
  created_at_ms: number;
  generation: number;
  /** 0 or 1: SQLite has no booleans. */
  deleting: number;
  settings_generation: number;
  record: string;
}

export interface RevisionRow {
  endpoint_id: string;
  number: number;
  created_at_ms: number;
  created_by: string | null;
  settings: string | null;
  from_revision: number | null;
  restores: number | null;
  stable_at_ms: number | null;
  pinned_image: string | null;
  failure: string | null;
  start_time_ms: number | null;
  pull_time_ms: number | null;
  drain_time_ms: number | null;
  stop_time_ms: number | null;
  spec: string;
}

export interface WorkerRow {
  id: string;
  endpoint_id: string;
  revision: number;
  state: string;
  created_at_ms: number;
  record: string;
}

export interface ArrivalChunkRow {
  id: string;
  endpoint_id: string;
  first_end_ms: number;
  last_end_ms: number;
  count: number;
  size_bytes: number;
  bytes: Uint8Array;
}

export interface KeptAnswerRow {
  owner_id: string;
  key: string;
  fingerprint: string;
  created_at_ms: number;
  body: string;
}

export interface RegistryAuthRow {
  id: string;
  owner_id: string;
  name: string;
  registry: string;
  username: string;
  sealed_password: string;
  created_at_ms: number;
}

export interface VolumeRow {
  id: string;
  owner_id: string;
  name: string;
  size_gb: number;
  region_id: string;
  created_at_ms: number;
}

export interface PrewarmTaskRow {
  id: string;
  owner_id: string;
  state: string;
  created_at_ms: number;
  record: string;
}

export interface PulledImageRow {
  id: string;
  last_used_at_ms: number;
  record: string;
}

export interface ApiKeyRow {
  hash: string;
  owner_id: string;
  name: string;
  /** 0 or 1. */
  admin: number;
  created_at_ms: number;
}
