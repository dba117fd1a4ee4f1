export type SqlValue = string | number | Uint8Array | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;

export interface SqlStatement {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  /** When it changes (or returns) another number of rows, its whole batch is undone; null: any will do. */
  readonly expectedRows: number | null;
}

/** Why a batch was undone although the database works. */
export type BatchRefusal =
  /** `expectedRows` of the statement at this index did not hold. */
  | { readonly kind: 'rowCount'; readonly statement: number }
  /** Another row has this value already; `columns` such as "endpoints.app_name". */
  | { readonly kind: 'unique'; readonly columns: string }
  /** A row it refers to does not exist. */
  | { readonly kind: 'reference' };

export type BatchAnswer =
  | { readonly rows: readonly (readonly SqlRow[])[] }
  | { readonly refusal: BatchRefusal };

/** A database that runs batches of statements: each batch wholly or not at all. */
export interface SqlConnection {
  /**
   * Batches run in the order of the calls, and see all that was answered before. Resolves when the
   * batch is durable, or was refused and undone; rejects with STORE_FAILED when the database failed.
   */
  run(batch: readonly SqlStatement[]): Promise<BatchAnswer>;
  close(): Promise<void>;
}
