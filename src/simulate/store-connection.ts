import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import type { Store } from '../ports/store.ts';
import type { Life } from './mortal.ts';
import type { Turns } from './turns.ts';

/** How a write goes wrong: refused as out of date, not done, or done while its answer is lost. */
export type WriteFault = 'conflict' | 'failed' | 'answerLost';

/** What all servers that ever opened a store have in common. */
export class StoreSide {
  readonly clock: Clock;
  readonly turns: Turns;
  /** The fencing number given out last. */
  fence = 0;
  /** What the next writes meet, in order. */
  readonly writeFaults: WriteFault[] = [];
  /** How long a write takes to be durable. */
  writeMs = 0;
  /** Writes that are not answered yet. */
  underWay = 0;

  constructor(clock: Clock, turns: Turns) {
    this.clock = clock;
    this.turns = turns;
  }
}

const WRITES = /(?:Put|Update|Insert|Delete|Prune)$/;

/**
 * One server's connection to the store. Writes are done in the order of the calls, each in its time;
 * what a server that dies had not finished is not done. Like the real store it refuses the writes of a
 * server after which another one has raised the fence.
 */
export function connectStore(store: Store, side: StoreSide, life: Life): Store {
  let fence: number | null = null;
  const write = async (carryOut: () => Promise<unknown>): Promise<unknown> => {
    side.underWay += 1;
    try {
      if (side.writeMs > 0) await elapsed(side);
      // The process that was to write it is gone.
      if (life.over) return undefined;
      if (fence !== null && fence < side.fence) throw superseded();
      const fault = side.writeFaults.shift();
      if (fault === 'conflict') throw new AppError('STORE_CONFLICT', 'a simulated conflict');
      if (fault === 'failed') throw storeFailed();
      const answer = await carryOut();
      if (fault === 'answerLost') throw storeFailed();
      return answer;
    } finally {
      side.underWay -= 1;
    }
  };
  return new Proxy(store, {
    get(_, name) {
      const member: unknown = Reflect.get(store, name, store);
      if (typeof member !== 'function') return member;
      const call = (given: readonly unknown[]): Promise<unknown> =>
        Reflect.apply(member as (...given: unknown[]) => Promise<unknown>, store, given);
      if (name === 'fenceRaise') {
        return async () => {
          fence = (await call([])) as number;
          side.fence = fence;
          return fence;
        };
      }
      if (typeof name === 'string' && WRITES.test(name)) {
        return (...given: unknown[]): Promise<unknown> => write(() => call(given));
      }
      return (...given: unknown[]): Promise<unknown> => call(given);
    },
  });
}

function elapsed(side: StoreSide): Promise<void> {
  return new Promise((resolve) => {
    side.clock.schedule(side.writeMs, () => {
      side.turns.touch();
      resolve();
    });
  });
}

function storeFailed(): AppError {
  return new AppError('STORE_FAILED', 'a simulated failure of the store');
}

function superseded(): AppError {
  return new AppError('STORE_CONFLICT', 'another server has taken over this store');
}
