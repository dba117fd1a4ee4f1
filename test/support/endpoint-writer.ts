import assert from 'node:assert/strict';
import type { EndpointShown, ServerProcess } from './server-process.ts';

/** How a new revision turns out. */
export type RevisionKind = 'good' | 'exits' | 'silent';

const KIND_ENVS: Readonly<Record<RevisionKind, readonly { key: string; value: string }[]>> = {
  good: [],
  exits: [{ key: 'EXIT_AT_START', value: '1' }],
  silent: [{ key: 'NEVER_LISTEN', value: '1' }],
};

/** A value as its writer knows it: what was answered 200, and what was asked for without an answer. */
interface Register<Value> {
  acknowledged: Value;
  asked: Value | null;
}

/** Thrown when the server went before it answered: the write may have happened or not. */
export class ServerGone extends Error {}

/**
 * The only client that changes one endpoint, with all it knows of it from the answers it got. After
 * a restart `check` holds that against what the server says.
 */
export class EndpointWriter {
  readonly appName: string;
  id: string | null = null;
  readonly #name: Register<string> = { acknowledged: '', asked: null };
  readonly #spec: Register<string> = { acknowledged: '', asked: null };
  readonly #kinds = new Map<string, RevisionKind>();
  readonly #goodRevisions = new Set<number>();
  #lastRevision = 0;
  #existence: 'none' | 'createAsked' | 'created' | 'deleteAsked' | 'deleted' = 'none';
  #count = 0;

  constructor(appName: string) {
    this.appName = appName;
  }

  get isCreated(): boolean {
    return this.#existence === 'created';
  }

  /** The newest revision that was answered serves in the end. */
  get endsGood(): boolean {
    return this.#kinds.get(this.#spec.acknowledged) !== 'silent';
  }

  async create(server: ServerProcess, body: Record<string, unknown>): Promise<void> {
    const [name, mark] = [this.#next('name'), this.#next('good')];
    Object.assign(this.#name, { acknowledged: name, asked: null });
    Object.assign(this.#spec, { acknowledged: mark, asked: null });
    this.#kinds.set(mark, 'good');
    this.#goodRevisions.clear();
    this.#goodRevisions.add(1);
    this.#lastRevision = 1;
    this.#existence = 'createAsked';
    this.id = await answered(
      server.create({ app_name: this.appName, name, envs: envsOf(mark, 'good'), ...body }),
    );
    this.#existence = 'created';
  }

  /** A change of settings. */
  async rename(server: ServerProcess): Promise<void> {
    const name = this.#next('name');
    this.#name.asked = name;
    await answered(server.update(this.#idNow(), { name }));
    Object.assign(this.#name, { acknowledged: name, asked: null });
  }

  /** A change that needs new workers. */
  async revise(server: ServerProcess, kind: RevisionKind): Promise<void> {
    const mark = this.#next(kind);
    this.#kinds.set(mark, kind);
    this.#spec.asked = mark;
    const { revision } = await answered(server.update(this.#idNow(), { envs: envsOf(mark, kind) }));
    Object.assign(this.#spec, { acknowledged: mark, asked: null });
    assert.ok(
      revision > this.#lastRevision,
      `${this.appName}: revision ${revision} after ${this.#lastRevision}: an answered one was lost`,
    );
    this.#lastRevision = revision;
    if (kind === 'good') this.#goodRevisions.add(revision);
  }

  async remove(server: ServerProcess): Promise<void> {
    this.#existence = 'deleteAsked';
    await answered(server.api('DELETE', `/gpus/v2/endpoints/${this.#idNow()}`));
    this.#existence = 'deleted';
  }

  /** Holds what the server has against what it answered before; from then on what it has counts as answered. */
  check(endpoints: readonly EndpointShown[]): void {
    const shown = endpoints.find((endpoint) => endpoint['app_name'] === this.appName);
    const lives = shown !== undefined && shown.status.status !== 'terminating';
    if (this.#existence === 'createAsked') this.#existence = lives ? 'created' : 'none';
    if (this.#existence === 'deleteAsked') this.#existence = lives ? 'created' : 'deleted';
    assert.equal(
      lives,
      this.#existence === 'created',
      `${this.appName} lives: ${lives}, but ${this.#existence}`,
    );
    if (shown === undefined || !lives) return;
    this.id ??= shown.id;
    assert.equal(shown.id, this.id);
    const name = String(shown['name']);
    assert.ok(
      [this.#name.acknowledged, this.#name.asked].includes(name),
      `${this.appName}: ${name} ${this.#said()}`,
    );
    Object.assign(this.#name, { acknowledged: name, asked: null });
    const mark = markOf(shown);
    assert.ok(this.#mayShow(mark), `${this.appName}: ${mark} is shown, but ${this.#said()}`);
    Object.assign(this.#spec, { acknowledged: mark, asked: null });
  }

  /** The server was killed under it often, but no kill of the server is a failure of its workers. */
  async checkWorkers(server: ServerProcess): Promise<void> {
    if (!this.isCreated) return;
    for (const worker of await server.workers(this.#idNow())) {
      const failed = worker.status.status === 'failed' && this.#goodRevisions.has(worker.revision);
      assert.ok(!failed, `${this.appName}: a good worker failed: ${JSON.stringify(worker)}`);
    }
  }

  /** A broken revision gives way to a good one from before it; a good one stays. */
  #mayShow(mark: string): boolean {
    const { acknowledged, asked } = this.#spec;
    if (mark === acknowledged || mark === asked) return true;
    const brokenCame = [acknowledged, asked].some((one) => one !== null && this.#kinds.get(one) !== 'good');
    return brokenCame && this.#kinds.get(mark) === 'good';
  }

  #said(): string {
    return JSON.stringify({ name: this.#name, spec: this.#spec });
  }

  #next(word: string): string {
    this.#count += 1;
    return `${word}-${this.#count}`;
  }

  #idNow(): string {
    assert.ok(this.id !== null);
    return this.id;
  }
}

/** Every refusal is a failure of the test; only a connection that broke says nothing. */
async function answered<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof TypeError) throw new ServerGone(error.message, { cause: error });
    throw error;
  }
}

function envsOf(mark: string, kind: RevisionKind): { key: string; value: string }[] {
  return [{ key: 'MARK', value: mark }, ...KIND_ENVS[kind]];
}

function markOf(shown: EndpointShown): string {
  const envs = shown['envs'] as readonly { key: string; value: string }[];
  return envs.find(({ key }) => key === 'MARK')?.value ?? 'none';
}
