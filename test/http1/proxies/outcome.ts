import { connect } from 'node:net';
import type { Pieces } from '../message-maker.ts';
import type { Received, RecordingUpstream } from './recording-upstream.ts';

/** What became of the bytes on one connection to a proxy. */
export interface Outcome {
  /** What reached the program behind, in order. */
  readonly received: readonly Received[];
  readonly broken: readonly string[];
  /** Of the final answers, in order. */
  readonly statuses: readonly number[];
  readonly closed: boolean;
}

/** Longer than a proxy takes for the next request on a connection; a finding is looked at again with a longer one. */
export const QUIET_MS = 25;
const LIMIT_MS = 10_000;

/** Sends the pieces to a proxy, and waits until it has closed the connection or nothing moves any more. */
export async function ask(
  port: number,
  upstream: RecordingUpstream,
  pieces: Pieces,
  quietMs: number,
): Promise<Outcome> {
  upstream.forget();
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let text = '';
  let closed = false;
  await new Promise<void>((resolve) => {
    let timer = setTimeout(resolve, quietMs);
    const limit = setTimeout(resolve, LIMIT_MS);
    const moved = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        clearTimeout(limit);
        resolve();
      }, quietMs);
    };
    upstream.onActivity = moved;
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      moved();
    });
    socket.on('error', () => undefined);
    const onClosed = (): void => {
      closed = true;
      moved();
    };
    socket.on('end', onClosed);
    socket.on('close', onClosed);
    socket.once('connect', () => {
      void (async () => {
        for (const piece of pieces) {
          if (socket.destroyed) return;
          socket.write(piece);
          moved();
          await new Promise((next) => setImmediate(next));
        }
      })();
    });
  });
  upstream.onActivity = () => undefined;
  const { received, broken } = upstream;
  socket.destroy();
  const statuses = [...text.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map((match) => Number(match[1]));
  return { received, broken, statuses: statuses.filter((status) => status >= 200), closed };
}

/**
 * What we passed on must be what the other passed on, request by request. We may refuse more and stop
 * earlier; we may pass on nothing that the other refuses or reads differently.
 */
export function difference(ours: Outcome, other: Outcome): string | null {
  if (ours.broken.length > 0) return `passed on what cannot be read: ${ours.broken.join('; ')}`;
  for (const [index, mine] of ours.received.entries()) {
    // One that we answered ourselves was not passed on: what follows cannot be told apart by its place.
    if (ours.statuses.slice(0, index + 1).some((status) => status !== 200)) return null;
    const theirs = other.received[index];
    if (theirs === undefined) {
      if (index > 0 && other.closed && !other.statuses.some((status) => status >= 400)) return null;
      return `request ${index + 1} was passed on, and the other did not (${other.statuses.join(' ')})`;
    }
    const same =
      mine.method === theirs.method &&
      mine.body === theirs.body &&
      pathOf(mine.target) === pathOf(theirs.target);
    if (!same) return `request ${index + 1} was read differently`;
  }
  return null;
}

/** nginx passes on the path of an absolute target alone. */
function pathOf(target: string): string {
  return target.replace(/^https?:\/\/[^/?#]*/i, '');
}
