import { Agent, request } from 'node:http';
import { API_KEY } from './server-process.ts';

/** Of failures in which the connection ended before the answer did. */
const BROKEN = 'connection broken: ';

export interface LoadCount {
  /** Answered in full and as expected. */
  ok: number;
  /** Why each of the others failed, by number. */
  readonly failures: Map<string, number>;
  /** Answered by each revision. */
  readonly revisions: Map<string, number>;
  /** Answered by each worker. */
  readonly workers: Map<string, number>;
  /** Longest time from sending to the end of an answer. */
  longestMs: number;
}

export interface LoadOptions {
  readonly url: string;
  readonly clients: number;
  /** Every other request is an SSE stream of this many events. */
  readonly streamEvents?: number;
  readonly streamIntervalMs?: number;
  readonly plainMs?: number;
}

/** Many clients that each send one request after the other and check every byte of its answer. */
export class RequestLoad {
  readonly count: LoadCount = {
    ok: 0,
    failures: new Map(),
    revisions: new Map(),
    workers: new Map(),
    longestMs: 0,
  };
  readonly #options: LoadOptions;
  readonly #agent: Agent;
  readonly #clients: Promise<void>[] = [];
  #stopped = false;
  #serverGoes = false;
  readonly #watchers: { readonly total: number; readonly reached: () => void }[] = [];

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.clients });
  }

  get total(): number {
    let failed = 0;
    for (const number of this.count.failures.values()) failed += number;
    return this.count.ok + failed;
  }

  start(): void {
    for (let client = 0; client < this.#options.clients; client += 1)
      this.#clients.push(this.#client(client));
  }

  /** Resolves when this many requests have ended since the start. */
  async reached(total: number): Promise<void> {
    if (this.total >= total) return;
    await new Promise<void>((resolve) => {
      this.#watchers.push({ total, reached: resolve });
    });
  }

  /** The server is about to be killed: connections that break from now on are not counted. */
  expectCut(): void {
    this.#serverGoes = true;
    this.#stopped = true;
  }

  /** Sends no more and waits for the answers that are still to come. */
  async stop(): Promise<LoadCount> {
    this.#stopped = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
    return this.count;
  }

  async #client(number: number): Promise<void> {
    for (let turn = number; !this.#stopped; turn += 1) {
      const begunMs = performance.now();
      const failure = turn % 2 === 0 ? await this.#stream() : await this.#plain(turn);
      this.count.longestMs = Math.max(this.count.longestMs, performance.now() - begunMs);
      if (failure === null) this.count.ok += 1;
      else if (this.#serverGoes && failure.startsWith(BROKEN)) return;
      else this.count.failures.set(failure, (this.count.failures.get(failure) ?? 0) + 1);
      for (const watcher of this.#watchers) if (this.total >= watcher.total) watcher.reached();
      // A refusal comes back at once; without a pause, failing clients would only count failures.
      if (failure !== null) await new Promise((resume) => setTimeout(resume, 20));
    }
  }

  async #plain(turn: number): Promise<string | null> {
    const sent = `request ${turn}`;
    const answer = await this.#send('POST', `/slow?ms=${this.#options.plainMs ?? 5}`, sent);
    if (typeof answer === 'string') return answer;
    if (answer.status !== 200) return `status ${answer.status}: ${answer.body.slice(0, 300)}`;
    const { body_bytes: received } = JSON.parse(answer.body) as { body_bytes?: number };
    return received === sent.length ? null : `a wrong answer: ${answer.body.slice(0, 200)}`;
  }

  async #stream(): Promise<string | null> {
    const events = this.#options.streamEvents ?? 5;
    const answer = await this.#send(
      'GET',
      `/sse?events=${events}&interval_ms=${this.#options.streamIntervalMs ?? 10}`,
      '',
    );
    if (typeof answer === 'string') return answer;
    if (answer.status !== 200) return `status ${answer.status}: ${answer.body.slice(0, 300)}`;
    const seen = answer.body.split('\n').filter((line) => line.startsWith('data: {')).length;
    return seen === events && answer.body.endsWith('data: [DONE]\n\n')
      ? null
      : `a stream of ${seen} instead of ${events} events`;
  }

  async #send(
    method: string,
    path: string,
    body: string,
  ): Promise<{ status: number; body: string } | string> {
    return await new Promise((resolve) => {
      const url = new URL(this.#options.url);
      const sent = request(
        {
          agent: this.#agent,
          host: url.hostname,
          port: url.port,
          method,
          path: `${url.pathname}${path}`,
          headers: { authorization: `Bearer ${API_KEY}`, 'content-length': Buffer.byteLength(body) },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', (error) => resolve(`${BROKEN}cut off: ${error.message}`));
          answer.on('end', () => {
            const revision = String(answer.headers['x-pilotlight-revision'] ?? 'none');
            this.count.revisions.set(revision, (this.count.revisions.get(revision) ?? 0) + 1);
            const worker = String(answer.headers['x-pilotlight-worker'] ?? 'none');
            this.count.workers.set(worker, (this.count.workers.get(worker) ?? 0) + 1);
            resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
          });
        },
      );
      sent.on('error', (error: Error & { code?: string }) =>
        resolve(`${BROKEN}no answer: ${error.code ?? error.message}`),
      );
      sent.end(body);
    });
  }
}
