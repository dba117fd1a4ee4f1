import { wayBackMs } from '../rollout/give-way.ts';
import { counted, earlier, reason, seconds, type EndpointWorld, type WorkerView } from '../world.ts';
import type { WorkerLeave } from './worker-plan.ts';

export interface WorkerCut extends WorkerLeave {
  /** Only requests that have no first byte yet. */
  readonly unansweredOnly: boolean;
}

export interface DrainCuts {
  /** Draining workers whose running requests are closed now. */
  readonly cut: readonly WorkerCut[];
  readonly lookAgainAtMs: number | null;
}

/**
 * Which running requests are closed so that their workers can leave. One that never ends must not hold
 * a device, or an update, for ever. And one that a failed revision does not answer gives way before
 * others, which wait for the very device, would miss their deadlines.
 */
export function drainCuts(world: EndpointWorld, nowMs: number): DrainCuts {
  const cut: WorkerCut[] = [];
  let lookAgainAtMs: number | null = null;
  for (const worker of world.workers) {
    if (worker.state !== 'draining' || worker.drainingSinceMs === null || worker.running === 0) continue;
    const { drainDeadlineMs } = world.options;
    const deadlineMs = drainDeadlineMs === 0 ? null : worker.drainingSinceMs + drainDeadlineMs;
    const wayMs = giveWayMs(world, worker);
    if (deadlineMs !== null && deadlineMs <= nowMs) {
      const text = `${counted(worker.running, 'request')} still ran ${seconds(drainDeadlineMs)} after it began to drain`;
      cut.push({ workerId: worker.id, reason: reason('drainDeadline', text), unansweredOnly: false });
    } else if (wayMs !== null && wayMs <= nowMs) {
      const text = `its revision failed, and ${counted(world.waiting, 'waiting request')} can still be served in time by another`;
      cut.push({ workerId: worker.id, reason: reason('drainGivesWay', text), unansweredOnly: true });
      lookAgainAtMs = earlier(lookAgainAtMs, deadlineMs);
    } else {
      lookAgainAtMs = earlier(lookAgainAtMs, earlier(deadlineMs, wayMs));
    }
  }
  return { cut, lookAgainAtMs };
}

/** When what a failed revision leaves unanswered has to go; null while others serve, or nobody waits. */
function giveWayMs(world: EndpointWorld, worker: WorkerView): number | null {
  const failed = world.revisions.get(worker.revision)?.failed === true;
  if (!failed || world.waiting === 0 || world.earliestDeadlineMs === null) return null;
  if (world.workers.some(({ state }) => state === 'ready')) return null;
  return world.earliestDeadlineMs - wayBackMs(world);
}
