import type { Clock } from '../base/clock.ts';
import type { Traffic } from '../ports/traffic.ts';
import type { Turns } from './turns.ts';

const NEVER = new Promise<never>(() => undefined);

/** One server's life: it ends without a word, and what it had begun never comes back to it. */
export class Life {
  over = false;
  /** Another server has taken over, and this one was told to let go: it may not change anything any more. */
  handedOver = false;
  /** What it did all the same. */
  readonly acts: string[] = [];
  /** It ends at the so-manieth call of a port from now on, which is still carried out; null: it goes on. */
  callsLeft: number | null = null;

  /** One more call of a port. */
  spend(): void {
    if (this.callsLeft === null) return;
    this.callsLeft -= 1;
    if (this.callsLeft <= 0) this.over = true;
  }
}

const CHANGES =
  /^(?:start|stop|prepare|forget|watch)$|(?:Put|Update|Insert|Delete|Prune|Remove|Drain|Refuse|Cut)$/;

/** Answered at once and without effect: a dead server may know the answer, nothing comes of it. */
const QUESTIONS: ReadonlySet<string | symbol> = new Set(['refusal']);

/**
 * `target` for as long as its user lives: promises of a dead server never settle, what it would still
 * ask for is not done, and what would still be told to it is lost.
 */
export function mortal<Target extends object>(target: Target, life: Life, turns: Turns): Target {
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (QUESTIONS.has(name)) return member.bind(target) as unknown;
      return (...given: unknown[]): unknown => {
        if (life.over) return NEVER;
        if (life.handedOver && CHANGES.test(String(name))) {
          life.acts.push(String(name));
          return NEVER;
        }
        for (const [index, argument] of given.entries()) {
          if (typeof argument !== 'function') continue;
          given[index] = (...told: unknown[]): unknown =>
            life.over ? undefined : (argument as (...told: unknown[]) => unknown)(...told);
        }
        const result: unknown = Reflect.apply(member as (...given: unknown[]) => unknown, target, given);
        if (!(result instanceof Promise)) return result;
        turns.touch();
        life.spend();
        return untilDeath(result, life);
      };
    },
  });
}

async function untilDeath(result: Promise<unknown>, life: Life): Promise<unknown> {
  try {
    const value = await result;
    return life.over ? await NEVER : value;
  } catch (error) {
    if (life.over) return await NEVER;
    throw error;
  }
}

/** The same for the gateway's side, which is asked so often that its methods are wrapped only once. */
export function mortalTraffic(traffic: Traffic, life: Life): Traffic {
  const wrapped = new Map<string | symbol, unknown>();
  return new Proxy(traffic, {
    get(_, name) {
      const known = wrapped.get(name);
      if (known !== undefined) return known;
      const member = Reflect.get(traffic, name, traffic) as (...given: unknown[]) => unknown;
      const changes = CHANGES.test(String(name));
      const call = (...given: unknown[]): unknown => {
        if (changes && life.handedOver) life.acts.push(String(name));
        if (changes && (life.over || life.handedOver)) return undefined;
        return Reflect.apply(member, traffic, given);
      };
      wrapped.set(name, call);
      return call;
    },
  });
}

/**
 * The same for the clock, which is asked too often for a proxy. A timer may do nothing but let a
 * promise go on, as one that waits to try again does: it has its turn before time moves on. One
 * without delay only asks for a decision, which needs none; there are two of them a request.
 */
export function mortalClock(clock: Clock, life: Life, turns: Turns): Clock {
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    schedule: (delayMs, task) =>
      clock.schedule(delayMs, () => {
        if (life.over) return;
        if (delayMs > 0) turns.touch();
        task();
      }),
  };
}
