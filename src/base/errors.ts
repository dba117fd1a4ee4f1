/**
 * Every error a user can meet, by its stable code. The codes the vendor's API publishes are kept as
 * they are; ours follow the same spelling. No HTTP here: a status is chosen last, in
 * `model/error-status.ts`.
 */
export type ErrorCode =
  // the control API
  | 'VALIDATOR_PARAM'
  | 'REQUEST'
  | 'UNAUTHORIZED'
  | 'INVALID_API_KEY'
  | 'FORBIDDEN'
  | 'API_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'BODY_TOO_LARGE'
  | 'CONFLICT'
  | 'PRECONDITION_FAILED'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'INSUFFICIENT_RESOURCE'
  | 'SERVERLESS_ENDPOINT_NOT_FOUND'
  | 'SERVERLESS_WORKER_NOT_FOUND'
  | 'SERVERLESS_REVISION_NOT_FOUND'
  | 'ROLLOUT_NOT_FOUND'
  | 'ROLLOUT_OVER'
  | 'ROLLOUT_ABORTING'
  | 'EVENT_READERS_LIMIT'
  | 'SERVERLESS_PRODUCT_NOT_FOUND'
  | 'SERVERLESS_APP_NAME_IS_EXIST'
  | 'IMAGE_NOT_SUPPORTED'
  | 'IMAGE_AUTH_IN_USE'
  | 'REGISTRY_AUTH_NOT_FOUND'
  | 'NETWORK_STORAGE_NOT_FOUND'
  | 'NETWORK_STORAGE_IN_USE'
  | 'NETWORK_STORAGE_TOO_LARGE'
  | 'NETWORK_STORAGE_UNAVAILABLE'
  | 'OPERATION_LIMIT'
  | 'NO_ARRIVALS'
  | 'TRACE_INVALID'
  | 'SIMULATION_BUSY'
  | 'SIMULATION_TOO_LARGE'
  | 'SIMULATION_TOO_LONG'
  | 'SHUTTING_DOWN'
  | 'UNKNOWN'
  // the gateway
  | 'REQUEST_MALFORMED'
  | 'REQUEST_HEADERS_TOO_LARGE'
  | 'REQUEST_HEADERS_TIMEOUT'
  | 'QUEUE_FULL'
  | 'WORKER_BROKE'
  | 'ENDPOINT_PAUSED'
  | 'ENDPOINT_FAILED'
  | 'REQUEST_TIMEOUT_WAITING'
  | 'REQUEST_TIMEOUT_RUNNING'
  | 'DRAIN_DEADLINE'
  // jobs of async endpoints
  | 'JOB_NOT_FOUND'
  | 'JOB_NOT_YOURS'
  | 'JOB_STATE'
  // inside: drivers and the store
  | 'WORKER_START_FAILED'
  | 'DEVICE_MEMORY_HELD'
  | 'DEVICES_UNREADABLE'
  | 'IMAGE_NOT_FOUND'
  | 'IMAGE_DIGEST_GONE'
  | 'IMAGE_AUTH_REQUIRED'
  | 'IMAGE_PULL_FAILED'
  | 'REGISTRY_UNREACHABLE'
  | 'ENTRYPOINT_NOT_FOUND'
  | 'DEVICES_NOT_GIVEN'
  | 'DISK_FULL'
  | 'ENGINE_UNREACHABLE'
  | 'ENGINE_SLOW'
  | 'ENGINE_FAILED'
  | 'STORE_CONFLICT'
  | 'STORE_FAILED'
  | 'SECRET_UNREADABLE'
  | 'CONFIG_INVALID';

export interface AppErrorOptions {
  /** Facts for the client, by field path or by name. Never a secret. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** What only the operator may read: it goes to the log, never to a client. */
  readonly detail?: string;
  readonly cause?: unknown;
  /** Seconds after which trying again makes sense. */
  readonly retryAfterSeconds?: number;
}

/** An expected failure. `message` is for the client; `detail` and `cause` stay inside. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly metadata: Readonly<Record<string, string>>;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.metadata = options.metadata ?? {};
    this.detail = options.detail;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** The body of every error answer, on the control API and on the gateway. */
export interface ErrorBody {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Throws for a state that the program makes impossible. `id` is fixed and greps to one place. */
export function impossible(id: string, message: string): never {
  throw new Error(`impossible (${id}): ${message}`);
}
