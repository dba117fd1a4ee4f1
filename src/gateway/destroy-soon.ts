import type { Duplex } from 'node:stream';

/**
 * Closes a stream once all that was written to it has left, as `destroySoon` of a socket does: whoever
 * serves requests takes a connection for one.
 */
export function destroySoon(stream: Duplex): void {
  if (stream.writable) stream.end();
  if (stream.writableFinished) stream.destroy();
  else stream.once('finish', () => stream.destroy());
}
