/**
 * Keeps what must not be read from a copy of the database. Both are synchronous and quick: they guard
 * a few hundred bytes at a time.
 */
export interface Secrets {
  /** `text` as it may be stored. It opens only under the same `place`, so that no row can pass for another. */
  seal(text: string, place: string): string;
  /** The way back. Throws SECRET_UNREADABLE where the key is lost or another one, or what was stored was changed. */
  open(sealed: string, place: string): string;
}
