import { startBackoffMs } from '../decide/retry/start-backoff.ts';
import { earlier } from '../decide/world.ts';
import type { EndpointEntry, WorkerEntry } from './endpoint-entry.ts';

/** A worker that served this long proves that its start was not the problem. */
const PROVED_AFTER_MS = 30_000;

/** A worker of the stable revision broke: how long until the next start. */
export function countFailure(entry: EndpointEntry, worker: WorkerEntry, nowMs: number): number {
  const { readyAtMs } = worker.record;
  const served = worker.proved || (readyAtMs !== null && nowMs - readyAtMs >= PROVED_AFTER_MS);
  entry.startFailures = served ? 1 : entry.startFailures + 1;
  const pauseMs = startBackoffMs(entry.startFailures);
  entry.failedAtMs = nowMs;
  entry.notBeforeMs = nowMs + pauseMs;
  return pauseMs;
}

export function forgetFailures(entry: EndpointEntry): void {
  entry.startFailures = 0;
  entry.failedAtMs = 0;
  entry.notBeforeMs = 0;
}

/**
 * When the failures count no longer, as far as can be told now; null while only an event can say. A
 * worker that became ready after the last failure speaks for the starts once it has served. One that
 * stood before says nothing of them, or a start that fails beside it would be tried without a pause:
 * there the failures are forgotten when no start has been asked for some time.
 */
export function forgivenAtMs(entry: EndpointEntry, nowMs: number): number | null {
  if (entry.startFailures === 0) return null;
  let forgivenMs: number | null = null;
  let ready = 0;
  let coming = 0;
  for (const { record, proved } of entry.workers.values()) {
    if (record.state === 'pending' || record.state === 'pulling' || record.state === 'starting') coming += 1;
    if (record.state !== 'ready' || record.readyAtMs === null) continue;
    ready += 1;
    if (record.readyAtMs <= entry.failedAtMs) continue;
    forgivenMs = earlier(forgivenMs, proved ? nowMs : record.readyAtMs + PROVED_AFTER_MS);
  }
  if (forgivenMs === null && ready > 0 && coming === 0) return entry.notBeforeMs + PROVED_AFTER_MS;
  return forgivenMs;
}
