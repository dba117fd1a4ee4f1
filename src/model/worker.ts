import type { EndpointId, WorkerId } from '../base/ids.ts';
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
}

export interface WorkerAddress {
  readonly host: string;
  readonly port: number;
  /** Something else accepts connections there, also while nobody listens behind it. */
  readonly throughProxy?: true;
}
