import { AppError } from '../../base/errors.ts';

export interface StoredRecordsOptions<Item> {
  /** All that are stored. */
  readonly list: () => Promise<readonly Item[]>;
  /** The store can no longer say what is in it. */
  readonly onFatal: (error: unknown) => void;
}

/**
 * Records of one kind that clients change: on disk before they are in memory, and changed one after
 * the other. One that is being deleted is no longer given to anybody who would begin to use it.
 */
export class StoredRecords<Id extends string, Item extends { readonly id: Id }> {
  readonly #options: StoredRecordsOptions<Item>;
  #items = new Map<Id, Item>();
  readonly #leaving = new Set<Id>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: StoredRecordsOptions<Item>) {
    this.#options = options;
  }

  async load(): Promise<void> {
    this.#items = new Map((await this.#options.list()).map((item) => [item.id, item]));
  }

  get size(): number {
    return this.#items.size;
  }

  /** Undefined for one that is being deleted too. */
  get(id: string): Item | undefined {
    return this.#leaving.has(id as Id) ? undefined : this.#items.get(id as Id);
  }

  values(): readonly Item[] {
    return [...this.#items.values()];
  }

  /** Reads, decides and changes without another change in between. */
  async inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(change);
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }

  async put(item: Item, write: () => Promise<void>): Promise<void> {
    await this.#written(write, () => JSON.stringify(this.#items.get(item.id)) === JSON.stringify(item));
    this.#items.set(item.id, item);
  }

  async remove(id: Id, write: () => Promise<void>): Promise<void> {
    this.#leaving.add(id);
    try {
      await this.#written(write, () => !this.#items.has(id));
      this.#items.delete(id);
    } finally {
      this.#leaving.delete(id);
    }
  }

  /** A write that failed may have been carried out, and only its answer was lost: then memory must follow. */
  async #written(write: () => Promise<void>, isStored: () => boolean): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'STORE_FAILED') throw error;
      try {
        await this.load();
      } catch (unreadable) {
        this.#options.onFatal(unreadable);
        throw error;
      }
      if (!isStored()) throw error;
    }
  }
}
