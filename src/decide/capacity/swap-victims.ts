import type { WorkerId } from '../../base/ids.ts';
import type { EndpointWorld, WorkerView } from '../world.ts';

/**
 * The fewest of `candidates` whose devices one new worker of `revision` needs; none where none of them
 * has such devices. Where no device is at stake (cpu), one place is what it needs.
 */
export function swapVictims(
  world: EndpointWorld,
  revision: number,
  candidates: readonly WorkerView[],
): WorkerId[] {
  const wanted = world.revisions.get(revision);
  if (wanted === undefined) return [];
  const chosen: WorkerId[] = [];
  let freed = 0;
  for (const worker of byLoad(candidates)) {
    const own = world.revisions.get(worker.revision);
    const given = own?.productId === wanted.productId ? own.devicesPerWorker : 0;
    if (wanted.devicesPerWorker > 0 && given === 0) continue;
    chosen.push(worker.id);
    freed += given;
    if (freed >= wanted.devicesPerWorker) break;
  }
  return chosen;
}

/** Who is missed least comes first: not serving, then the least busy, then the longest idle. */
export function byLoad(workers: readonly WorkerView[]): WorkerView[] {
  return [...workers].sort(
    (a, b) =>
      Number(a.state === 'ready') - Number(b.state === 'ready') ||
      a.running - b.running ||
      (a.idleSinceMs ?? Infinity) - (b.idleSinceMs ?? Infinity) ||
      b.createdAtMs - a.createdAtMs,
  );
}
