/** SQLite's own result codes, https://sqlite.org/rescode.html; extended ones hold the primary in the low byte. */
export const SQLITE_BUSY = 5;
export const SQLITE_NOTADB = 26;
export const SQLITE_CONSTRAINT_FOREIGNKEY = 787;
export const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;
export const SQLITE_CONSTRAINT_UNIQUE = 2067;

/** The code of an error thrown by `node:sqlite`; null for any other error. */
export function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error)) return null;
  return typeof error.errcode === 'number' ? error.errcode : null;
}
