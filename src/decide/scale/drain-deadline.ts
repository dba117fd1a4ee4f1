import { earlier, reason, seconds, type EndpointWorld } from '../world.ts';
import type { WorkerLeave } from './worker-plan.ts';

export interface DrainCuts {
  /** Workers whose running requests are closed now: they have drained for long enough. */
  readonly cut: readonly WorkerLeave[];
  readonly lookAgainAtMs: number | null;
}

/** A request that never ends must not hold a device, or an update, for ever. */
export function drainCuts(world: EndpointWorld, nowMs: number): DrainCuts {
  const cut: WorkerLeave[] = [];
  let lookAgainAtMs: number | null = null;
  for (const worker of world.workers) {
    if (worker.state !== 'draining' || worker.drainingSinceMs === null || worker.running === 0) continue;
    const { drainDeadlineMs } = world.options;
    if (drainDeadlineMs === 0) break;
    const endMs = worker.drainingSinceMs + drainDeadlineMs;
    if (nowMs < endMs) {
      lookAgainAtMs = earlier(lookAgainAtMs, endMs);
    } else {
      const text = `${worker.running} request(s) still ran ${seconds(drainDeadlineMs)} after it began to drain`;
      cut.push({ workerId: worker.id, reason: reason('drainDeadline', text) });
    }
  }
  return { cut, lookAgainAtMs };
}
