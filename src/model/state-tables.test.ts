import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  JOB_EVENTS,
  JOB_STATES,
  JOB_TABLE,
  jobHasEnded,
  jobStatesBefore,
  jobTransition,
} from './job-state.ts';
import {
  PREWARM_EVENTS,
  PREWARM_STATES,
  PREWARM_TABLE,
  prewarmIsOver,
  prewarmTransition,
} from './prewarm-state.ts';
import { REQUEST_EVENTS, REQUEST_STATES, REQUEST_TABLE, requestTransition } from './request-state.ts';
import {
  ROLLOUT_EVENTS,
  ROLLOUT_STATES,
  ROLLOUT_TABLE,
  rolloutIsOver,
  rolloutTransition,
} from './rollout-state.ts';
import type { StateTable } from './state-table.ts';
import {
  WORKER_EVENTS,
  WORKER_STATES,
  WORKER_TABLE,
  workerIsLive,
  workerIsOver,
  workerTransition,
} from './worker-state.ts';

interface Machine<State extends string, Event extends string> {
  readonly name: string;
  readonly id: string;
  readonly states: readonly State[];
  readonly events: readonly Event[];
  readonly table: StateTable<State, Event>;
  readonly transition: (state: State, event: Event) => State;
  readonly over: readonly State[];
}

/** What holds for each machine; its first state is the one it starts in. */
function machineRules<State extends string, Event extends string>(machine: Machine<State, Event>): void {
  const { id, states, events, table, transition, over } = machine;
  const nextStates = (state: State): State[] =>
    events.map((event) => table[state][event]).filter((next) => next !== null);

  suite(`states of a ${machine.name}`, () => {
    test('the table has every state and every event, and no other', () => {
      assert.deepEqual(Object.keys(table).toSorted(), states.toSorted());
      for (const state of states) {
        assert.deepEqual(Object.keys(table[state]).toSorted(), events.toSorted(), state);
        for (const next of nextStates(state)) assert.ok(states.includes(next), `${state} leads to ${next}`);
      }
    });

    test('every state can be reached from the start', () => {
      const reached = new Set<State>(states.slice(0, 1));
      for (const state of reached) for (const next of nextStates(state)) reached.add(next);
      assert.deepEqual([...reached].toSorted(), states.toSorted());
    });

    test('an over-state has no way out, and every other one has a way to an over-state', () => {
      for (const state of states) {
        if (over.includes(state)) {
          assert.deepEqual(nextStates(state), [], state);
          continue;
        }
        const ahead = new Set<State>([state]);
        for (const one of ahead) for (const next of nextStates(one)) ahead.add(next);
        assert.ok(
          over.some((end) => ahead.has(end)),
          `${state} never ends`,
        );
      }
    });

    test('the one door follows the table, and an impossible cell throws with the fixed id', () => {
      for (const state of states) {
        for (const event of events) {
          const next = table[state][event];
          if (next !== null) assert.equal(transition(state, event), next);
          else {
            assert.throws(() => transition(state, event), {
              message: `impossible (${id}): event "${event}" in state "${state}"`,
            });
          }
        }
      }
    });

    test('every event is possible somewhere', () => {
      for (const event of events) {
        assert.ok(
          states.some((state) => table[state][event] !== null),
          event,
        );
      }
    });
  });
}

machineRules({
  name: 'worker',
  id: 'worker-state-8d1f',
  states: WORKER_STATES,
  events: WORKER_EVENTS,
  table: WORKER_TABLE,
  transition: workerTransition,
  over: WORKER_STATES.filter(workerIsOver),
});

machineRules({
  name: 'rollout',
  id: 'rollout-state-51c7',
  states: ROLLOUT_STATES,
  events: ROLLOUT_EVENTS,
  table: ROLLOUT_TABLE,
  transition: rolloutTransition,
  over: ROLLOUT_STATES.filter(rolloutIsOver),
});

machineRules({
  name: 'request',
  id: 'request-state-2b90',
  states: REQUEST_STATES,
  events: REQUEST_EVENTS,
  table: REQUEST_TABLE,
  transition: requestTransition,
  over: ['ended'],
});

machineRules({
  name: 'job',
  id: 'job-state-a6e3',
  states: JOB_STATES,
  events: JOB_EVENTS,
  table: JOB_TABLE,
  transition: jobTransition,
  // FAILED and TIMED_OUT have ended too, but their owner may ask for them again.
  over: ['COMPLETED', 'CANCELLED'],
});

machineRules({
  name: 'prewarm task',
  id: 'prewarm-state-60e2',
  states: PREWARM_STATES,
  events: PREWARM_EVENTS,
  table: PREWARM_TABLE,
  transition: prewarmTransition,
  over: PREWARM_STATES.filter(prewarmIsOver),
});

test('a worker can break in every state but the over ones, and can always be asked to stop until then', () => {
  for (const state of WORKER_STATES) {
    assert.equal(WORKER_TABLE[state].broke, workerIsOver(state) ? null : 'failed', state);
    assert.equal(WORKER_TABLE[state].stopAsked === null, workerIsOver(state), state);
  }
});

test('a worker is live, or it leaves, or it is over: never two of them', () => {
  assert.deepEqual(WORKER_STATES.filter(workerIsOver), ['stopped', 'failed']);
  assert.deepEqual(WORKER_STATES.filter(workerIsLive), ['pending', 'pulling', 'starting', 'ready']);
});

test('a newer update can replace a rollout until it is over, and it can be given up until then', () => {
  for (const state of ROLLOUT_STATES) {
    assert.equal(ROLLOUT_TABLE[state].replacedByNewer === null, rolloutIsOver(state), state);
    assert.equal(ROLLOUT_TABLE[state].gaveUp === null, rolloutIsOver(state), state);
  }
});

test('a request that began to be answered is never tried again', () => {
  assert.equal(REQUEST_TABLE.responding.retried, null);
  assert.equal(REQUEST_TABLE.waiting.retried, null);
  assert.equal(REQUEST_TABLE.forwarding.retried, 'waiting');
});

test('a job that has ended is brought back by its owner alone, and only where it has no result', () => {
  for (const state of JOB_STATES.filter(jobHasEnded)) {
    const ways = JOB_EVENTS.filter((event) => JOB_TABLE[state][event] !== null);
    assert.deepEqual(ways, state === 'FAILED' || state === 'TIMED_OUT' ? ['retryAsked'] : [], state);
  }
  assert.deepEqual(jobStatesBefore('cancelAsked'), ['IN_QUEUE', 'IN_PROGRESS']);
});
