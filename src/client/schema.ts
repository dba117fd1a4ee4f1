// Generated from openapi/control-plane.json by `npm run client`; not to be edited by hand.

export type Error = {
  /** The HTTP status. */
  readonly code: number;
  /** Stable name of what went wrong, for programs. */
  readonly reason: string;
  /** What went wrong and what to do, for people. */
  readonly message: string;
  /** More facts; for VALIDATOR_PARAM: field path to what was given and what is allowed. */
  readonly metadata: Readonly<Record<string, string>>;
};

export type Status = {
  /** The state, in one word. */
  readonly status: string;
  /** What went wrong, in short; empty when nothing did. */
  readonly error: string;
  /** Why it is so, in words; may be empty. */
  readonly message: string;
};

export type EndpointWorker = {
  readonly id: string;
  readonly status: Status;
  /** Path of the worker's log on this server. */
  readonly log: string;
  /** It passed its last health check. */
  readonly health: boolean;
  /** It gets no new requests and ends when the running ones did. */
  readonly drain: boolean;
  /** Revision of the endpoint it runs. Beyond the vendor's contract. */
  readonly revision: number;
};

export type Endpoint = {
  readonly id: string;
  /** How requests come in. */
  readonly type: 'sync' | 'async';
  readonly app_name: string;
  readonly status: Status;
  /** Where requests to the endpoint go. */
  readonly url: string;
  readonly name: string;
  readonly worker_config: {
    /** Most workers. 0 pauses the endpoint. */
    readonly max_replicas: number;
    /** Workers kept even without requests; at most max_replicas. */
    readonly min_replicas: number;
    /** Seconds without a request after which a worker above the wanted number leaves at the latest. It leaves sooner where keeping it costs more than starting one again. 1000, the default, sets no limit of its own: it stays for as long as keeping it costs less, two hours at most. */
    readonly idle_timeout: number;
    /** Most requests one worker is given at a time; the others wait or go to another worker. */
    readonly max_concurrent_per_worker: number;
    /** Seconds one request may take, waiting included. */
    readonly request_timeout: number;
    /** GPUs of one worker; without meaning for a product without GPUs. */
    readonly gpu_num: number;
    /** Disk of one worker, in GB. */
    readonly rootfs_size_gb: number;
    /** Empty when none is asked for. */
    readonly min_cuda_version: string;
  };
  /** Scaling policy, type and value together. Default on create: queue, 4. */
  readonly policy: {
    /** What drives the number of workers. */
    readonly type: 'queue' | 'concurrency';
    /** `queue`: the wait, in seconds, that is held to be long; workers are added and kept where that costs less. `concurrency`: requests per worker. */
    readonly value: number;
  };
  readonly health_check: {
    readonly path: string;
    readonly port: number;
  };
  readonly product_id: string;
  readonly image: string;
  readonly registry_auth_id: string;
  readonly entrypoint: string;
  readonly command: string;
  readonly volumes: ReadonlyArray<{
    /** Storage id. */
    readonly id: string;
    /** Storage type; network when absent. */
    readonly type: 'local' | 'network';
    /** Size in GB; for local storage only. */
    readonly size?: number;
    readonly mount_point: string;
  }>;
  readonly envs: ReadonlyArray<{
    readonly key: string;
    readonly value: string;
  }>;
  readonly ports: ReadonlyArray<number>;
  readonly region_id: string;
  /** Workers that have not ended. */
  readonly workers: ReadonlyArray<EndpointWorker>;
  /** The revision whose fields are shown: the one a running rollout leads to, else the one in force. Beyond the vendor's contract. */
  readonly revision: number;
  /** Tag of the fields that an update can change: another one as soon as one of them changes, for If-Match. Beyond the vendor's contract. */
  readonly etag: string;
  /** The running move to a new revision, or the last one; null when there was none. Beyond the vendor's contract. */
  readonly rollout: {
    /** As the answer to the update gave it. */
    readonly id: string;
    /** `waiting` for its first worker, `starting` it, `baking` (it proves itself), `rolling` (the others are replaced), `watching` (it serves alone and is still guarded); over: `done`, `failed` (the former revision is in force again), `aborted` (the same, on request), `superseded` (by a newer update, or taken back). */
    readonly state:
      | 'waiting'
      | 'starting'
      | 'baking'
      | 'rolling'
      | 'watching'
      | 'done'
      | 'failed'
      | 'aborted'
      | 'superseded';
    /** The revision in force before. */
    readonly from_revision: number;
    /** The revision it leads to. */
    readonly to_revision: number;
    /** How the first worker gets its place: `surge` (beside the old ones), `swap` (on the devices of an old one) or `cold` (no old one runs); null before it was decided. */
    readonly mode: string | null;
    /** What it does, or why it ended so; may be empty. */
    readonly message: string;
    /** Unix time in seconds. */
    readonly started_at: number;
    /** Unix time in seconds; null while it runs. */
    readonly ended_at: number | null;
  } | null;
  readonly member_id: string;
  readonly owner_id: string;
  /** Unix time in seconds. */
  readonly created_at: number;
};

export type EndpointCreateBody = {
  /** How requests come in: answered at once, or as jobs. Never changed. */
  readonly type: 'sync' | 'async';
  /** Name of the endpoint, for people. */
  readonly name: string;
  /** Second half of the host name, `{id}-{app_name}`; made when absent or empty, and never changed. A host name holds 63 characters in one part: with an app_name longer than 50 the endpoint is reached by its path URL only. */
  readonly app_name?: string;
  /** Kind of machine, from the product list. */
  readonly product_id: string;
  /** What the workers run. For the process driver: `host`, or `host:<folder>` to run in that folder. For container drivers: an image reference. */
  readonly image: string;
  /** Worker counts, limits and size. On update, absent keys keep their value. */
  readonly worker_config: {
    /** Most workers. 0 pauses the endpoint. */
    readonly max_replicas: number;
    /** Workers kept even without requests; at most max_replicas. */
    readonly min_replicas?: number;
    /** Seconds without a request after which a worker above the wanted number leaves at the latest. It leaves sooner where keeping it costs more than starting one again. 1000, the default, sets no limit of its own: it stays for as long as keeping it costs less, two hours at most. */
    readonly idle_timeout?: number;
    /** Most requests one worker is given at a time; the others wait or go to another worker. */
    readonly max_concurrent_per_worker?: number;
    /** GPUs of one worker; without meaning for a product without GPUs. */
    readonly gpu_num?: number;
    /** Disk of one worker, in GB. */
    readonly rootfs_size_gb?: number;
    /** Lowest CUDA version the host's driver must support; empty asks for none. */
    readonly min_cuda_version?: '' | '12.4' | '12.6' | '12.8' | '12.9' | '13.0';
    /** Seconds one request may take, waiting included. */
    readonly request_timeout?: number;
  };
  /** Saved credential of the image registry; an empty string means none. */
  readonly registry_auth_id?: string;
  /** Program, put before `command`; split into words as a POSIX shell would. Empty means none. */
  readonly entrypoint?: string;
  /** Start command; split into words as a POSIX shell would, with $NAME and ${NAME} of the worker's environment replaced. No shell runs. Empty means none. */
  readonly command?: string;
  /** Scaling policy, type and value together. Default on create: queue, 4. */
  readonly policy?: {
    /** What drives the number of workers. */
    readonly type: 'queue' | 'concurrency';
    /** `queue`: the wait, in seconds, that is held to be long; workers are added and kept where that costs less. `concurrency`: requests per worker. */
    readonly value: number;
  };
  /** Health check. Absent keys mean an empty path and port 0. */
  readonly health_check?: {
    /** A worker is healthy when GET of this path answers 200. Empty: when its port accepts a connection. */
    readonly path?: string;
    /** One of `ports`; 0 means the first of them. */
    readonly port?: number;
  };
  /** Environment variables of the workers. */
  readonly envs?: ReadonlyArray<{
    /** Name; not empty, and unique in the list. */
    readonly key: string;
    /** Value; empty when absent. */
    readonly value?: string;
  }>;
  /** Ports the worker listens on, from its own view, without repeats. Requests go to the first. Without any, it is 8080. */
  readonly ports?: ReadonlyArray<number>;
  /** Mounted volumes. */
  readonly volumes?: ReadonlyArray<{
    /** Storage id. */
    readonly id?: string;
    /** Storage type; network when absent. */
    readonly type?: 'local' | 'network';
    /** Size in GB; for local storage only. */
    readonly size?: number;
    /** Absolute path in the worker; unique in the list. */
    readonly mount_point: string;
  }>;
  /** Region, from the region list. */
  readonly region_id?: string;
};

/** A field that is present replaces the stored one whole, except worker_config, whose absent keys keep their values. An absent field keeps its value. */
export type EndpointUpdateBody = {
  /** Name of the endpoint, for people. */
  readonly name?: string;
  /** Kind of machine, from the product list. */
  readonly product_id?: string;
  /** What the workers run. For the process driver: `host`, or `host:<folder>` to run in that folder. For container drivers: an image reference. An empty string keeps the present one. */
  readonly image?: string;
  /** Worker counts, limits and size. On update, absent keys keep their value. */
  readonly worker_config?: {
    /** Most workers. 0 pauses the endpoint. */
    readonly max_replicas: number;
    /** Workers kept even without requests; at most max_replicas. */
    readonly min_replicas?: number;
    /** Seconds without a request after which a worker above the wanted number leaves at the latest. It leaves sooner where keeping it costs more than starting one again. 1000, the default, sets no limit of its own: it stays for as long as keeping it costs less, two hours at most. */
    readonly idle_timeout?: number;
    /** Most requests one worker is given at a time; the others wait or go to another worker. */
    readonly max_concurrent_per_worker?: number;
    /** GPUs of one worker; without meaning for a product without GPUs. */
    readonly gpu_num?: number;
    /** Disk of one worker, in GB. */
    readonly rootfs_size_gb?: number;
    /** Lowest CUDA version the host's driver must support; empty asks for none. */
    readonly min_cuda_version?: '' | '12.4' | '12.6' | '12.8' | '12.9' | '13.0';
    /** Seconds one request may take, waiting included. */
    readonly request_timeout?: number;
  };
  /** Saved credential of the image registry; an empty string means none. */
  readonly registry_auth_id?: string;
  /** Program, put before `command`; split into words as a POSIX shell would. Empty means none. */
  readonly entrypoint?: string;
  /** Start command; split into words as a POSIX shell would, with $NAME and ${NAME} of the worker's environment replaced. No shell runs. Empty means none. */
  readonly command?: string;
  /** Scaling policy, type and value together. Default on create: queue, 4. */
  readonly policy?: {
    /** What drives the number of workers. */
    readonly type: 'queue' | 'concurrency';
    /** `queue`: the wait, in seconds, that is held to be long; workers are added and kept where that costs less. `concurrency`: requests per worker. */
    readonly value: number;
  };
  /** Health check. Absent keys mean an empty path and port 0. */
  readonly health_check?: {
    /** A worker is healthy when GET of this path answers 200. Empty: when its port accepts a connection. */
    readonly path?: string;
    /** One of `ports`; 0 means the first of them. */
    readonly port?: number;
  };
  /** Environment variables of the workers. */
  readonly envs?: ReadonlyArray<{
    /** Name; not empty, and unique in the list. */
    readonly key: string;
    /** Value; empty when absent. */
    readonly value?: string;
  }>;
  /** Ports the worker listens on, from its own view, without repeats. Requests go to the first. Without any, it is 8080. */
  readonly ports?: ReadonlyArray<number>;
  /** Mounted volumes. */
  readonly volumes?: ReadonlyArray<{
    /** Storage id. */
    readonly id?: string;
    /** Storage type; network when absent. */
    readonly type?: 'local' | 'network';
    /** Size in GB; for local storage only. */
    readonly size?: number;
    /** Absolute path in the worker; unique in the list. */
    readonly mount_point: string;
  }>;
  /** Region, from the region list. */
  readonly region_id?: string;
  /** Accepted when it is the present one. */
  readonly id?: unknown;
  /** Accepted when it is the present one. */
  readonly type?: unknown;
  /** Accepted when it is the present one. */
  readonly app_name?: unknown;
  /** Accepted when it is the present one. */
  readonly url?: unknown;
  /** Accepted when it is the present one. */
  readonly member_id?: unknown;
  /** Accepted when it is the present one. */
  readonly owner_id?: unknown;
  /** Accepted when it is the present one. */
  readonly created_at?: unknown;
  /** Accepted and ignored: it changes by itself. */
  readonly status?: unknown;
  /** Accepted and ignored: they change by themselves. */
  readonly workers?: unknown;
  /** Accepted and ignored: it follows from the updates. */
  readonly revision?: unknown;
  /** Accepted and ignored: the header If-Match makes a change depend on it. */
  readonly etag?: unknown;
  /** Accepted and ignored: it changes by itself. */
  readonly rollout?: unknown;
};

/** The vendor's contract answers an empty object; these fields are added to it. */
export type UpdateAnswer = {
  /** The revision the endpoint has, or moves to, after this update. */
  readonly revision: number;
  /** Changed field to its class: `settings` are in force now, `revision` replaces the workers. Empty when nothing changed. */
  readonly changed: Readonly<Record<string, 'settings' | 'revision'>>;
  /** The move to the new revision; null when this update needs none. */
  readonly rollout: {
    readonly id: string;
    readonly state: string;
  } | null;
  /** The endpoint's tag after this update. */
  readonly etag: string;
  /** What was done all the same, and is better done otherwise; absent when there is nothing. Beyond the vendor's contract. */
  readonly warnings?: ReadonlyArray<string>;
};

export type PlanStep = {
  /** From the update on; null where a time before it was never measured. */
  readonly at_seconds: number | null;
  /** A worker starts, drains or is stopped; the rollout has proven the new revision, is finished with the old one, fails, or puts a swap off. */
  readonly action: 'start' | 'drain' | 'stop' | 'prove' | 'finish' | 'fail' | 'postpone';
  /** Id of the worker that leaves; null for one that does not exist yet. */
  readonly worker: string | null;
  /** Of the worker, or the one the rollout leads to. */
  readonly revision: number;
  /** How a started worker gets its place: `surge` (beside the old ones), `swap` (on the devices of one that leaves), `cold` (no old one runs); null for other actions. */
  readonly mode: string | null;
  /** GPUs it gets, or gives back. */
  readonly devices: ReadonlyArray<string>;
  /** Workers whose GPUs it takes over. */
  readonly replaces: ReadonlyArray<string>;
  readonly why: string;
};

export type UpdatePlan = {
  /** Always true: nothing was changed and nothing was started. */
  readonly dry_run: boolean;
  /** `none`: nothing would change. `settings`: in force at once. `rollout`: new workers replace the old ones. `asleep`: no worker runs, the next one to start has the new revision. `failure`: it would be given up, see `message`. `unknown`: it would wait for something that cannot be foretold, see `message`. */
  readonly effect: 'none' | 'settings' | 'rollout' | 'asleep' | 'failure' | 'unknown';
  /** The plan in words. */
  readonly message: string;
  /** The revision the endpoint would have, or move to. */
  readonly revision: number;
  /** Field to its old and new value and its class; empty when nothing would change. */
  readonly changed: Readonly<
    Record<
      string,
      {
        /** The value before, as GET shows it. */
        readonly old: unknown;
        /** The value after. */
        readonly new: unknown;
        /** `settings` apply at once, `revision` asks for new workers. */
        readonly class: 'settings' | 'revision';
      }
    >
  >;
  /** The present tag: sent as If-Match it makes exactly this change, or none. */
  readonly etag: string;
  /** In order; at most 100. */
  readonly steps: ReadonlyArray<PlanStep>;
  /** Further steps of the same kind. */
  readonly steps_left_out: number;
  /** What it costs. */
  readonly impact: {
    readonly workers_to_replace: number;
    /** Until no old worker is left and all their successors are ready; start, proof, drain and the replacement of one after the other included. Null: not known, see `not_measured` and `effect`. */
    readonly expected_seconds: number | null;
    /** The same, with what was never measured taken as 0. */
    readonly at_least_seconds: number;
    /** Times that matter for it and were never measured: `pull`, `start`, `drain`, `stop`. */
    readonly not_measured: ReadonlyArray<string>;
    /** What was reckoned with: this endpoint's own times; null when never measured. */
    readonly measured: {
      /** To bring the image onto the machine. */
      readonly pull_seconds: number | null;
      /** From the start of a worker to ready. */
      readonly start_seconds: number | null;
      /** Of a worker that runs requests, to the end of the last one. */
      readonly drain_seconds: number | null;
      /** From the wish to stop a worker to its end. */
      readonly stop_seconds: number | null;
    };
    /** How long the new revision is still guarded when no old worker is left. */
    readonly guarded_seconds: number;
    /** The rate of late, which is taken to go on. */
    readonly requests_per_second: number;
    /** Requests expected to find no worker ready for them; null: not known. */
    readonly requests_waiting: number | null;
    /** The longest of these waits. */
    readonly longest_wait_seconds: number | null;
    /** Time of workers beyond the number there is now, summed up over them. */
    readonly extra_worker_seconds: number | null;
    /** Null where the product has no price. */
    readonly price_change_per_hour: {
      /** With min_replicas workers. */
      readonly at_min: number;
      /** With max_replicas workers. */
      readonly at_max: number;
    } | null;
  };
  /** What was done all the same, and is better done otherwise; absent when there is nothing. Beyond the vendor's contract. */
  readonly warnings?: ReadonlyArray<string>;
};

export type RollbackBody = {
  /** The revision whose fields are to be in force again. */
  readonly revision: number;
  /** Also the settings it was made with; else the present ones stay. */
  readonly settings?: boolean;
};

export type RevisionItem = {
  /** Its number: 1, 2, 3 … within the endpoint. */
  readonly revision: number;
  /** Unix time in seconds. */
  readonly created_at: number;
  /** Owner of the key that asked for it; null where that was not yet noted. */
  readonly created_by: string | null;
  /** The revision that was changed to make it; null for the first. */
  readonly from_revision: number | null;
  /** The revision whose fields it brings back; null when it is no rollback. */
  readonly restores: number | null;
  /** What differs from `from_revision`, the settings with which each was made included; null for the first revision and where the other one is no longer kept. */
  readonly changed: Readonly<
    Record<
      string,
      {
        /** The value before, as GET shows it. */
        readonly old: unknown;
        /** The value after. */
        readonly new: unknown;
        /** `settings` apply at once, `revision` asks for new workers. */
        readonly class: 'settings' | 'revision';
      }
    >
  > | null;
  /** `in_force`; `rolling_out`; `failed` (see `failure`); `replaced` (it was in force); `superseded` (a newer update came before it was proven); `unknown` (made by a version that noted less). */
  readonly outcome: 'in_force' | 'rolling_out' | 'failed' | 'replaced' | 'superseded' | 'unknown';
  /** The bytes its image stands for, which all its workers run whatever becomes of the tag: digest of the registry’s manifest, or of the image where it was never in a registry. Empty as long as it is not known, and where programs are run without an image. */
  readonly image_digest: string;
  /** Why it failed; empty when it did not. */
  readonly failure: string;
  /** Workers of it that have not ended. */
  readonly workers: number;
  /** Measured time from the start of a worker to ready, smoothed; null when never measured. */
  readonly start_seconds: number | null;
};

export type Revision = {
  /** Its number: 1, 2, 3 … within the endpoint. */
  readonly revision: number;
  /** Unix time in seconds. */
  readonly created_at: number;
  /** Owner of the key that asked for it; null where that was not yet noted. */
  readonly created_by: string | null;
  /** The revision that was changed to make it; null for the first. */
  readonly from_revision: number | null;
  /** The revision whose fields it brings back; null when it is no rollback. */
  readonly restores: number | null;
  /** What differs from `from_revision`, the settings with which each was made included; null for the first revision and where the other one is no longer kept. */
  readonly changed: Readonly<
    Record<
      string,
      {
        /** The value before, as GET shows it. */
        readonly old: unknown;
        /** The value after. */
        readonly new: unknown;
        /** `settings` apply at once, `revision` asks for new workers. */
        readonly class: 'settings' | 'revision';
      }
    >
  > | null;
  /** `in_force`; `rolling_out`; `failed` (see `failure`); `replaced` (it was in force); `superseded` (a newer update came before it was proven); `unknown` (made by a version that noted less). */
  readonly outcome: 'in_force' | 'rolling_out' | 'failed' | 'replaced' | 'superseded' | 'unknown';
  /** The bytes its image stands for, which all its workers run whatever becomes of the tag: digest of the registry’s manifest, or of the image where it was never in a registry. Empty as long as it is not known, and where programs are run without an image. */
  readonly image_digest: string;
  /** Why it failed; empty when it did not. */
  readonly failure: string;
  /** Workers of it that have not ended. */
  readonly workers: number;
  /** Measured time from the start of a worker to ready, smoothed; null when never measured. */
  readonly start_seconds: number | null;
  /** The fields that the revision is made of. */
  readonly spec: {
    readonly product_id: string;
    readonly worker_config: {
      /** GPUs of one worker; without meaning for a product without GPUs. */
      readonly gpu_num: number;
      /** Disk of one worker, in GB. */
      readonly rootfs_size_gb: number;
      /** Empty when none is asked for. */
      readonly min_cuda_version: string;
    };
    readonly image: string;
    readonly registry_auth_id: string;
    readonly entrypoint: string;
    readonly command: string;
    readonly volumes: ReadonlyArray<{
      /** Storage id. */
      readonly id: string;
      /** Storage type; network when absent. */
      readonly type: 'local' | 'network';
      /** Size in GB; for local storage only. */
      readonly size?: number;
      readonly mount_point: string;
    }>;
    readonly envs: ReadonlyArray<{
      readonly key: string;
      readonly value: string;
    }>;
    readonly ports: ReadonlyArray<number>;
    readonly region_id: string;
  };
  /** The settings it was made with; null where they were not yet kept. */
  readonly settings: {
    readonly name: string;
    readonly worker_config: {
      /** Most workers. 0 pauses the endpoint. */
      readonly max_replicas: number;
      /** Workers kept even without requests; at most max_replicas. */
      readonly min_replicas: number;
      /** Seconds without a request after which a worker above the wanted number leaves at the latest. It leaves sooner where keeping it costs more than starting one again. 1000, the default, sets no limit of its own: it stays for as long as keeping it costs less, two hours at most. */
      readonly idle_timeout: number;
      /** Most requests one worker is given at a time; the others wait or go to another worker. */
      readonly max_concurrent_per_worker: number;
      /** Seconds one request may take, waiting included. */
      readonly request_timeout: number;
    };
    /** Scaling policy, type and value together. Default on create: queue, 4. */
    readonly policy: {
      /** What drives the number of workers. */
      readonly type: 'queue' | 'concurrency';
      /** `queue`: the wait, in seconds, that is held to be long; workers are added and kept where that costs less. `concurrency`: requests per worker. */
      readonly value: number;
    };
    readonly health_check: {
      readonly path: string;
      readonly port: number;
    };
  } | null;
};

/** Settings are merged as in an update. Without any of them the present ones are simulated alone. */
export type SimulateBody = {
  /** Worker counts, limits and size. On update, absent keys keep their value. */
  readonly worker_config?: {
    /** Most workers. 0 pauses the endpoint. */
    readonly max_replicas: number;
    /** Workers kept even without requests; at most max_replicas. */
    readonly min_replicas?: number;
    /** Seconds without a request after which a worker above the wanted number leaves at the latest. It leaves sooner where keeping it costs more than starting one again. 1000, the default, sets no limit of its own: it stays for as long as keeping it costs less, two hours at most. */
    readonly idle_timeout?: number;
    /** Most requests one worker is given at a time; the others wait or go to another worker. */
    readonly max_concurrent_per_worker?: number;
    /** GPUs of one worker; without meaning for a product without GPUs. */
    readonly gpu_num?: number;
    /** Disk of one worker, in GB. */
    readonly rootfs_size_gb?: number;
    /** Lowest CUDA version the host's driver must support; empty asks for none. */
    readonly min_cuda_version?: '' | '12.4' | '12.6' | '12.8' | '12.9' | '13.0';
    /** Seconds one request may take, waiting included. */
    readonly request_timeout?: number;
  };
  /** Scaling policy, type and value together. Default on create: queue, 4. */
  readonly policy?: {
    /** What drives the number of workers. */
    readonly type: 'queue' | 'concurrency';
    /** `queue`: the wait, in seconds, that is held to be long; workers are added and kept where that costs less. `concurrency`: requests per worker. */
    readonly value: number;
  };
  /** Kind of machine, from the product list. */
  readonly product_id?: string;
  /** How far back recorded requests are taken, such as `90m`, `24h` or `7d`; at most 366d. Not together with `trace`. */
  readonly window?: string;
  /** Searches min_replicas, idle_timeout, policy and max_concurrent_per_worker for the settings that hold these with the least worker time. */
  readonly advise?: {
    /** Longest wait of half of the requests, in seconds. */
    readonly p50_wait_seconds?: number;
    /** Longest wait of 95 % of the requests, in seconds. */
    readonly p95_wait_seconds?: number;
    /** Longest wait of 99 % of the requests, in seconds. */
    readonly p99_wait_seconds?: number;
  };
  /** Requests to take instead of the recorded ones: a CSV file in base64, plain or compressed with gzip, with the columns `arrival_s,service_s` or `arrival_s,prompt_tokens,output_tokens`, sorted by arrival. */
  readonly trace?: string;
};

/** What settings come to. */
export type SimulatedRun = {
  readonly product_id: string;
  readonly worker_config: {
    readonly min_replicas: number;
    readonly max_replicas: number;
    readonly idle_timeout: number;
    readonly max_concurrent_per_worker: number;
    readonly gpu_num: number;
    readonly request_timeout: number;
  };
  readonly policy: {
    readonly type: 'queue' | 'concurrency';
    readonly value: number;
  };
  /** Requests that came. */
  readonly requests: number;
  /** Requests that were answered. */
  readonly served: number;
  /** Requests whose request_timeout passed. */
  readonly timed_out: number;
  /** Requests that found the queue full or the endpoint paused. */
  readonly refused: number;
  /** Requests that waited for a worker to start. */
  readonly cold_starts: number;
  /** Workers that were started. */
  readonly worker_starts: number;
  /** Time of all workers together, from start to end, in hours; within the simulated time. */
  readonly worker_hours: number;
  /** From the arrival of a request to its slot, in seconds. Refused requests do not count. */
  readonly wait_seconds: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
  /** Worker time at the price of the product; null when it has none. */
  readonly cost: number | null;
  /** At most 60 equal pieces of the time. */
  readonly timeline: ReadonlyArray<{
    /** Begin, counted from `began_at`, in seconds. */
    readonly from_seconds: number;
    /** End, in seconds. */
    readonly to_seconds: number;
    /** Requests that came in it. */
    readonly requests: number;
    readonly p95_wait_seconds: number;
    /** Mean number of workers. */
    readonly workers: number;
  }>;
};

/** Settings that the search tried, and what they come to. */
export type AdvisedSettings = {
  readonly product_id: string;
  readonly worker_config: {
    readonly min_replicas: number;
    readonly max_replicas: number;
    readonly idle_timeout: number;
    readonly max_concurrent_per_worker: number;
    readonly gpu_num: number;
    readonly request_timeout: number;
  };
  readonly policy: {
    readonly type: 'queue' | 'concurrency';
    readonly value: number;
  };
  /** Requests that came. */
  readonly requests: number;
  /** Requests that were answered. */
  readonly served: number;
  /** Requests whose request_timeout passed. */
  readonly timed_out: number;
  /** Requests that found the queue full or the endpoint paused. */
  readonly refused: number;
  /** Requests that waited for a worker to start. */
  readonly cold_starts: number;
  /** Workers that were started. */
  readonly worker_starts: number;
  /** Time of all workers together, from start to end, in hours; within the simulated time. */
  readonly worker_hours: number;
  /** From the arrival of a request to its slot, in seconds. Refused requests do not count. */
  readonly wait_seconds: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
  /** Worker time at the price of the product; null when it has none. */
  readonly cost: number | null;
  /** All goals hold. */
  readonly holds: boolean;
  /** The worst of wait ÷ goal; above 1 that goal is missed. */
  readonly miss_ratio: number;
};

/** What is, what is proposed, and what is advised. */
export type SimulateAnswer = {
  readonly requests: {
    readonly source: 'recorded' | 'trace';
    readonly count: number;
    /** Begin of the simulated time: of the window, or when the endpoint was created; as `first_at`. */
    readonly began_at: number;
    /** How long the simulated time is. */
    readonly span_seconds: number;
    /** Arrival of the first: unix time in seconds, of a trace its own seconds. */
    readonly first_at: number;
    /** Arrival of the last, as `first_at`. */
    readonly last_at: number;
    /** Requests whose run time was not seen, and was taken from others like them. */
    readonly assumed_runs: number;
  };
  /** What really happened to these requests; null for a trace. */
  readonly recorded: {
    readonly served: number;
    readonly timed_out: number;
    readonly refused: number;
    /** From the arrival of a request to its slot, in seconds. Refused requests do not count. */
    readonly wait_seconds: {
      readonly p50: number;
      readonly p95: number;
      readonly p99: number;
      readonly max: number;
    };
  } | null;
  /** Start times of workers that were used. */
  readonly start_seconds: {
    /** `workers`: measured at the last workers; `revision`: one smoothed time; `assumed`: no worker ever started. */
    readonly source: 'workers' | 'revision' | 'assumed';
    readonly samples: number;
    readonly median: number;
    readonly max: number;
  };
  /** Fields that the proposal changes. */
  readonly changed: ReadonlyArray<string>;
  readonly now: SimulatedRun;
  /** Null when the body proposes nothing. */
  readonly proposed: {
    readonly product_id: string;
    readonly worker_config: {
      readonly min_replicas: number;
      readonly max_replicas: number;
      readonly idle_timeout: number;
      readonly max_concurrent_per_worker: number;
      readonly gpu_num: number;
      readonly request_timeout: number;
    };
    readonly policy: {
      readonly type: 'queue' | 'concurrency';
      readonly value: number;
    };
    /** Requests that came. */
    readonly requests: number;
    /** Requests that were answered. */
    readonly served: number;
    /** Requests whose request_timeout passed. */
    readonly timed_out: number;
    /** Requests that found the queue full or the endpoint paused. */
    readonly refused: number;
    /** Requests that waited for a worker to start. */
    readonly cold_starts: number;
    /** Workers that were started. */
    readonly worker_starts: number;
    /** Time of all workers together, from start to end, in hours; within the simulated time. */
    readonly worker_hours: number;
    /** From the arrival of a request to its slot, in seconds. Refused requests do not count. */
    readonly wait_seconds: {
      readonly p50: number;
      readonly p95: number;
      readonly p99: number;
      readonly max: number;
    };
    /** Worker time at the price of the product; null when it has none. */
    readonly cost: number | null;
    /** At most 60 equal pieces of the time. */
    readonly timeline: ReadonlyArray<{
      /** Begin, counted from `began_at`, in seconds. */
      readonly from_seconds: number;
      /** End, in seconds. */
      readonly to_seconds: number;
      /** Requests that came in it. */
      readonly requests: number;
      readonly p95_wait_seconds: number;
      /** Mean number of workers. */
      readonly workers: number;
    }>;
  } | null;
  /** Null when the body asks for none. */
  readonly advice: {
    readonly holds: boolean;
    /** The cheapest that holds; null when none of those tried does. */
    readonly chosen: {
      readonly product_id: string;
      readonly worker_config: {
        readonly min_replicas: number;
        readonly max_replicas: number;
        readonly idle_timeout: number;
        readonly max_concurrent_per_worker: number;
        readonly gpu_num: number;
        readonly request_timeout: number;
      };
      readonly policy: {
        readonly type: 'queue' | 'concurrency';
        readonly value: number;
      };
      /** Requests that came. */
      readonly requests: number;
      /** Requests that were answered. */
      readonly served: number;
      /** Requests whose request_timeout passed. */
      readonly timed_out: number;
      /** Requests that found the queue full or the endpoint paused. */
      readonly refused: number;
      /** Requests that waited for a worker to start. */
      readonly cold_starts: number;
      /** Workers that were started. */
      readonly worker_starts: number;
      /** Time of all workers together, from start to end, in hours; within the simulated time. */
      readonly worker_hours: number;
      /** From the arrival of a request to its slot, in seconds. Refused requests do not count. */
      readonly wait_seconds: {
        readonly p50: number;
        readonly p95: number;
        readonly p99: number;
        readonly max: number;
      };
      /** Worker time at the price of the product; null when it has none. */
      readonly cost: number | null;
      /** All goals hold. */
      readonly holds: boolean;
      /** The worst of wait ÷ goal; above 1 that goal is missed. */
      readonly miss_ratio: number;
    } | null;
    readonly nearest: AdvisedSettings;
    /** Settings that no other one beats in both cost and waiting, the cheapest first. */
    readonly frontier: ReadonlyArray<AdvisedSettings>;
    readonly tried: number;
    /** The search ran on a part of the requests; what is answered was run on all. */
    readonly sampled: boolean;
  } | null;
  /** What limits the figures, in words. */
  readonly notes: ReadonlyArray<string>;
};

export type Worker = {
  readonly id: string;
  readonly status: Status;
  /** Path of the worker's log on this server. */
  readonly log: string;
  /** It passed its last health check. */
  readonly health: boolean;
  /** It gets no new requests and ends when the running ones did. */
  readonly drain: boolean;
  /** Revision of the endpoint it runs. Beyond the vendor's contract. */
  readonly revision: number;
  /** Ids of the GPUs it holds. */
  readonly devices: ReadonlyArray<string>;
  /** Unix time in seconds. */
  readonly created_at: number;
  /** When its start was asked for, unix time in seconds. */
  readonly started_at?: number;
  /** When it could first take requests, unix time in seconds. */
  readonly ready_at?: number;
  /** When it ended, unix time in seconds. */
  readonly ended_at?: number;
  /** How it ended; absent before, and where it never ran. */
  readonly exit?: {
    /** What its first process returned; null when a signal ended it, or nobody saw it. */
    readonly code: number | null;
    /** Name of the signal that ended it. */
    readonly signal: string | null;
    /** The kernel ended it, or a process of it, for want of memory; null where nobody can tell. */
    readonly out_of_memory: boolean | null;
    /** Most memory it held at one time; null where it was not measured. */
    readonly peak_memory_mib: number | null;
  };
  /** The end of what it wrote, at most 4 KiB; only of an ended worker. */
  readonly last_output?: string;
  /** The last it had, newest first, at most 10; only of an ended worker. */
  readonly last_requests?: ReadonlyArray<WorkerRequest>;
};

export type RequestTimeline = {
  /** Its X-Request-Id. */
  readonly id: string;
  readonly method: string;
  /** At the worker, without its query, at most 200 characters. */
  readonly path: string;
  /** Unix time in seconds, with fractions. */
  readonly arrived_at: number;
  /** Why it had to wait: `noWorker` was ready, `behindOthers` that waited, `slotsInUse`, or `notSent` because its worker could not be reached. Null: it never did. */
  readonly wait_reason: string | null;
  /** When a worker got it; unix time in seconds, with fractions. Null: not yet, or never. */
  readonly started_at: number | null;
  /** The worker that has it, or had it last. */
  readonly worker_id: string | null;
  /** Of that worker. */
  readonly revision: number | null;
  /** When its answer began; unix time in seconds, with fractions. Null: not yet, or never. */
  readonly first_byte_at: number | null;
  /** When its worker was through with it; unix time in seconds, with fractions. Null: not yet, or never. */
  readonly ended_at: number | null;
  /** Of its answer. */
  readonly status: number | null;
  /** `complete`, `broke` (by its worker), `clientGone`, `timeout`, `cut` (DRAIN_DEADLINE) or `refused` while it waited. Null: it goes on. */
  readonly outcome: string | null;
};

export type WorkerRequest = {
  /** Its X-Request-Id. */
  readonly id: string;
  readonly method: string;
  /** At the worker, without its query, at most 200 characters. */
  readonly path: string;
  /** When a worker got it; unix time in seconds, with fractions. Null: not yet, or never. */
  readonly started_at: number | null;
  /** When its worker was through with it; unix time in seconds, with fractions. Null: not yet, or never. */
  readonly ended_at: number | null;
  /** Of its answer. */
  readonly status: number | null;
  /** `complete`, `broke` (by its worker), `clientGone`, `timeout`, `cut` (DRAIN_DEADLINE) or `refused` while it waited. Null: it goes on. */
  readonly outcome: string | null;
};

export type Device = {
  /** Its UUID, or a number where only their number was configured. */
  readonly id: string;
  /** Its number now, as the driver's own tools count; null: not told. */
  readonly index: number | null;
  readonly name: string;
  /** The product of its kind. */
  readonly product_id: string;
  /** `free`; `held` by a worker or kept for one; `usedByOthers`: programs that are no workers have too much of its memory; `gone`: no longer listed or reached. Only a free one is given to a worker. */
  readonly state: string;
  /** 0: not told. */
  readonly memory_mib: number;
  /** Memory in use by anybody when it was looked at last. */
  readonly used_mib: number | null;
  /** The worker that has it, or for which it is kept. */
  readonly worker_id: string | null;
  /** Those that computed on it when it was looked at last, workers too. */
  readonly processes: ReadonlyArray<{
    readonly pid: number;
    readonly name: string;
    /** Null: not told. */
    readonly used_mib: number | null;
  }>;
};

export type EndpointEvent = {
  /** Ascending for one endpoint, also over restarts of the server. */
  readonly id: number;
  /** Unix time in seconds, with fractions. */
  readonly at: number;
  /** `scale`, `rollout`, `guard`, `eviction` (a device goes to another endpoint), `backoff` (a worker broke), `worker` (its state changed), `order` (something was asked of it). */
  readonly kind: 'scale' | 'rollout' | 'guard' | 'eviction' | 'backoff' | 'worker' | 'order';
  /** Stable name of the reason, for programs. */
  readonly code: string;
  /** The same for people, with its numbers. */
  readonly message: string;
  /** Where it is about one. */
  readonly revision: number | null;
  /** Where it is about one. */
  readonly worker_id: string | null;
  /** The numbers it rests on, by name. */
  readonly facts: Readonly<Record<string, unknown>>;
};

export type RolloutDetails = {
  /** As the answer to the update gave it. */
  readonly id: string;
  /** `waiting` for its first worker, `starting` it, `baking` (it proves itself), `rolling` (the others are replaced), `watching` (it serves alone and is still guarded); over: `done`, `failed` (the former revision is in force again), `aborted` (the same, on request), `superseded` (by a newer update, or taken back). */
  readonly state:
    | 'waiting'
    | 'starting'
    | 'baking'
    | 'rolling'
    | 'watching'
    | 'done'
    | 'failed'
    | 'aborted'
    | 'superseded';
  /** The revision in force before. */
  readonly from_revision: number;
  /** The revision it leads to. */
  readonly to_revision: number;
  /** How the first worker gets its place: `surge` (beside the old ones), `swap` (on the devices of an old one) or `cold` (no old one runs); null before it was decided. */
  readonly mode: string | null;
  /** What it does, or why it ended so; may be empty. */
  readonly message: string;
  /** Unix time in seconds. */
  readonly started_at: number;
  /** Unix time in seconds; null while it runs. */
  readonly ended_at: number | null;
  /** What was asked of it: `go` on, `pause`, `promote` without proof, `abort`. */
  readonly order: 'go' | 'pause' | 'promote' | 'abort';
  /** How it goes about its work: what the update said, else the defaults of the server. */
  readonly options: {
    /** Workers above the wanted number: a number, or a share such as 25%. */
    readonly max_surge: string;
    /** Workers that prove the new revision: a number, or a share such as 25%. */
    readonly first_step: string;
    /** Time in service that proves them. */
    readonly bake_seconds: number;
    /** Or answers, if they come sooner. */
    readonly bake_requests: number;
    /** How long it is guarded after the last old worker left. */
    readonly watch_seconds: number;
    /** After which running requests of a leaving worker are closed; 0: never. */
    readonly drain_seconds: number;
    /** Whether it is guarded. */
    readonly guard: 'on' | 'off';
    /** Times the first byte may take that it took before. */
    readonly guard_slowdown: number;
    /** Failed requests without which it is not taken back for failures. */
    readonly guard_failures: number;
  };
  /** What it waits for now, with the numbers; empty when it is over. */
  readonly waits_for: string;
  /** Unix time in seconds, with fractions; null when only an event moves it. */
  readonly looks_again_at: number | null;
  /** What the guard sees, or saw at the end. Null before a worker of the new revision was asked for, and of a rollout that ended before the server was started. */
  readonly guard: {
    /** What one revision did. */
    readonly new_revision: {
      /** Answers that began. */
      readonly answered: number;
      /** Requests whose outcome is known. */
      readonly ended: number;
      /** Those of them that failed: 5xx, cut off, or never answered. */
      readonly failed: number;
      /** Requests that wait for a first byte for much longer than is usual. */
      readonly unanswered: number;
      /** Workers that had been ready and ended by themselves. */
      readonly deaths: number;
      /** Median of the last ones; null when none was timed. */
      readonly first_byte_ms: number | null;
    };
    /** What one revision did. */
    readonly old_revision: {
      /** Answers that began. */
      readonly answered: number;
      /** Requests whose outcome is known. */
      readonly ended: number;
      /** Those of them that failed: 5xx, cut off, or never answered. */
      readonly failed: number;
      /** Requests that wait for a first byte for much longer than is usual. */
      readonly unanswered: number;
      /** Workers that had been ready and ended by themselves. */
      readonly deaths: number;
      /** Median of the last ones; null when none was timed. */
      readonly first_byte_ms: number | null;
    };
    /** That it fails more often; 333 is the verdict, and below 3 there is no doubt. */
    readonly failure_evidence: number;
    /** That it is slower, likewise. */
    readonly slowness_evidence: number;
    /** Something speaks against it, not enough for a verdict. */
    readonly doubtful: boolean;
    /** Why it was taken back; null while nothing is decided against it. */
    readonly verdict: string | null;
  } | null;
  /** All that are not over, with their revisions. */
  readonly workers: ReadonlyArray<EndpointWorker>;
  /** Running requests, at most 100, that keep leaving workers from ending. */
  readonly drain_holders: ReadonlyArray<{
    readonly request: RequestTimeline;
    /** When it is closed with DRAIN_DEADLINE, unix time; null: never. */
    readonly closed_at: number | null;
  }>;
};

export type ResourceUser = {
  readonly endpoint_id: string;
  /** The endpoint's. */
  readonly name: string;
  /** Those of its revisions that serve, or are to. */
  readonly revisions: ReadonlyArray<number>;
};

export type RegistryAuthBody = {
  /** For people; need not be unique. */
  readonly name: string;
  /** Host of the registry, with its port if it is not the usual one: `ghcr.io`, `registry.example:5000`; `docker.io` for Docker Hub. A URL is taken too. */
  readonly registry: string;
  /** As the registry knows it. */
  readonly username: string;
  /** Password or token. It is encrypted where it is stored and never answered. */
  readonly password: string;
};

export type RegistryAuth = {
  readonly id: string;
  readonly name: string;
  readonly registry: string;
  readonly username: string;
  /** Endpoints that hold it: it cannot be deleted before they are updated. Beyond the vendor's contract. */
  readonly used_by: ReadonlyArray<ResourceUser>;
  /** Whose key made it. */
  readonly owner_id: string;
  /** Unix time in seconds. */
  readonly created_at: number;
};

export type NetworkVolumeBody = {
  /** For people; need not be unique. */
  readonly name: string;
  /** In GB, what it is meant to hold. It is kept and shown; a folder of this machine has no limit of its own. */
  readonly size: number;
  /** Region, from the region list. */
  readonly region_id?: string;
};

export type NetworkVolumeChangeBody = {
  /** For people; need not be unique. */
  readonly name?: string;
  /** In GB, what it is meant to hold. It is kept and shown; a folder of this machine has no limit of its own. It can only grow. */
  readonly size?: number;
  /** Accepted when it is the present one. */
  readonly region_id?: string;
};

export type NetworkVolume = {
  readonly id: string;
  readonly name: string;
  /** In GB. */
  readonly size: number;
  readonly region_id: string;
  /** Endpoints that hold it: it cannot be deleted before they are updated. Beyond the vendor's contract. */
  readonly used_by: ReadonlyArray<ResourceUser>;
  /** Whose key made it. */
  readonly owner_id: string;
  /** Unix time in seconds. */
  readonly created_at: number;
};

export type PrewarmTaskBody = {
  /** Reference of the image. */
  readonly image: string;
  /** Region, from the region list. */
  readonly region_id: string;
  /** Saved credential; an empty string means none. */
  readonly registry_auth_id?: string;
  /** Kinds of machine it is to be on; none: all of the region. */
  readonly product_ids?: ReadonlyArray<string>;
  /** For people. */
  readonly name?: string;
  /** For people. */
  readonly note?: string;
};

export type PrewarmTask = {
  readonly task_id: string;
  readonly name: string;
  readonly image: string;
  readonly region_id: string;
  readonly product_ids: ReadonlyArray<string>;
  /** Bytes on this machine; 0 until it is known. */
  readonly image_size: number;
  /** Unix time in seconds. */
  readonly created_at: number;
  /** Unix time in seconds; 0 until it is over. */
  readonly completed_at: number;
  readonly status: Status;
  readonly registry_auth_id: string;
  readonly note: string;
  /** Why it failed; empty when it did not. */
  readonly reason: ReadonlyArray<string>;
  /** Whose key made it. */
  readonly owner_id: string;
};

export type Product = {
  readonly id: string;
  readonly name: string;
  /** `cpu` or `gpu`. */
  readonly type: string;
  /** Always `serverless`. */
  readonly category: string;
  readonly description: string;
  readonly region_ids: ReadonlyArray<string>;
  readonly resource_spec: {
    readonly gpu: {
      readonly spec_id: string;
      readonly name: string;
      /** Of one GPU; 0 when not known, and for `cpu`. */
      readonly memory_gb: number;
      /** Fewest GPUs a worker can ask for. */
      readonly min: number;
      /** Most GPUs a worker can ask for here. */
      readonly max: number;
      /** GPUs no worker holds now. */
      readonly available: number;
      /** GPUs there are in all. */
      readonly max_available: number;
    };
    /** 0: not limited. */
    readonly cpu: number;
    /** 0: not limited. */
    readonly memory_gb: number;
    readonly rootfs: {
      readonly min_gb: number;
      readonly max_gb: number;
      readonly free_gb: number;
      /** False: `rootfs_size_gb` is kept and shown, and a worker can write until the disk is full. So it is without containers, and where the container engine’s storage cannot hold them to a size. */
      readonly limited: boolean;
    };
  };
  readonly pricing: {
    /** A price is the integer divided by 10 to this power. */
    readonly precision: number;
    readonly postpaid: {
      readonly base_price: number;
      readonly final_price: number;
      readonly unit: string;
    };
    readonly storage_price_per_gb: number;
  };
  readonly billing_methods: ReadonlyArray<string>;
  /** `available`, or `busy` while every GPU is held by a worker. */
  readonly inventory_state: string;
  /** An endpoint can be made with it. */
  readonly deployable: boolean;
};

export type Region = {
  readonly id: string;
  readonly name: string;
  /** Products with GPUs in it. */
  readonly gpus: ReadonlyArray<string>;
  readonly feature: {
    readonly network_volume: boolean;
    readonly instance_vpc_network: boolean;
  };
};

export type JobRun = {
  /** Any JSON value but null; the worker gets it as it was written. At most PILOTLIGHT_JOB_INPUT_MIB. */
  readonly input: unknown;
  /** Told of the end of the job by a signed POST of its status. */
  readonly webhook?: string;
  readonly policy?: {
    /** Longest run of one attempt, in milliseconds. Absent: the request_timeout of the endpoint. */
    readonly executionTimeout?: number;
    /** Longest wait for a worker, in milliseconds. Absent: a day. What runs is not ended by it. */
    readonly ttl?: number;
    /** Taken only while no other job waits. Absent: false. */
    readonly lowPriority?: boolean;
  };
};

export type JobItem = {
  readonly id: string;
  /** `IN_QUEUE` (`PENDING` at `/v1`), `IN_PROGRESS`, `COMPLETED`, `FAILED`, `CANCELLED` or `TIMED_OUT`. */
  readonly status: string;
  /** Milliseconds it waited; from the moment its last attempt began. */
  readonly delayTime?: number;
  /** Milliseconds its last attempt ran; from the moment it ended. */
  readonly executionTime?: number;
  /** That has it, or had it last. */
  readonly workerId?: string;
  /** Unix time in milliseconds. */
  readonly createdAt?: number;
  /** Times that its owner asked for it again. */
  readonly retries?: number;
  /** Why it has no output. */
  readonly error?: string;
  /** Attempts whose worker was lost. */
  readonly lostAttempts?: ReadonlyArray<{
    /** 1, 2, 3 … */
    readonly attempt: number;
    readonly workerId: string;
    /** Unix time in milliseconds. */
    readonly startedAt: number;
    /** Unix time in milliseconds. */
    readonly endedAt: number;
    readonly reason: string;
  }>;
};

export type JobStatus = {
  readonly id: string;
  /** `IN_QUEUE` (`PENDING` at `/v1`), `IN_PROGRESS`, `COMPLETED`, `FAILED`, `CANCELLED` or `TIMED_OUT`. */
  readonly status: string;
  /** Milliseconds it waited; from the moment its last attempt began. */
  readonly delayTime?: number;
  /** Milliseconds its last attempt ran; from the moment it ended. */
  readonly executionTime?: number;
  /** That has it, or had it last. */
  readonly workerId?: string;
  /** Unix time in milliseconds. */
  readonly createdAt?: number;
  /** Times that its owner asked for it again. */
  readonly retries?: number;
  /** Why it has no output. */
  readonly error?: string;
  /** Attempts whose worker was lost. */
  readonly lostAttempts?: ReadonlyArray<{
    /** 1, 2, 3 … */
    readonly attempt: number;
    readonly workerId: string;
    /** Unix time in milliseconds. */
    readonly startedAt: number;
    /** Unix time in milliseconds. */
    readonly endedAt: number;
    readonly reason: string;
  }>;
  /** What the worker returned, as it was written; while it runs, its last progress. */
  readonly output?: unknown;
};

export type JobHealth = {
  readonly jobs: {
    /** Whose result is kept. */
    readonly completed: number;
    /** Likewise; timed out ones too. */
    readonly failed: number;
    readonly inProgress: number;
    readonly inQueue: number;
    /** Asked for again since the server started. */
    readonly retried: number;
  };
  readonly workers: {
    readonly idle: number;
    readonly initializing: number;
    readonly ready: number;
    readonly running: number;
    /** That wait for a device. */
    readonly throttled: number;
    readonly unhealthy: number;
  };
};

export type WebhookDelivery = {
  /** The webhook-id header of its messages. */
  readonly id: string;
  readonly url: string;
  /** `due`, `delivered`, or `failed` after the last try. */
  readonly state: string;
  readonly tries: number;
  /** Unix time in milliseconds. */
  readonly createdAt: number;
  /** Of the next try, where there is one. Unix time in milliseconds. */
  readonly dueAt: number;
  /** What became of the last try. */
  readonly message: string;
};

/** What each operation takes and answers. */
export interface Operations {
  /** Whether the server serves */
  readonly getHealth: {
    readonly answer: {
      readonly status: string;
      readonly version: string;
    };
  };
  /** Metrics for Prometheus */
  readonly getMetrics: {
    readonly answer: string;
  };
  /** Create an endpoint */
  readonly createEndpoint: {
    readonly header?: {
      /** Chosen by the client for this one change. A request that comes again with it within 24 hours gets the same answer, with the header Idempotency-Replayed, and changes nothing. */
      readonly 'idempotency-key'?: string;
    };
    readonly body: EndpointCreateBody;
    readonly answer: {
      readonly id: string;
      /** What was done all the same, and is better done otherwise; absent when there is nothing. Beyond the vendor's contract. */
      readonly warnings?: ReadonlyArray<string>;
    };
  };
  /** List endpoints */
  readonly listEndpoints: {
    readonly query?: {
      /** Most items of one answer; 0 or absent: 50. */
      readonly limit?: number;
      /** `next_cursor` of the answer before; empty or absent: from the start. */
      readonly cursor?: string;
      /** Only endpoints whose id, name or app_name contains it. */
      readonly keyword?: string;
      /** Only endpoints of these members; comma separated. */
      readonly member_ids?: string;
    };

    readonly answer: {
      readonly data: ReadonlyArray<Endpoint>;
      /** Empty at the end. */
      readonly next_cursor: string;
      readonly has_more: boolean;
    };
  };
  /** Get an endpoint */
  readonly getEndpoint: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
    };

    readonly answer: Endpoint;
  };
  /** Update an endpoint */
  readonly updateEndpoint: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
    };
    readonly query?: {
      /** True: the answer is an UpdatePlan that tells what would be done; nothing is changed. */
      readonly dry_run?: boolean;
      /** Workers above the wanted number during the rollout: a number from 0 to 1000, or a share such as `25%`. 0 replaces each in its place. */
      readonly max_surge?: string;
      /** Workers that prove the new revision: a number from 1, or a share of all such as `25%`. */
      readonly first_step?: string;
      /** Time in service that proves them; 0: at once. */
      readonly bake_seconds?: number;
      /** Or answers, if they come sooner; 0: at once. */
      readonly bake_requests?: number;
      /** How long it is still guarded when no old worker is left. */
      readonly watch_seconds?: number;
      /** Running requests of a worker that leaves are closed with DRAIN_DEADLINE after this time; 0: never. */
      readonly drain_seconds?: number;
      /** `off`: failures, slowness and deaths do not take the new revision back. */
      readonly guard?: 'on' | 'off';
      /** Times the first byte may take that it took before, from 1.1 to 100. */
      readonly guard_slowdown?: string;
      /** Failed requests without which the new revision is not taken back for failures. */
      readonly guard_failures?: number;
    };
    readonly header?: {
      /** `*`, or `etag`s of the endpoint apart by commas: the change is made only while it has one of them, and is else refused with PRECONDITION_FAILED. */
      readonly 'if-match'?: string;
      /** Chosen by the client for this one change. A request that comes again with it within 24 hours gets the same answer, with the header Idempotency-Replayed, and changes nothing. */
      readonly 'idempotency-key'?: string;
    };
    readonly body: EndpointUpdateBody;
    readonly answer: UpdateAnswer | UpdatePlan;
  };
  /** Delete an endpoint */
  readonly deleteEndpoint: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
    };

    readonly header?: {
      /** `*`, or `etag`s of the endpoint apart by commas: the change is made only while it has one of them, and is else refused with PRECONDITION_FAILED. */
      readonly 'if-match'?: string;
    };
    readonly answer: Readonly<Record<string, never>>;
  };
  /** List an endpoint's revisions, newest first */
  readonly listRevisions: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
    };
    readonly query?: {
      /** Most items of one answer; 0 or absent: 50. */
      readonly limit?: number;
      /** `next_cursor` of the answer before; empty or absent: from the start. */
      readonly cursor?: string;
    };

    readonly answer: {
      readonly data: ReadonlyArray<RevisionItem>;
      /** Empty at the end. */
      readonly next_cursor: string;
      readonly has_more: boolean;
    };
  };
  /** Get a revision, with its fields and the settings it was made with */
  readonly getRevision: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
      /** Number of the revision. */
      readonly revision: number;
    };

    readonly answer: Revision;
  };
  /** Bring a former revision back */
  readonly rollbackEndpoint: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
    };
    readonly query?: {
      /** True: the answer is an UpdatePlan that tells what would be done; nothing is changed. */
      readonly dry_run?: boolean;
      /** Workers above the wanted number during the rollout: a number from 0 to 1000, or a share such as `25%`. 0 replaces each in its place. */
      readonly max_surge?: string;
      /** Workers that prove the new revision: a number from 1, or a share of all such as `25%`. */
      readonly first_step?: string;
      /** Time in service that proves them; 0: at once. */
      readonly bake_seconds?: number;
      /** Or answers, if they come sooner; 0: at once. */
      readonly bake_requests?: number;
      /** How long it is still guarded when no old worker is left. */
      readonly watch_seconds?: number;
      /** Running requests of a worker that leaves are closed with DRAIN_DEADLINE after this time; 0: never. */
      readonly drain_seconds?: number;
      /** `off`: failures, slowness and deaths do not take the new revision back. */
      readonly guard?: 'on' | 'off';
      /** Times the first byte may take that it took before, from 1.1 to 100. */
      readonly guard_slowdown?: string;
      /** Failed requests without which the new revision is not taken back for failures. */
      readonly guard_failures?: number;
    };
    readonly header?: {
      /** `*`, or `etag`s of the endpoint apart by commas: the change is made only while it has one of them, and is else refused with PRECONDITION_FAILED. */
      readonly 'if-match'?: string;
      /** Chosen by the client for this one change. A request that comes again with it within 24 hours gets the same answer, with the header Idempotency-Replayed, and changes nothing. */
      readonly 'idempotency-key'?: string;
    };
    readonly body: RollbackBody;
    readonly answer: UpdateAnswer | UpdatePlan;
  };
  /** Get the running rollout of an endpoint, or the last one, in full */
  readonly getRollout: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
    };

    readonly answer: RolloutDetails;
  };
  /** Hold a rollout still */
  readonly pauseRollout: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
    };

    readonly answer: RolloutDetails;
  };
  /** Let a paused rollout go on */
  readonly resumeRollout: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
    };

    readonly answer: RolloutDetails;
  };
  /** Let a rollout go on without proof */
  readonly promoteRollout: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
    };

    readonly answer: RolloutDetails;
  };
  /** Go back to the former revision */
  readonly abortRollout: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
    };

    readonly answer: RolloutDetails;
  };
  /** Tell what was decided about an endpoint, and why */
  readonly listEvents: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
    };
    readonly query?: {
      /** Only events behind the one with this id. */
      readonly after?: number;
      /** Most events of one page. */
      readonly limit?: number;
    };
    readonly header?: {
      /** Id of the last event that was seen; goes before `after`. */
      readonly 'last-event-id'?: string;
    };
    readonly answer: {
      readonly data: ReadonlyArray<EndpointEvent>;
      /** Of the last event of the page, for `after` of the next one; null when there is none. */
      readonly last_id: number | null;
      /** Later events than these are kept. */
      readonly has_more: boolean;
    };
  };
  /** Show an endpoint's requests: those that go on, and the last 100 that ended */
  readonly listRequests: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
    };
    readonly query?: {
      /** Most requests of the answer. */
      readonly limit?: number;
    };

    readonly answer: {
      readonly data: ReadonlyArray<RequestTimeline>;
      /** What those wait for that wait now; empty when none does. */
      readonly wait_for: string;
    };
  };
  /** List an endpoint's workers, the last ended ones too, newest first */
  readonly listWorkers: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
    };

    readonly answer: {
      readonly data: ReadonlyArray<Worker>;
      /** Running requests, at most 100, that keep leaving workers from ending. */
      readonly drain_holders: ReadonlyArray<{
        readonly request: RequestTimeline;
        /** When it is closed with DRAIN_DEADLINE, unix time; null: never. */
        readonly closed_at: number | null;
      }>;
    };
  };
  /** Show one worker, also after its end: how it ended, what it wrote and served last */
  readonly getWorker: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
      /** Id of the worker. */
      readonly worker_id: string;
    };

    readonly answer: Worker;
  };
  /** Read the end of a worker's log */
  readonly getWorkerLog: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
      /** Id of the worker. */
      readonly worker_id: string;
    };
    readonly query?: {
      /** How much of the end of the log is answered. */
      readonly tail_bytes?: number;
    };

    readonly answer: string;
  };
  /** Simulate an endpoint with other settings */
  readonly simulateEndpoint: {
    readonly path: {
      /** Id of the endpoint. */
      readonly endpoint_id: string;
    };

    readonly body: SimulateBody;
    readonly answer: SimulateAnswer;
  };
  /** Save a registry credential */
  readonly createRegistryAuth: {
    readonly body: RegistryAuthBody;
    readonly answer: {
      readonly id: string;
    };
  };
  /** List registry credentials */
  readonly listRegistryAuths: {
    readonly query?: {
      /** Most items of one answer; 0 or absent: 50. */
      readonly limit?: number;
      /** `next_cursor` of the answer before; empty or absent: from the start. */
      readonly cursor?: string;
    };

    readonly answer: {
      readonly data: ReadonlyArray<RegistryAuth>;
      /** Empty at the end. */
      readonly next_cursor: string;
      readonly has_more: boolean;
    };
  };
  /** Delete a registry credential */
  readonly deleteRegistryAuth: {
    readonly path: {
      /** Id of the credential. */
      readonly registry_auth_id: string;
    };

    readonly answer: {
      /** What was done all the same, and is better done otherwise; absent when there is nothing. Beyond the vendor's contract. */
      readonly warnings?: ReadonlyArray<string>;
    };
  };
  /** Make a network volume */
  readonly createNetworkVolume: {
    readonly body: NetworkVolumeBody;
    readonly answer: {
      readonly id: string;
    };
  };
  /** List network volumes */
  readonly listNetworkVolumes: {
    readonly query?: {
      /** Most items of one answer; 0 or absent: 50. */
      readonly limit?: number;
      /** `next_cursor` of the answer before; empty or absent: from the start. */
      readonly cursor?: string;
    };

    readonly answer: {
      readonly data: ReadonlyArray<NetworkVolume>;
      /** Empty at the end. */
      readonly next_cursor: string;
      readonly has_more: boolean;
    };
  };
  /** Get a network volume */
  readonly getNetworkVolume: {
    readonly path: {
      /** Id of the volume. */
      readonly volume_id: string;
    };

    readonly answer: NetworkVolume;
  };
  /** Rename or grow a network volume */
  readonly updateNetworkVolume: {
    readonly path: {
      /** Id of the volume. */
      readonly volume_id: string;
    };

    readonly body: NetworkVolumeChangeBody;
    readonly answer: Readonly<Record<string, never>>;
  };
  /** Delete a network volume and all its data */
  readonly deleteNetworkVolume: {
    readonly path: {
      /** Id of the volume. */
      readonly volume_id: string;
    };

    readonly answer: {
      /** What was done all the same, and is better done otherwise; absent when there is nothing. Beyond the vendor's contract. */
      readonly warnings?: ReadonlyArray<string>;
    };
  };
  /** Bring an image onto the machine before a worker needs it */
  readonly createPrewarmTask: {
    readonly body: PrewarmTaskBody;
    readonly answer: {
      readonly id: string;
      /** The same. */
      readonly task_id: string;
    };
  };
  /** List prewarm tasks */
  readonly listPrewarmTasks: {
    readonly query?: {
      /** Most items of one answer; 0 or absent: 50. */
      readonly limit?: number;
      /** `next_cursor` of the answer before; empty or absent: from the start. */
      readonly cursor?: string;
      /** Only tasks of this status. */
      readonly status?: 'pending' | 'running' | 'succeeded' | 'failed';
      /** Only tasks of this region. */
      readonly region_id?: string;
      /** Only tasks whose name contains it. */
      readonly name?: string;
    };

    readonly answer: {
      readonly data: ReadonlyArray<PrewarmTask>;
      /** Empty at the end. */
      readonly next_cursor: string;
      readonly has_more: boolean;
    };
  };
  /** List products: the kinds of machine a worker can ask for */
  readonly listProducts: {
    readonly query: {
      /** Most items of one answer; 0 or absent: 50. */
      readonly limit?: number;
      /** `next_cursor` of the answer before; empty or absent: from the start. */
      readonly cursor?: string;
      /** Only serverless products exist here; `instance` answers an empty list. */
      readonly category: 'serverless' | 'instance';
      /** Kind of product; empty means gpu. */
      readonly type: '' | 'gpu' | 'cpu';
      /** Only products of one of these regions; comma separated. */
      readonly region_ids?: string;
    };

    readonly answer: {
      readonly data: ReadonlyArray<Product>;
      /** Empty at the end. */
      readonly next_cursor: string;
      readonly has_more: boolean;
    };
  };
  /** List the GPUs of this machine, who holds them and who else uses them */
  readonly listDevices: {
    readonly answer: {
      readonly data: ReadonlyArray<Device>;
      /** Of the kernel's driver. */
      readonly driver_version: string | null;
      /** The highest that this driver takes. */
      readonly cuda_version: string | null;
      /** When they were looked at last, unix time in seconds; null: never. */
      readonly seen_at: number | null;
    };
  };
  /** List regions */
  readonly listRegions: {
    readonly query?: {
      /** Most items of one answer; 0 or absent: 50. */
      readonly limit?: number;
      /** `next_cursor` of the answer before; empty or absent: from the start. */
      readonly cursor?: string;
    };

    readonly answer: {
      readonly data: ReadonlyArray<Region>;
      /** Empty at the end. */
      readonly next_cursor: string;
      readonly has_more: boolean;
    };
  };
  /** Run a job */
  readonly runJob: {
    readonly path: {
      readonly endpoint: string;
    };

    readonly header?: {
      /** Chosen by the client for this one change. A request that comes again with it within 24 hours gets the same answer, with the header Idempotency-Replayed, and changes nothing. */
      readonly 'idempotency-key'?: string;
    };
    readonly body: JobRun;
    readonly answer: JobStatus;
  };
  /** Run a job and wait for its end */
  readonly runJobSync: {
    readonly path: {
      readonly endpoint: string;
    };
    readonly query?: {
      /** Longest wait in milliseconds; absent: 90,000. */
      readonly wait?: number;
    };
    readonly header?: {
      /** Chosen by the client for this one change. A request that comes again with it within 24 hours gets the same answer, with the header Idempotency-Replayed, and changes nothing. */
      readonly 'idempotency-key'?: string;
    };
    readonly body: JobRun;
    readonly answer: JobStatus;
  };
  /** Get the status of a job */
  readonly getJob: {
    readonly path: {
      readonly endpoint: string;
      /** Id of the job. */
      readonly job_id: string;
    };
    readonly query?: {
      /** Wait for its end, at most so many milliseconds; absent: do not wait. */
      readonly wait?: number;
    };

    readonly answer: JobStatus;
  };
  /** Read the parts of a streamed output */
  readonly streamJob: {
    readonly path: {
      readonly endpoint: string;
      /** Id of the job. */
      readonly job_id: string;
    };
    readonly query?: {
      /** Number of the first part wanted, as `next` told it. */
      readonly from?: number;
    };

    readonly answer: {
      readonly status: string;
      readonly stream: ReadonlyArray<{
        readonly output: unknown;
      }>;
      /** Number of the part behind these. */
      readonly next: number;
    };
  };
  /** Cancel a job */
  readonly cancelJob: {
    readonly path: {
      readonly endpoint: string;
      /** Id of the job. */
      readonly job_id: string;
    };

    readonly answer: JobStatus;
  };
  /** Run a job that failed or timed out once more, under its id */
  readonly retryJob: {
    readonly path: {
      readonly endpoint: string;
      /** Id of the job. */
      readonly job_id: string;
    };

    readonly answer: JobStatus;
  };
  /** Cancel all jobs that wait */
  readonly purgeQueue: {
    readonly path: {
      readonly endpoint: string;
    };

    readonly answer: {
      readonly removed: number;
      readonly status: string;
    };
  };
  /** Count the jobs and workers of an endpoint */
  readonly getJobHealth: {
    readonly path: {
      readonly endpoint: string;
    };

    readonly answer: JobHealth;
  };
  /** The same in the words of the vendor's older API */
  readonly getJobStats: {
    readonly path: {
      readonly endpoint: string;
    };

    readonly answer: {
      readonly busy_workers: number;
      readonly endpoint: string;
      readonly in_progress: number;
      readonly pending: number;
      readonly total_workers: number;
    };
  };
  /** List jobs, newest first */
  readonly listJobs: {
    readonly path: {
      readonly endpoint: string;
    };
    readonly query?: {
      /** Most items of one answer; 0 or absent: 50. */
      readonly limit?: number;
      /** `next_cursor` of the answer before; empty or absent: from the start. */
      readonly cursor?: string;
      /** Only these. */
      readonly status?: 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TIMED_OUT';
    };

    readonly answer: {
      readonly requests: ReadonlyArray<JobItem>;
      /** Empty at the end. */
      readonly next_cursor: string;
      readonly has_more: boolean;
    };
  };
  /** Show what became of a job's webhook */
  readonly listDeliveries: {
    readonly path: {
      readonly endpoint: string;
      /** Id of the job. */
      readonly job_id: string;
    };

    readonly answer: {
      readonly data: ReadonlyArray<WebhookDelivery>;
    };
  };
  /** Send a job's webhook once more */
  readonly replayDelivery: {
    readonly path: {
      readonly endpoint: string;
      /** Id of the job. */
      readonly job_id: string;
    };

    readonly answer: WebhookDelivery;
  };
  /** The secret that webhooks of this endpoint are signed with */
  readonly getWebhookSecret: {
    readonly path: {
      readonly endpoint: string;
    };

    readonly answer: {
      /** In the form of Standard Webhooks: whsec_ and base64. */
      readonly secret: string;
    };
  };
}

/** Where each operation is. */
export const OPERATIONS = {
  getHealth: { method: 'GET', path: '/healthz', answer: 'json' },
  getMetrics: { method: 'GET', path: '/metrics', answer: 'text' },
  createEndpoint: { method: 'POST', path: '/gpus/v2/endpoints', answer: 'json' },
  listEndpoints: { method: 'GET', path: '/gpus/v2/endpoints', answer: 'json' },
  getEndpoint: { method: 'GET', path: '/gpus/v2/endpoints/{endpoint_id}', answer: 'json' },
  updateEndpoint: { method: 'PUT', path: '/gpus/v2/endpoints/{endpoint_id}', answer: 'json' },
  deleteEndpoint: { method: 'DELETE', path: '/gpus/v2/endpoints/{endpoint_id}', answer: 'json' },
  listRevisions: { method: 'GET', path: '/gpus/v2/endpoints/{endpoint_id}/revisions', answer: 'json' },
  getRevision: {
    method: 'GET',
    path: '/gpus/v2/endpoints/{endpoint_id}/revisions/{revision}',
    answer: 'json',
  },
  rollbackEndpoint: { method: 'POST', path: '/gpus/v2/endpoints/{endpoint_id}/rollback', answer: 'json' },
  getRollout: { method: 'GET', path: '/gpus/v2/endpoints/{endpoint_id}/rollout', answer: 'json' },
  pauseRollout: { method: 'POST', path: '/gpus/v2/endpoints/{endpoint_id}/rollout/pause', answer: 'json' },
  resumeRollout: { method: 'POST', path: '/gpus/v2/endpoints/{endpoint_id}/rollout/resume', answer: 'json' },
  promoteRollout: {
    method: 'POST',
    path: '/gpus/v2/endpoints/{endpoint_id}/rollout/promote',
    answer: 'json',
  },
  abortRollout: { method: 'POST', path: '/gpus/v2/endpoints/{endpoint_id}/rollout/abort', answer: 'json' },
  listEvents: { method: 'GET', path: '/gpus/v2/endpoints/{endpoint_id}/events', answer: 'json' },
  listRequests: { method: 'GET', path: '/gpus/v2/endpoints/{endpoint_id}/requests', answer: 'json' },
  listWorkers: { method: 'GET', path: '/gpus/v2/endpoints/{endpoint_id}/workers', answer: 'json' },
  getWorker: { method: 'GET', path: '/gpus/v2/endpoints/{endpoint_id}/workers/{worker_id}', answer: 'json' },
  getWorkerLog: {
    method: 'GET',
    path: '/gpus/v2/endpoints/{endpoint_id}/workers/{worker_id}/log',
    answer: 'text',
  },
  simulateEndpoint: { method: 'POST', path: '/gpus/v2/endpoints/{endpoint_id}/simulate', answer: 'json' },
  createRegistryAuth: { method: 'POST', path: '/gpus/v2/registry-auths', answer: 'json' },
  listRegistryAuths: { method: 'GET', path: '/gpus/v2/registry-auths', answer: 'json' },
  deleteRegistryAuth: {
    method: 'DELETE',
    path: '/gpus/v2/registry-auths/{registry_auth_id}',
    answer: 'json',
  },
  createNetworkVolume: { method: 'POST', path: '/gpus/v2/network-volumes', answer: 'json' },
  listNetworkVolumes: { method: 'GET', path: '/gpus/v2/network-volumes', answer: 'json' },
  getNetworkVolume: { method: 'GET', path: '/gpus/v2/network-volumes/{volume_id}', answer: 'json' },
  updateNetworkVolume: { method: 'PUT', path: '/gpus/v2/network-volumes/{volume_id}', answer: 'json' },
  deleteNetworkVolume: { method: 'DELETE', path: '/gpus/v2/network-volumes/{volume_id}', answer: 'json' },
  createPrewarmTask: { method: 'POST', path: '/gpus/v2/prewarm-tasks', answer: 'json' },
  listPrewarmTasks: { method: 'GET', path: '/gpus/v2/prewarm-tasks', answer: 'json' },
  listProducts: { method: 'GET', path: '/gpus/v2/products', answer: 'json' },
  listDevices: { method: 'GET', path: '/gpus/v2/devices', answer: 'json' },
  listRegions: { method: 'GET', path: '/gpus/v2/regions', answer: 'json' },
  runJob: { method: 'POST', path: '/v2/{endpoint}/run', answer: 'json' },
  runJobSync: { method: 'POST', path: '/v2/{endpoint}/runsync', answer: 'json' },
  getJob: { method: 'GET', path: '/v2/{endpoint}/status/{job_id}', answer: 'json' },
  streamJob: { method: 'GET', path: '/v2/{endpoint}/stream/{job_id}', answer: 'json' },
  cancelJob: { method: 'POST', path: '/v2/{endpoint}/cancel/{job_id}', answer: 'json' },
  retryJob: { method: 'POST', path: '/v2/{endpoint}/retry/{job_id}', answer: 'json' },
  purgeQueue: { method: 'POST', path: '/v2/{endpoint}/purge-queue', answer: 'json' },
  getJobHealth: { method: 'GET', path: '/v2/{endpoint}/health', answer: 'json' },
  getJobStats: { method: 'GET', path: '/v2/{endpoint}/stats', answer: 'json' },
  listJobs: { method: 'GET', path: '/v2/{endpoint}/requests', answer: 'json' },
  listDeliveries: { method: 'GET', path: '/v2/{endpoint}/deliveries/{job_id}', answer: 'json' },
  replayDelivery: { method: 'POST', path: '/v2/{endpoint}/deliveries/{job_id}/replay', answer: 'json' },
  getWebhookSecret: { method: 'GET', path: '/v2/{endpoint}/webhook-secret', answer: 'json' },
} as const;
