import { ClientError } from '../client/client-error.ts';
import type { Io } from './io.ts';

const POLL_MS = 250;
/** A server that restarts is back within this time; one that is not has failed. */
const UNREACHABLE_LIMIT_MS = 30_000;

/** A server that restarts in the middle goes on with what it had, so whoever watches waits for it. */
export async function patiently<Answer>(
  io: Pick<Io, 'nowMs' | 'sleep'>,
  read: () => Promise<Answer>,
): Promise<Answer> {
  const startedAtMs = io.nowMs();
  for (;;) {
    try {
      return await read();
    } catch (error) {
      const away = error instanceof ClientError && (error.status === null || error.status === 503);
      if (!away || io.nowMs() - startedAtMs >= UNREACHABLE_LIMIT_MS) throw error;
      await io.sleep(POLL_MS);
    }
  }
}
