import type { WorkerId } from '../../base/ids.ts';
import type { WorkerExit } from '../../model/worker-exit.ts';
import type { WorkerOrder } from '../../ports/driver.ts';
import type { Environment } from './worker-environment.ts';
import type { ProcessRecord } from './process-record.ts';

/** What the spawner must know before the first order. */
export interface SpawnerSetup {
  readonly workersFolder: string;
  readonly instance: string;
  readonly environment: Environment;
  readonly logLimitBytes: number;
}

/** From the driver to the spawner. */
export type SpawnerRequest =
  | { readonly kind: 'setUp'; readonly setup: SpawnerSetup }
  | {
      readonly kind: 'start';
      readonly order: WorkerOrder;
      readonly workingFolder: string;
      /** In [0, 1): where the search for a free port begins. */
      readonly portChance: number;
      /** The order went to a spawner that died: the worker may be there already. */
      readonly repeated: boolean;
    }
  | { readonly kind: 'adopt'; readonly record: ProcessRecord }
  | { readonly kind: 'stop'; readonly workerId: WorkerId; readonly graceMs: number };

export type StartRequest = Extract<SpawnerRequest, { kind: 'start' }>;

/** From the spawner to the driver. */
export type SpawnerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'started'; readonly record: ProcessRecord }
  | {
      readonly kind: 'startFailed';
      readonly workerId: WorkerId;
      readonly message: string;
      readonly detail: string;
    }
  | { readonly kind: 'ended'; readonly workerId: WorkerId; readonly exit: WorkerExit }
  | {
      readonly kind: 'warning';
      readonly message: string;
      readonly facts: Readonly<Record<string, string | number>>;
    };
