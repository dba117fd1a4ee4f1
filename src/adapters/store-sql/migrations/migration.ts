/** One step of the schema. Once released it is never changed: a later step corrects an earlier one. */
export interface Migration {
  /** 1, 2, 3 … without gaps. */
  readonly number: number;
  readonly name: string;
  /** SQL that SQLite and Postgres both take. */
  readonly statements: readonly string[];
}
