import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly firstByteMs: number;
}

/** Every request the tour sends passes here, and is either answered in full or lost. */
export interface Count {
  readonly sent: number;
  readonly answered: number;
  readonly lost: number;
}

export interface Event {
  readonly number: number;
  readonly of: number;
  readonly worker: string;
}

const PLAIN_MS = 150;
const STREAM_EVENTS = 10;
const STREAM_INTERVAL_MS = 80;
/** More kinds of failure than this tell a reader nothing new. */
const KEPT_FAILURES = 10;

/** Clients that send one request after the other, and single requests; all checked and counted. */
export class Traffic {
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #clients = new Set<Promise<void>>();
  readonly #failures = new Set<string>();
  readonly #byRevision = new Map<string, number>();
  #sent = 0;
  #answered = 0;
  #lost = 0;
  #wanted = 0;
  #stopped = false;

  constructor(url: string, apiKey: string) {
    this.#url = new URL(url);
    this.#headers = { authorization: `Bearer ${apiKey}` };
  }

  get count(): Count {
    return { sent: this.#sent, answered: this.#answered, lost: this.#lost };
  }

  /** How requests were lost, each way once. */
  get failures(): readonly string[] {
    return [...this.#failures];
  }

  answeredBy(revision: number): number {
    return this.#byRevision.get(String(revision)) ?? 0;
  }

  /** From now on this many clients send; those above the number end with their present request. */
  setClients(wanted: number): void {
    this.#wanted = wanted;
    for (let number = this.#clients.size; number < wanted; number += 1) {
      const client = this.#client(number).finally(() => this.#clients.delete(client));
      this.#clients.add(client);
    }
  }

  /** Sends no more; resolves when the last answer has come. */
  async quiet(): Promise<void> {
    this.#wanted = 0;
    await Promise.all(this.#clients);
  }

  /** Breaks off what runs. */
  abandon(): void {
    this.#stopped = true;
    this.#agent.destroy();
  }

  /** One plain request; null when it was lost. */
  async plain(path: string): Promise<Answer | null> {
    return await this.#counted(path, ({ status }) => (status === 200 ? null : `status ${status}`));
  }

  /**
   * A stream of server-sent events, numbered and complete and from one worker, or it is lost.
   * `onEvent` is called as each arrives.
   */
  async stream(events: number, intervalMs: number, onEvent?: (event: Event) => void): Promise<Answer | null> {
    let seen = 0;
    let pending = '';
    const workers = new Set<string>();
    const onText = (text: string): void => {
      const parts = (pending + text).split('\n\n');
      pending = parts.pop() ?? '';
      for (const part of parts) {
        const data = /^data: (\{.*\})$/m.exec(part)?.[1];
        if (data === undefined) continue;
        const event = JSON.parse(data) as Event;
        workers.add(event.worker);
        if (event.number === seen + 1) seen += 1;
        onEvent?.(event);
      }
    };
    const path = `/sse?events=${events}&interval_ms=${intervalMs}`;
    const verdict = ({ status, body }: Answer): string | null => {
      if (status !== 200) return `status ${status}`;
      if (seen !== events || !body.endsWith('data: [DONE]\n\n')) return `${seen} of ${events} events`;
      return workers.size === 1 ? null : `a stream of ${workers.size} workers`;
    };
    return await this.#counted(path, verdict, onText);
  }

  async #client(number: number): Promise<void> {
    for (let turn = number; number < this.#wanted && !this.#stopped; turn += 1) {
      const answer =
        turn % 2 === 0
          ? await this.plain(`/slow?ms=${PLAIN_MS}`)
          : await this.stream(STREAM_EVENTS, STREAM_INTERVAL_MS);
      // A refusal comes at once: without a pause a client would do nothing but fail.
      if (answer === null) await wait(100);
    }
  }

  async #counted(
    path: string,
    verdict: (answer: Answer) => string | null,
    onText?: (text: string) => void,
  ): Promise<Answer | null> {
    this.#sent += 1;
    let fault: string | null;
    try {
      const answer = await this.#send(path, onText);
      fault = verdict(answer);
      if (fault === null) {
        this.#answered += 1;
        const revision = String(answer.headers['x-pilotlight-revision']);
        this.#byRevision.set(revision, (this.#byRevision.get(revision) ?? 0) + 1);
        return answer;
      }
      fault += `: ${answer.body.slice(0, 200)}`;
    } catch (error) {
      fault = error instanceof Error ? error.message : String(error);
    }
    this.#lost += 1;
    if (this.#failures.size < KEPT_FAILURES) this.#failures.add(fault);
    return null;
  }

  async #send(path: string, onText?: (text: string) => void): Promise<Answer> {
    const beganMs = performance.now();
    return await new Promise<Answer>((resolve, reject) => {
      const sent = request(
        `${this.#url.href}${path}`,
        { agent: this.#agent, headers: this.#headers },
        (response) => {
          let firstByteMs = 0;
          let body = '';
          response.setEncoding('utf8');
          response.on('data', (text: string) => {
            if (firstByteMs === 0) firstByteMs = performance.now() - beganMs;
            body += text;
            onText?.(text);
          });
          response.on('error', reject);
          response.on('end', () => {
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body, firstByteMs });
          });
        },
      );
      sent.on('error', reject);
      sent.end();
    });
  }
}
