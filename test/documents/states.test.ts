import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointStatus } from '../../src/model/endpoint.ts';
import { JOB_EVENTS, JOB_STATES, JOB_TABLE } from '../../src/model/job-state.ts';
import { PREWARM_EVENTS, PREWARM_STATES, PREWARM_TABLE } from '../../src/model/prewarm-state.ts';
import { REQUEST_EVENTS, REQUEST_STATES, REQUEST_TABLE } from '../../src/model/request-state.ts';
import { ROLLOUT_EVENTS, ROLLOUT_STATES, ROLLOUT_TABLE } from '../../src/model/rollout-state.ts';
import { ROLLOUT_COMMANDS, ROLLOUT_ORDERS, ROLLOUT_ORDER_TABLE } from '../../src/model/rollout-order.ts';
import { WORKER_EVENTS, WORKER_STATES, WORKER_TABLE } from '../../src/model/worker-state.ts';
import { rowsBelow, section } from './markdown-table.ts';

const PATH = 'docs/states.md';

const MACHINES: readonly {
  readonly heading: string;
  readonly states: readonly string[];
  readonly events: readonly string[];
  readonly table: Readonly<Record<string, Readonly<Record<string, string | null>>>>;
}[] = [
  { heading: 'Worker', states: WORKER_STATES, events: WORKER_EVENTS, table: WORKER_TABLE },
  { heading: 'Rollout', states: ROLLOUT_STATES, events: ROLLOUT_EVENTS, table: ROLLOUT_TABLE },
  {
    heading: 'Rollout order',
    states: ROLLOUT_ORDERS,
    events: ROLLOUT_COMMANDS,
    table: ROLLOUT_ORDER_TABLE,
  },
  { heading: 'Prewarm task', states: PREWARM_STATES, events: PREWARM_EVENTS, table: PREWARM_TABLE },
  { heading: 'Request', states: REQUEST_STATES, events: REQUEST_EVENTS, table: REQUEST_TABLE },
  { heading: 'Job', states: JOB_STATES, events: JOB_EVENTS, table: JOB_TABLE },
];

for (const { heading, states, events, table } of MACHINES) {
  describe(`${PATH}, ${heading}`, () => {
    const text = section(PATH, heading);

    test('explains every state and every event, and no other', () => {
      assert.deepEqual(
        rowsBelow(text, 'state').map(([name]) => name),
        states,
      );
      assert.deepEqual(
        rowsBelow(text, 'event').map(([name]) => name),
        events,
      );
    });

    test('lists exactly the changes the code allows', () => {
      const allowed = states.flatMap((state) =>
        events.flatMap((event) => {
          const next = table[state]?.[event] ?? null;
          return next === null ? [] : [`${state} ${event} ${next}`];
        }),
      );
      const written = rowsBelow(text, 'from').map((cells) => cells.join(' '));
      assert.deepEqual(written.toSorted(), allowed.toSorted());
    });
  });
}

test(`${PATH} explains every endpoint status`, () => {
  const statuses = {
    initializing: true,
    running: true,
    updating: true,
    degraded: true,
    stopped: true,
    failed: true,
    terminating: true,
  } satisfies Record<EndpointStatus, true>;
  const written = rowsBelow(section(PATH, 'Endpoint status'), 'status').map(([name]) => name ?? '');
  assert.deepEqual(written.toSorted(), Object.keys(statuses).toSorted());
});
