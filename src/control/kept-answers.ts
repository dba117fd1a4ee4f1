import { AppError } from '../base/errors.ts';
import type { KeptAnswer } from '../model/kept-answer.ts';
import type { Caller, RepeatKey, Repeatable } from '../ports/endpoint-service.ts';
import type { ControlPorts } from './control-options.ts';

/** Makes the record to be stored with the change that it answers; undefined where no key was given. */
export type Keep<Answer> = (answer: Answer) => KeptAnswer | undefined;

/**
 * Requests with an idempotency key: one effect and one answer, however often one comes. The answer is
 * stored in the transaction of the change, so no crash can come between them; a request that was
 * refused changed nothing, and its key is free again. Repeats that come while the first is under way
 * wait for it.
 */
export class KeptAnswers {
  readonly #ports: Pick<ControlPorts, 'store' | 'clock'>;
  /** Owner and key → the request that has it now. */
  readonly #underWay = new Map<string, { readonly fingerprint: string; readonly ended: Promise<unknown> }>();

  constructor(ports: Pick<ControlPorts, 'store' | 'clock'>) {
    this.#ports = ports;
  }

  /** `act` must store what `keep` makes with its change, or by `answerInsert` where it changes nothing. */
  async once<Answer extends object>(
    repeat: RepeatKey | null,
    caller: Caller,
    act: (keep: Keep<Answer>) => Promise<Answer>,
  ): Promise<Answer & Repeatable> {
    if (repeat === null) return await act(() => undefined);
    const name = JSON.stringify([caller.ownerId, repeat.key]);
    for (;;) {
      const other = this.#underWay.get(name);
      if (other === undefined) break;
      if (other.fingerprint !== repeat.fingerprint) throw reused(repeat.key);
      await other.ended;
    }
    const turn = this.#once(repeat, caller, act);
    const ended = turn.then(
      () => this.#underWay.delete(name),
      () => this.#underWay.delete(name),
    );
    this.#underWay.set(name, { fingerprint: repeat.fingerprint, ended });
    return await turn;
  }

  async #once<Answer extends object>(
    { key, fingerprint }: RepeatKey,
    { ownerId }: Caller,
    act: (keep: Keep<Answer>) => Promise<Answer>,
  ): Promise<Answer & Repeatable> {
    const createdAtMs = this.#ports.clock.nowMs();
    const kept = await this.#ports.store.answerFind(ownerId, key, createdAtMs);
    if (kept !== null && kept.fingerprint !== fingerprint) throw reused(key);
    if (kept !== null) return { ...(JSON.parse(kept.body) as Answer), replayed: true };
    return await act((answer) => ({ ownerId, key, fingerprint, createdAtMs, body: JSON.stringify(answer) }));
  }
}

function reused(key: string): AppError {
  return new AppError(
    'IDEMPOTENCY_KEY_REUSED',
    `The Idempotency-Key "${key}" was used for another request within the last 24 hours; nothing was changed. Send this one with a key of its own.`,
    { metadata: { 'idempotency-key': 'belongs to a request with another method, path, query or body' } },
  );
}
