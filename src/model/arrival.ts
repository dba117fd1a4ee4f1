/** How a request to an endpoint ended. The order is stored: new ones go to the end, and there is room for eight. */
export const ARRIVAL_OUTCOMES = [
  /** The worker answered, with a status below 500. */
  'answered',
  /** The worker answered with a status of 500 or more. */
  'failed',
  /** The worker refused, cut or garbled the connection. */
  'broke',
  /** The client left before its answer was complete. */
  'clientGone',
  /** `request_timeout` passed before it had a slot. */
  'timedOutWaiting',
  /** `request_timeout` passed while a worker had it. */
  'timedOutRunning',
  /** The endpoint could not take it: queue full, paused, failing to start, shutting down. */
  'refused',
  /** The request itself was at fault: it asked for no worker. */
  'rejected',
] as const;
export type ArrivalOutcome = (typeof ARRIVAL_OUTCOMES)[number];

/** What is kept of one request: when and how long, never what. Times are whole milliseconds. */
export interface Arrival {
  /** Epoch time of its end; it arrived `waitMs + runMs` earlier. */
  readonly endedAtMs: number;
  /** From its arrival to its slot; to its end, when it never had one. */
  readonly waitMs: number;
  /** How long it held its slot; 0 when it had none. */
  readonly runMs: number;
  /** See `sizeClassOf`. */
  readonly sizeClass: number;
  readonly outcome: ArrivalOutcome;
}

/** The largest class: bodies of 1 GiB and more. */
export const SIZE_CLASS_MAX = 31;

/** Class of a request body: 0 when it is empty, else n for 2^(n-1) to 2^n - 1 bytes. */
export function sizeClassOf(bodyBytes: number): number {
  if (bodyBytes < 1) return 0;
  return Math.min(SIZE_CLASS_MAX, Math.floor(Math.log2(bodyBytes)) + 1);
}
