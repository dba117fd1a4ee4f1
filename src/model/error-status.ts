import type { AppError, ErrorBody, ErrorCode } from '../base/errors.ts';

/**
 * The one place where a code becomes an HTTP status. The vendor answers most refusals with 400;
 * those codes keep that, except an unknown endpoint, which is 404 as its clients expect.
 */
export const ERROR_STATUS: Readonly<Record<ErrorCode, number>> = {
  VALIDATOR_PARAM: 400,
  REQUEST: 400,
  UNAUTHORIZED: 401,
  INVALID_API_KEY: 403,
  FORBIDDEN: 403,
  API_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  UNSUPPORTED_MEDIA_TYPE: 415,
  BODY_TOO_LARGE: 413,
  CONFLICT: 400,
  PRECONDITION_FAILED: 412,
  IDEMPOTENCY_KEY_REUSED: 422,
  INSUFFICIENT_RESOURCE: 400,
  SERVERLESS_ENDPOINT_NOT_FOUND: 404,
  SERVERLESS_WORKER_NOT_FOUND: 404,
  SERVERLESS_REVISION_NOT_FOUND: 404,
  ROLLOUT_NOT_FOUND: 404,
  ROLLOUT_OVER: 409,
  ROLLOUT_ABORTING: 409,
  EVENT_READERS_LIMIT: 429,
  SERVERLESS_PRODUCT_NOT_FOUND: 400,
  SERVERLESS_APP_NAME_IS_EXIST: 400,
  IMAGE_NOT_SUPPORTED: 400,
  NO_ARRIVALS: 400,
  TRACE_INVALID: 400,
  SIMULATION_BUSY: 429,
  SIMULATION_TOO_LARGE: 400,
  SIMULATION_TOO_LONG: 400,
  SHUTTING_DOWN: 503,
  UNKNOWN: 500,
  REQUEST_MALFORMED: 400,
  REQUEST_HEADERS_TOO_LARGE: 431,
  REQUEST_HEADERS_TIMEOUT: 408,
  QUEUE_FULL: 429,
  WORKER_BROKE: 502,
  ENDPOINT_PAUSED: 503,
  ENDPOINT_FAILED: 503,
  REQUEST_TIMEOUT_WAITING: 504,
  REQUEST_TIMEOUT_RUNNING: 504,
  DRAIN_DEADLINE: 503,
  JOB_NOT_FOUND: 404,
  JOB_NOT_YOURS: 409,
  JOB_STATE: 409,
  WORKER_START_FAILED: 503,
  DEVICE_MEMORY_HELD: 503,
  DEVICES_UNREADABLE: 503,
  STORE_CONFLICT: 409,
  STORE_FAILED: 500,
  CONFIG_INVALID: 500,
};

/** The answer a client sees: the outside message only. */
export function errorAnswer(error: AppError): { status: number; body: ErrorBody } {
  const status = ERROR_STATUS[error.code];
  return {
    status,
    body: { code: status, reason: error.code, message: error.message, metadata: error.metadata },
  };
}
