import type { EndpointId, WorkerId } from '../base/ids.ts';
import { KIB } from '../base/units.ts';
import type { RequestTimeline } from './request-timeline.ts';
import type { WorkerExit } from './worker-exit.ts';
import type { WorkerState } from './worker-state.ts';

export interface Worker {
  readonly id: WorkerId;
  readonly endpointId: EndpointId;
  readonly revision: number;
  readonly state: WorkerState;
  /** Device ids held; empty before they are assigned, for `cpu`, and after the end. */
  readonly devices: readonly string[];
  /** Declared port → the host address that leads to it. Empty until the driver has placed it. */
  readonly addresses: Readonly<Record<number, WorkerAddress>>;
  readonly createdAtMs: number;
  /** When the driver was asked to start it; null while it waits for devices. */
  readonly startedAtMs: number | null;
  readonly readyAtMs: number | null;
  readonly endedAtMs: number | null;
  /** Why it was started, drained or ended, in words for the user. */
  readonly reason: string;
  readonly exit: WorkerExit | null;
  /** The end of what it wrote, as soon as it is over; empty before, and where it wrote nothing. */
  readonly lastOutput: string;
  /** Those it served last, newest first, as soon as it is over. */
  readonly lastRequests: readonly LastRequest[];
}

export const LAST_OUTPUT_BYTES_MAX = 4 * KIB;
export const LAST_REQUESTS_MAX = 10;

/** Of a request's way, what tells whether it has to do with its worker's end. */
export type LastRequest = Pick<
  RequestTimeline,
  'requestId' | 'method' | 'path' | 'startedAtMs' | 'endedAtMs' | 'status' | 'outcome'
>;

export interface WorkerAddress {
  readonly host: string;
  readonly port: number;
  /** Something else accepts connections there, also while nobody listens behind it. */
  readonly throughProxy?: true;
}
