import type { EndpointWorld, RevisionView, WorkerView } from '../world.ts';
import { UNKNOWN_START_MS } from '../autoscale/needed-workers.ts';

/** Beyond the stable revision's own start: time to stop the target and to hand the requests over. */
const HANDOVER_MS = 3_000;
/** Start times vary: a quarter of the measured one is kept in reserve. */
const START_RESERVE = 0.25;

/** What a start is expected to take; where the revision was never measured, what its sibling took. */
export function expectedStartMs(
  revision: RevisionView | undefined,
  sibling: RevisionView | undefined,
): number {
  return revision?.startTimeMs ?? sibling?.startTimeMs ?? UNKNOWN_START_MS;
}

/** How long before the earliest deadline the way back must begin. */
export function wayBackMs(world: EndpointWorld): number {
  const stable = world.revisions.get(world.stableRevision);
  const startMs = expectedStartMs(stable, undefined);
  // Those behind the first waiting request need slots too before their own deadlines.
  const rounds = Math.floor(world.waiting / Math.max(1, world.settings.maxConcurrentPerWorker));
  const queueMs = Math.min(
    rounds * (world.load.measuredServiceMs ?? 0),
    (world.settings.requestTimeoutSeconds * 1_000) / 4,
  );
  return startMs * (1 + START_RESERVE) + HANDOVER_MS + queueMs;
}

/**
 * When a target that is starting without a stable worker beside it must give way to the requests
 * that wait, or null while none waits. It always gets its expected start time first: a way back that
 * begins earlier would not be sooner at the goal than the target itself.
 */
export function giveWayAtMs(world: EndpointWorld, first: WorkerView): number | null {
  if (world.earliestDeadlineMs === null || world.waiting === 0) return null;
  const target = world.targetRevision === null ? undefined : world.revisions.get(world.targetRevision);
  const stable = world.revisions.get(world.stableRevision);
  const startMs = expectedStartMs(target, stable);
  const fairMs = (first.startedAtMs ?? first.createdAtMs) + startMs * (1 + START_RESERVE);
  return Math.max(world.earliestDeadlineMs - wayBackMs(world), fairMs);
}

/**
 * Whether a swap that begins now leaves every waiting request both chances: to be served by the
 * target, and, should that not start, by the stable revision before its deadline.
 */
export function swapIsSafe(world: EndpointWorld, nowMs: number): boolean {
  if (world.earliestDeadlineMs === null || world.waiting === 0) return true;
  const target = world.targetRevision === null ? undefined : world.revisions.get(world.targetRevision);
  const stable = world.revisions.get(world.stableRevision);
  return world.earliestDeadlineMs - nowMs >= expectedStartMs(target, stable) + wayBackMs(world);
}
