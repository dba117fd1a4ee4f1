import type { Migration } from './migration.ts';

/**
 * A rollout is stored with its options. Those of before get the defaults of then, without a watch.
 * A quote inside of a JSON text is escaped, so the name with its quotes occurs as a key alone, and
 * only a rollout has it.
 */
export const rolloutOptions: Migration = {
  number: 4,
  name: 'rollout-options',
  statements: [
    `UPDATE endpoints SET record = replace(record, '"notBeforeMs":', '"options":{"maxSurge":{"value":1,"unit":"workers"},"firstStep":{"value":1,"unit":"workers"},"bakeMs":10000,"bakeRequests":20,"watchMs":0,"drainDeadlineMs":1800000,"guard":{"enabled":true,"slowdown":1.5,"minFailures":3}},"order":"go","stateSinceMs":0,"notBeforeMs":')`,
  ],
};
