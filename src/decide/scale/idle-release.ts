import type { WorkerId } from '../../base/ids.ts';
import { idleKeepMs } from '../autoscale/idle-keep.ts';
import { counted, earlier, reason, seconds, type EndpointWorld, type WorkerView } from '../world.ts';
import type { WorkerLeave } from './worker-plan.ts';

export interface IdleRelease {
  readonly drain: readonly WorkerLeave[];
  readonly stop: readonly WorkerLeave[];
  /**
   * Busy workers that are not needed any more: asked last, they run out of requests and leave then.
   * Without this, workers of several slots that share what there is would never fall idle.
   */
  readonly spare: readonly WorkerId[];
  readonly lookAgainAtMs: number | null;
}

/**
 * Workers above the need leave when they were kept for long enough, the least needed first. The last
 * of n workers is kept since n were needed, or since the longest idle one had a request, whichever is
 * longer ago. A busy one never leaves.
 */
export function releaseIdle(
  world: EndpointWorld,
  workers: readonly WorkerView[],
  live: number,
  needed: number,
  nowMs: number,
): IdleRelease {
  const drain: WorkerLeave[] = [];
  const stop: WorkerLeave[] = [];
  const spare: WorkerId[] = [];
  let lookAgainAtMs: number | null = null;
  let left = live;
  for (const worker of workers) {
    // It has no device and no process yet: nothing is lost by not starting it.
    if (left > needed && worker.state === 'pending') {
      stop.push({ workerId: worker.id, reason: reason('notNeeded', 'the load went away before it started') });
      left -= 1;
    }
  }
  if (left <= needed) return { drain, stop, spare, lookAgainAtMs };
  for (const worker of leastNeededFirst(workers)) {
    if (left <= needed) break;
    const keepMs = idleKeepMs(world, left, nowMs);
    const neededAtMs = world.load.lastNeededMs(left);
    const idleSinceMs = worker.idleSinceMs ?? nowMs;
    const leaveAtMs = Math.min(idleSinceMs, neededAtMs ?? idleSinceMs) + keepMs;
    if (leaveAtMs > nowMs) {
      // Fewer workers were needed more lately. While it is busy, an event comes before any time does.
      if (worker.idleSinceMs !== null || neededAtMs !== null)
        lookAgainAtMs = earlier(lookAgainAtMs, leaveAtMs);
      break;
    }
    if (worker.running > 0) {
      spare.push(worker.id);
    } else {
      drain.push({
        workerId: worker.id,
        reason: reason(
          'idle',
          `not needed for ${seconds(nowMs - leaveAtMs + keepMs)}; the load needs ${counted(needed, 'worker')}`,
          {
            keepSeconds: keepMs / 1_000,
            live: left,
            needed,
          },
        ),
      });
    }
    left -= 1;
  }
  return { drain, stop, spare, lookAgainAtMs };
}

/** The longest idle, then the least busy, of these the latest. */
function leastNeededFirst(workers: readonly WorkerView[]): readonly WorkerView[] {
  return workers
    .filter((worker) => worker.state === 'ready' && (worker.running > 0 || worker.idleSinceMs !== null))
    .sort(
      (a, b) =>
        a.running - b.running || (a.idleSinceMs ?? 0) - (b.idleSinceMs ?? 0) || b.createdAtMs - a.createdAtMs,
    );
}
