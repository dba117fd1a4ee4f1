import { workerIsLive } from '../../model/worker-state.ts';
import { counted, seconds, type EndpointWorld, type WorkerView } from '../world.ts';
import { expectedStartMs } from './give-way.ts';

/** What the running rollout waits for now, as a sentence with its numbers; empty when it is over. */
export function rolloutWaitsFor(world: EndpointWorld, nowMs: number): string {
  const { rollout, targetRevision } = world;
  if (rollout === null || targetRevision === null) return '';
  if (rollout.order === 'pause') return 'somebody to resume it';
  const target = world.workers.filter((worker) => worker.revision === targetRevision);
  switch (rollout.state) {
    case 'waiting':
      return waitsForPlace(world, nowMs);
    case 'starting':
      return waitsForFirst(world, target, nowMs);
    case 'baking':
      return waitsForProof(world, target, nowMs);
    case 'rolling':
      return waitsForOld(world, target);
    case 'watching':
      return `the end of the watch, ${seconds(Math.max(0, rollout.stateSinceMs + world.options.watchMs - nowMs))} from now${doubt(world)}`;
    case 'done':
    case 'failed':
    case 'aborted':
    case 'superseded':
      return '';
  }
}

function waitsForPlace(world: EndpointWorld, nowMs: number): string {
  if (world.settings.maxReplicas === 0) return 'max_replicas to be raised: the endpoint is paused';
  const notBeforeMs = world.rollout?.notBeforeMs ?? 0;
  if (nowMs < notBeforeMs) return `its next try, ${seconds(notBeforeMs - nowMs)} from now`;
  if (world.workers.length === 0) return 'the next request: no worker runs';
  return world.rollout?.message ?? '';
}

function waitsForFirst(world: EndpointWorld, target: readonly WorkerView[], nowMs: number): string {
  const first = target.find((worker) => workerIsLive(worker.state));
  if (first === undefined) return 'a new first worker';
  if (first.state === 'pending') {
    const draining = world.workers.filter((worker) => worker.state === 'draining');
    const running = draining.reduce((sum, worker) => sum + worker.running, 0);
    return running > 0
      ? `${counted(running, 'request')} on ${counted(draining.length, 'draining worker')}, whose devices it takes`
      : 'its devices';
  }
  const expectedMs = expectedStartMs(
    world.revisions.get(first.revision),
    world.revisions.get(world.stableRevision),
  );
  const sinceMs = nowMs - (first.startedAtMs ?? first.createdAtMs);
  return `worker ${first.id} to become ready: it starts since ${seconds(sinceMs)}, ${seconds(expectedMs)} are expected`;
}

function waitsForProof(world: EndpointWorld, target: readonly WorkerView[], nowMs: number): string {
  const { guard, options } = world;
  const ready = target.filter((worker) => worker.state === 'ready');
  if (ready.length < options.firstStep)
    return `${options.firstStep} workers of its first step, ${ready.length} are ready`;
  const sinceMs = Math.max(...ready.map((worker) => worker.readyAtMs ?? nowMs));
  const leftMs = Math.max(0, sinceMs + options.bakeMs - nowMs);
  const answered = guard?.target.answered ?? 0;
  return `${options.bakeRequests} answers, ${answered} came, or ${seconds(leftMs)} more in service${doubt(world)}`;
}

function waitsForOld(world: EndpointWorld, target: readonly WorkerView[]): string {
  const old = world.workers.filter((worker) => worker.revision !== world.targetRevision);
  const draining = old.filter((worker) => worker.state === 'draining');
  const running = draining.reduce((sum, worker) => sum + worker.running, 0);
  const coming = target.filter((worker) => workerIsLive(worker.state) && worker.state !== 'ready').length;
  if (old.length === 0) return `${counted(coming, 'new worker')} to become ready`;
  return `${counted(old.length, 'old worker')} to leave (${draining.length} draining, with ${counted(running, 'request')}); ${counted(coming, 'new worker')} starting`;
}

function doubt({ guard }: EndpointWorld): string {
  if (guard?.doubtful !== true) return '';
  const { target } = guard;
  return `; the guard doubts it: ${target.failed + target.unanswered} of ${target.ended + target.unanswered} requests failed or hang, ${counted(target.deaths, 'worker')} died`;
}
