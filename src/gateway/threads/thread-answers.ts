import type { RequestTimeline } from '../../model/request-timeline.ts';

interface Question {
  readonly open: Set<number>;
  readonly requests: RequestTimeline[];
  resolve(requests: readonly RequestTimeline[]): void;
}

/** What was asked of all gateway threads: answered when each has answered, or died. */
export class ThreadAnswers {
  readonly #questions = new Map<number, Question>();
  #last = 0;

  /** Puts the question to each of `threads` by its number; resolves with all that they said. */
  async ask(threads: readonly number[], put: (number: number) => void): Promise<readonly RequestTimeline[]> {
    this.#last += 1;
    const number = this.#last;
    const answered = new Promise<readonly RequestTimeline[]>((resolve) => {
      this.#questions.set(number, { open: new Set(threads), requests: [], resolve });
    });
    put(number);
    if (threads.length === 0) this.#close(number);
    return await answered;
  }

  answer(number: number, thread: number, requests: readonly RequestTimeline[]): void {
    const question = this.#questions.get(number);
    if (question?.open.delete(thread) !== true) return;
    question.requests.push(...requests);
    if (question.open.size === 0) this.#close(number);
  }

  /** It answers nothing any more. */
  gone(thread: number): void {
    for (const number of [...this.#questions.keys()]) this.answer(number, thread, []);
  }

  #close(number: number): void {
    const question = this.#questions.get(number);
    this.#questions.delete(number);
    question?.resolve(question.requests);
  }
}
