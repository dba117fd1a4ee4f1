import type { EndpointId, WorkerId } from '../../src/base/ids.ts';
import type { RevisionSpec } from '../../src/model/endpoint.ts';
import type { WorkerExit } from '../../src/model/worker-exit.ts';
import type { Driver, PullContext, WorkerOrder } from '../../src/ports/driver.ts';
import { SERVING } from './process-world.ts';

export function workerOrder(id: string, change: Partial<RevisionSpec> = {}): WorkerOrder {
  return {
    workerId: id as WorkerId,
    endpointId: 'endpoint1' as EndpointId,
    appName: 'app',
    revision: 3,
    spec: { ...SERVING, ...change },
    devices: ['0'],
    credential: null,
    mounts: [],
    variables: {},
    fence: 9,
  };
}

/** What a pull is given that nobody watches. */
export function pullContext(signal: AbortSignal = new AbortController().signal): PullContext {
  return { credential: null, signal, onProgress: () => undefined };
}

/** A program of the system in place of the fixture's server. */
export function commandOrder(id: string, command: string): WorkerOrder {
  return workerOrder(id, { image: 'host', entrypoint: '', command });
}

export interface ExitRecorder {
  readonly all: readonly { readonly workerId: WorkerId; readonly exit: WorkerExit }[];
  of(workerId: WorkerId): Promise<WorkerExit>;
}

/** Keeps every exit the driver tells; `of` waits for one. */
export function recordExits(driver: Driver): ExitRecorder {
  const all: { workerId: WorkerId; exit: WorkerExit }[] = [];
  const waiting = new Map<WorkerId, (exit: WorkerExit) => void>();
  driver.onExit((workerId, exit) => {
    all.push({ workerId, exit });
    waiting.get(workerId)?.(exit);
  });
  return {
    all,
    of: (workerId) =>
      new Promise((resolve) => {
        const told = all.find((entry) => entry.workerId === workerId);
        if (told === undefined) waiting.set(workerId, resolve);
        else resolve(told.exit);
      }),
  };
}

/** How it ended, without what was measured. */
export function endOf(exit: WorkerExit | null | undefined): Pick<WorkerExit, 'code' | 'signal'> | null {
  return exit === null || exit === undefined ? null : { code: exit.code, signal: exit.signal };
}
