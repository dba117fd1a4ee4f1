import { AppError } from '../base/errors.ts';
import type { Store } from '../ports/store.ts';

/** How a write goes wrong: refused as out of date, not done, or done while its answer is lost. */
export type WriteFault = 'conflict' | 'failed' | 'answerLost';

/** What all servers that ever opened a store have in common. */
export class StoreSide {
  /** The fencing number given out last. */
  fence = 0;
  /** What the next writes meet, in order. */
  readonly writeFaults: WriteFault[] = [];
}

const WRITES = /(?:Put|Update|Insert|Delete|Prune)$/;

/**
 * One server's connection to the store. Like the real one it refuses the writes of a server after
 * which another one has raised the fence.
 */
export function connectStore(store: Store, side: StoreSide): Store {
  let fence: number | null = null;
  return new Proxy(store, {
    get(_, name) {
      const member: unknown = Reflect.get(store, name, store);
      if (typeof member !== 'function') return member;
      const call = (...given: unknown[]): Promise<unknown> =>
        Reflect.apply(member as (...given: unknown[]) => Promise<unknown>, store, given);
      if (name === 'fenceRaise') {
        return async () => {
          fence = (await call()) as number;
          side.fence = fence;
          return fence;
        };
      }
      if (typeof name !== 'string' || !WRITES.test(name)) return call;
      return (...given: unknown[]): Promise<unknown> => {
        if (fence !== null && fence < side.fence) return Promise.reject(superseded());
        const fault = side.writeFaults.shift();
        return fault === undefined ? call(...given) : broken(fault, () => call(...given));
      };
    },
  });
}

async function broken(fault: WriteFault, write: () => Promise<unknown>): Promise<never> {
  if (fault === 'conflict') throw new AppError('STORE_CONFLICT', 'a simulated conflict');
  if (fault === 'answerLost') await write();
  throw new AppError('STORE_FAILED', 'a simulated failure of the store');
}

function superseded(): AppError {
  return new AppError('STORE_CONFLICT', 'another server has taken over this store');
}
