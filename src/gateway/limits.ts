import { KIB, MIB, MINUTE_MS, SECOND_MS } from '../base/units.ts';

/** Every bound of the data path in one place; each one has a default in `DEFAULT_LIMITS`. */
export interface GatewayLimits {
  /** Requests that may wait on one endpoint; one more is answered 429. */
  readonly waitingPerEndpoint: number;
  /** Bytes of one request body; more is answered 413. */
  readonly bodyBytes: number;
  /** Bytes of a request's head; more is answered 431. */
  readonly headBytes: number;
  /** Open client connections; further ones are closed at once. */
  readonly connections: number;
  /** Time a client may take for a request's head; then 408. */
  readonly headTimeoutMs: number;
  /** How long a client's connection may lie idle between requests. */
  readonly idleTimeoutMs: number;
  /** Time a worker may take to accept a connection. */
  readonly connectTimeoutMs: number;
  /** Tries after the first one, each only when nothing of the request was sent. */
  readonly retries: number;
  /** How long a worker that refused a connection, or broke one off, gets no request; doubled while it goes on, up to 16 times. */
  readonly restMs: number;
  /** How long a worker may take to close a connection whose client has left, before it is reset. */
  readonly closeGraceMs: number;
  /** What is still read of a body whose request was answered early, so that the answer arrives. */
  readonly discardBytes: number;
  readonly discardMs: number;
  /** How long a client may take to fetch the end of an answer that its worker has finished. */
  readonly fetchTimeoutMs: number;
}

export const DEFAULT_LIMITS: GatewayLimits = {
  waitingPerEndpoint: 10_000,
  bodyBytes: 1_024 * MIB,
  headBytes: 32 * KIB,
  connections: 15_000,
  headTimeoutMs: 15 * SECOND_MS,
  idleTimeoutMs: 75 * SECOND_MS,
  connectTimeoutMs: 5 * SECOND_MS,
  retries: 3,
  restMs: 100,
  closeGraceMs: 2 * SECOND_MS,
  discardBytes: MIB,
  discardMs: 2 * SECOND_MS,
  fetchTimeoutMs: MINUTE_MS,
};
