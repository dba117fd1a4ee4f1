import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../src/base/errors.ts';
import type { WorkerId } from '../../src/base/ids.ts';
import { jobHasEnded } from '../../src/model/job-state.ts';
import type { TakenJob } from '../../src/ports/job-workers.ts';
import { AT, CALLER, ENDPOINT, asyncEndpoint, jobWorker, jobsWorld, order } from '../support/jobs-world.ts';
import { MemoryJobs } from '../support/memory-job-store.ts';

const SLOTS = 2;
const WORKERS = ['w0', 'w1', 'w2'];

interface Step {
  readonly kind: string;
  readonly who?: number;
  readonly which?: number;
  readonly count?: number;
  readonly kept?: number;
  readonly live?: number;
  readonly ms?: number;
  readonly key?: number;
  readonly low?: boolean;
  readonly idle?: boolean;
}

/** What happens, with numbers that choose whom or what it happens to. */
const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('run'), low: fc.boolean(), key: fc.nat(9) }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('take'), who: fc.nat(2), count: fc.nat(3), idle: fc.boolean() }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('answer'), who: fc.nat(2), which: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel'), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('retry'), which: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('put'), who: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drain'), who: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove'), who: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave'), who: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('purge') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.nat(4_000) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('flush'), count: fc.nat(6) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('settle') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash'), kept: fc.nat(6), live: fc.nat(7) }) },
);

/** Servers one after the other on one database, and workers that outlive them. */
class World {
  readonly memory = new MemoryJobs(true);
  server!: Awaited<ReturnType<typeof jobsWorld>>;
  /** Jobs that were answered with their id. */
  readonly accepted: string[] = [];
  readonly held = new Map<string, TakenJob[]>(WORKERS.map((worker) => [worker, []]));
  readonly takes = new Map<string, AbortController>();
  readonly known = new Set<string>();
  /** Job and attempt → who was given it. */
  readonly given = new Map<string, string>();
  /** Job and run → what was recorded of it. */
  readonly recorded = new Map<string, string>();
  answers = 0;

  async open(): Promise<void> {
    const opening = jobsWorld({
      memory: this.memory,
      limits: { attempts: 2, waitingPerEndpoint: 8 },
      ...(this.server === undefined ? {} : { clock: this.server.clock }),
    });
    this.memory.flush();
    this.server = await opening;
    this.server.jobs.endpointPut(asyncEndpoint({ slotsPerWorker: SLOTS, requestTimeoutMs: 5_000 }));
    this.server.jobs.start((_endpointId, workerId) => this.known.has(workerId));
    for (const worker of this.known) this.server.jobs.workerPut(ENDPOINT, jobWorker(worker));
  }

  step(step: Step): Promise<void> | undefined {
    const { jobs, commands } = this.server;
    const worker = WORKERS[step.who ?? 0] ?? 'w0';
    const id = worker as WorkerId;
    switch (step.kind) {
      case 'run': {
        const once = step.key === 0 ? { key: 'once', digest: 'd' } : null;
        const policy = { lowPriority: step.low ?? false, ttlMs: 3_000 };
        this.expect(
          commands.run(AT, order('1', { policy, once }), CALLER),
          (job) => this.accepted.push(job.id),
          'QUEUE_FULL',
        );
        return;
      }
      case 'take':
        if (this.known.has(worker)) this.take(worker, (step.count ?? 0) + 1, step.idle ?? false);
        return;
      case 'answer':
        this.answer(worker, step.which ?? 0);
        return;
      case 'cancel':
      case 'retry': {
        const job = this.accepted[step.which ?? 0];
        if (job === undefined) return;
        if (step.kind === 'cancel') this.expect(commands.cancel(AT, job, CALLER), () => undefined);
        else this.expect(commands.retry(AT, job, CALLER), () => undefined, 'JOB_STATE', 'QUEUE_FULL');
        return;
      }
      case 'put':
        this.known.add(worker);
        jobs.workerPut(ENDPOINT, jobWorker(worker));
        return;
      case 'drain':
        jobs.workerDrain(ENDPOINT, id);
        return;
      case 'remove':
        this.known.delete(worker);
        this.held.set(worker, []);
        jobs.workerRemove(ENDPOINT, id);
        return;
      case 'leave':
        this.takes.get(worker)?.abort();
        return;
      case 'purge':
        this.expect(commands.purge(AT, CALLER), () => undefined);
        return;
      case 'advance':
        this.server.clock.advance(step.ms ?? 0);
        return;
      case 'flush':
        this.memory.flush(step.count ?? 0);
        return new Promise(setImmediate);
      case 'settle':
        return this.settle();
      case 'crash':
        return this.crash(step.kept ?? 0, step.live ?? 0);
      default:
        throw new Error(`no such step: ${step.kind}`);
    }
  }

  take(worker: string, count: number, saysIdle: boolean): void {
    const leave = new AbortController();
    this.takes.get(worker)?.abort();
    this.takes.set(worker, leave);
    const held = this.held.get(worker) ?? [];
    const idle = saysIdle && held.length === 0 ? true : null;
    const { jobs } = this.server;
    this.expect(jobs.take(ENDPOINT, worker as WorkerId, { count, idle }, leave.signal), (taken) => {
      assert.ok(taken.length <= Math.min(count, SLOTS), `${taken.length} jobs for a wish of ${count}`);
      for (const job of taken) {
        const attempt = `${job.handedId} ${job.attempt}`;
        assert.equal(this.given.get(attempt), undefined, `${attempt} was given twice`);
        this.given.set(attempt, worker);
      }
      if (this.known.has(worker)) this.held.get(worker)?.push(...taken);
    });
  }

  answer(worker: string, which: number): void {
    const held = this.held.get(worker) ?? [];
    const job = held[which % Math.max(1, held.length)];
    if (job === undefined) return;
    held.splice(held.indexOf(job), 1);
    this.answers += 1;
    const output = String(this.answers);
    const { jobs } = this.server;
    const answering = jobs.answer(ENDPOINT, worker as WorkerId, job.handedId, { kind: 'output', output });
    this.expect(
      answering,
      () => {
        assert.equal(this.recorded.get(job.handedId), undefined, `${job.handedId} has two results`);
        this.recorded.set(job.handedId, output);
      },
      'JOB_NOT_YOURS',
    );
  }

  /** What a crash swallowed is never answered, and so not waited for. */
  expect<T>(work: Promise<T>, then: (value: T) => void, ...refusals: readonly string[]): void {
    const { server } = this;
    work.then(then).catch((error: unknown) => {
      if (error instanceof AppError && [...refusals, 'JOB_NOT_FOUND'].includes(error.code)) return;
      server.fatal.push(error);
    });
  }

  /** Until nothing is on its way any more. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3;) {
      await new Promise(setImmediate);
      quiet = this.memory.pending === 0 ? quiet + 1 : 0;
      this.memory.flush();
      this.server.clock.advance(0);
    }
    this.check();
    const { waiting, running } = this.stored();
    assert.equal(this.server.jobs.load(ENDPOINT).waiting, waiting, 'the jobs that wait are miscounted');
    assert.equal(this.server.jobs.find(ENDPOINT)?.inProgress, running, 'the leases are miscounted');
  }

  check(): void {
    assert.deepEqual(this.server.fatal, []);
    for (const [worker, load] of this.server.jobs.load(ENDPOINT).workers) {
      assert.ok(load.running <= SLOTS, `${worker} runs ${load.running}`);
    }
  }

  stored(): { readonly waiting: number; readonly running: number } {
    const rows = this.memory.database
      .prepare('SELECT state, count(*) AS count FROM jobs GROUP BY state')
      .all();
    const of = (state: string): number => Number(rows.find((row) => row['state'] === state)?.['count'] ?? 0);
    return { waiting: of('IN_QUEUE'), running: of('IN_PROGRESS') };
  }

  async crash(kept: number, live: number): Promise<void> {
    this.server.connection.lose();
    this.memory.crash(kept);
    for (const [index, worker] of WORKERS.entries()) {
      if ((live & (1 << index)) !== 0) continue;
      this.known.delete(worker);
      this.held.set(worker, []);
    }
    await this.open();
  }

  /** Everything ends: the old workers leave, and a new one does all that is left. */
  async finish(): Promise<void> {
    await this.settle();
    for (const worker of WORKERS) void this.step({ kind: 'remove', who: WORKERS.indexOf(worker) });
    await this.settle();
    this.known.add('last');
    this.held.set('last', []);
    this.server.jobs.workerPut(ENDPOINT, jobWorker('last'));
    for (let round = 0; ; round += 1) {
      const { waiting, running } = this.stored();
      if (waiting + running === 0) break;
      assert.ok(round < 200, `${waiting} wait and ${running} run, and nothing moves`);
      if (this.held.get('last')?.length === 0) this.take('last', SLOTS, false);
      await this.settle();
      while ((this.held.get('last')?.length ?? 0) > 0) this.answer('last', 0);
      await this.settle();
    }
    assert.equal(this.server.jobs.load(ENDPOINT).running, 0);
    const states = this.memory.database
      .prepare('SELECT id, state, retries, output FROM jobs LEFT JOIN job_outputs USING (key)')
      .all();
    const byId = new Map(states.map((row) => [String(row['id']), row]));
    for (const id of this.accepted) {
      const row = byId.get(id);
      assert.ok(
        row !== undefined && jobHasEnded(row['state'] as never),
        `${id} is ${String(row?.['state'] ?? 'lost')}`,
      );
    }
    for (const [handedId, output] of this.recorded) {
      const [id = '', run] = handedId.split('-r');
      const row = byId.get(id);
      // A run after it has another result.
      if (Number(run ?? 0) !== row?.['retries']) continue;
      assert.deepEqual([row['state'], row['output']], ['COMPLETED', output], handedId);
    }
    this.memory.close();
  }
}

test('whatever happens, every job that was accepted ends once, with the one result that was recorded', async () => {
  const runs = Number(process.env['JOB_PROPERTY_RUNS'] ?? 150);
  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { maxLength: 120, size: 'max' }), async (steps) => {
      const world = new World();
      await world.open();
      for (const step of steps) {
        await world.step(step);
        world.check();
      }
      await world.finish();
    }),
    { numRuns: runs },
  );
});
