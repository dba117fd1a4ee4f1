import type { PlantedBug } from './planted-bug.ts';

/** One of each kind that matters; every one must be found within 500 worlds. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'a worker is given one request more than it has slots',
    file: 'decide/admission/choice.ts',
    find: 'worker.running >= slotsPerWorker',
    replace: 'worker.running > slotsPerWorker',
  },
  {
    name: 'a slot is freed when the answer begins, not when it ends',
    file: 'gateway/endpoint-queue.ts',
    find: "    ticket.change('headReceived');",
    replace: "    ticket.change('headReceived');\n    slots.giveBack(ticket, this.#parts.clock.nowMs());",
  },
  {
    name: 'a device is given to two workers in one go',
    file: 'decide/capacity/device-assignment.ts',
    find: 'for (const id of devices) held.add(id);',
    replace: '',
  },
  {
    name: 'an old worker leaves before the new one in its place is ready',
    file: 'decide/scale/worker-plan.ts',
    find: "goalLive.filter((worker) => worker.state === 'ready').length;",
    replace: 'goalLive.length;',
  },
  {
    name: 'a request that was sent is sent again after its worker died',
    file: 'gateway/endpoint-queue.ts',
    find: '    this.#end(ticket, end, status);\n    ticket.worker = null;',
    replace:
      "    if (end === 'broke') {\n      this.retry(ticket);\n      return;\n    }\n    this.#end(ticket, end, status);\n    ticket.worker = null;",
  },
  {
    name: 'what is left of a failed start is not removed',
    file: 'control/worker-launch.ts',
    find: 'if (worker.placed) await this.#parts.stops.removeRemains(record.id);',
    replace: '',
  },
  {
    name: 'the deadline of a request is not dropped at its end',
    file: 'gateway/endpoint-queue.ts',
    find: '    if (ticket.deadlineEntry !== null) this.#deadlines.remove(ticket.deadlineEntry);\n    ticket.deadlineEntry = null;\n    if (this.#deadlines',
    replace: '    if (this.#deadlines',
  },
  {
    name: 'a failed start is tried again at once, for ever',
    file: 'control/start-failures.ts',
    find: 'entry.notBeforeMs = nowMs + pauseMs;',
    replace: 'entry.notBeforeMs = nowMs;',
  },
  {
    name: 'a worker is marked as lost in memory and not in the store',
    file: 'control/worker-health.ts',
    find: "    this.#states.change(worker, 'healthLost', { reason: `health check failed: ${detail}` });",
    replace: "    worker.record = { ...worker.record, state: 'unhealthy' };",
  },
  {
    name: 'an update takes the only ready worker although there is room beside it',
    file: 'decide/rollout/first-worker-step.ts',
    find: 'target.roomWorkers >= 1 && options.maxSurge > 0 && placeLeft',
    replace: 'target.roomWorkers > 1 && options.maxSurge > 0 && placeLeft',
  },
  {
    name: 'a worker that broke keeps its devices for ever',
    file: 'control/worker-lifecycle.ts',
    find: '    removeWorker(entry, record.id);',
    replace:
      "    if (record.state !== 'failed' || record.readyAtMs === null) removeWorker(entry, record.id);",
  },
  {
    name: 'a request that finds no worker wakes none',
    file: 'control/control.ts',
    find: 'if (entry.workers.size === 0) this.#reconciler.reconcile(entry);\n    else',
    replace: 'if (entry.workers.size > 0)',
  },
  {
    name: 'devices that came back are given to nobody',
    file: 'control/reconciler.ts',
    find: '    else this.assignDevices();',
    replace: '',
  },
  {
    name: 'a process whose start was not stored is not looked for after a crash',
    file: 'control/recovery.ts',
    find: 'for (const seen of found.values()) {',
    replace: 'for (const seen of [] as FoundWorker[]) {',
  },
  {
    name: 'a failed update leaves its own revision as the stable one',
    file: 'control/rollout-record.ts',
    find: '      rollout,\n      targetRevision: null,\n      message: clip(',
    replace:
      '      rollout,\n      stableRevision: rollout.toRevision,\n      targetRevision: null,\n      message: clip(',
  },
  {
    name: 'a server that has handed over starts the workers that it was pulling for',
    file: 'control/worker-launch.ts',
    find: "=> this.#closed.aborted || worker.record.state !== 'pulling';",
    replace: "=> worker.record.state !== 'pulling';",
  },
  {
    name: 'a worker that min_replicas keeps gives its device away',
    file: 'control/inventory.ts',
    find: 'spare.set(entry.endpoint.id, live - entry.endpoint.settings.minReplicas);',
    replace: 'spare.set(entry.endpoint.id, live);',
  },
];
