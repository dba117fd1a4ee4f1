import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  apiKeyFromRow,
  apiKeyToRow,
  endpointFromRow,
  endpointToRow,
  revisionFromRow,
  revisionToRow,
  workerFromRow,
  workerToRow,
} from '../../src/adapters/store-sql/rows.ts';
import { storedApiKey, storedEndpoint, storedRevision, storedWorker } from '../support/stored-records.ts';

const endpoint = endpointToRow(storedEndpoint('e1'));
const revision = revisionToRow(storedRevision('e1', 1));
const worker = workerToRow(storedWorker('w1', 'e1'));
const apiKey = apiKeyToRow(storedApiKey('abc'));

/** The JSON of a row with one field set, or taken out by `undefined`. */
function changed(json: string, path: readonly string[], value: unknown): string {
  const record: unknown = JSON.parse(json);
  let place = record as Record<string, unknown>;
  for (const name of path.slice(0, -1)) place = place[name] as Record<string, unknown>;
  place[path.at(-1) ?? ''] = value;
  return JSON.stringify(record);
}

const DAMAGES: readonly [string, () => unknown, RegExp][] = [
  [
    'broken JSON',
    () => endpointFromRow({ ...endpoint, record: '{"type":' }),
    /stored endpoint e1 .*its JSON is broken/,
  ],
  [
    'JSON that is no object',
    () => endpointFromRow({ ...endpoint, record: '[]' }),
    /stored endpoint e1 .*its JSON is not an object/,
  ],
  [
    'a wrong type deep inside',
    () =>
      endpointFromRow({ ...endpoint, record: changed(endpoint.record, ['settings', 'maxReplicas'], 'many') }),
    /stored endpoint e1 .*\/settings\/maxReplicas must be integer/,
  ],
  [
    'a missing field',
    () => endpointFromRow({ ...endpoint, record: changed(endpoint.record, ['lastRevision'], undefined) }),
    /stored endpoint e1 .*lastRevision/,
  ],
  [
    'a field that no version here knows',
    () => endpointFromRow({ ...endpoint, record: changed(endpoint.record, ['rollout', 'colour'], 'red') }),
    /stored endpoint e1 .*\/rollout\/colour/,
  ],
  [
    'a column out of range',
    () => endpointFromRow({ ...endpoint, generation: -1 }),
    /stored endpoint e1 .*\/generation/,
  ],
  [
    'a wrong list',
    () => revisionFromRow({ ...revision, spec: changed(revision.spec, ['ports'], 'none') }),
    /stored revision 1 of endpoint e1 .*\/spec\/ports must be array/,
  ],
  [
    'an unknown state',
    () => workerFromRow({ ...worker, state: 'asleep' }),
    /stored worker w1 .*\/state must be equal to one of the allowed values/,
  ],
  [
    'an address at no port',
    () => workerFromRow({ ...worker, record: changed(worker.record, ['addresses', 'http'], {}) }),
    /stored worker w1 .*\/addresses/,
  ],
  ['an owner without id', () => apiKeyFromRow({ ...apiKey, owner_id: '' }), /API key "first" .*\/ownerId/],
];

for (const [what, read, message] of DAMAGES) {
  test(`a stored record with ${what} is refused, and the message tells which and where`, () => {
    assert.throws(read, { code: 'STORE_FAILED', message });
  });
}

test('the undamaged ones are read', () => {
  assert.deepEqual(endpointFromRow(endpoint), storedEndpoint('e1'));
  assert.deepEqual(revisionFromRow(revision), storedRevision('e1', 1));
  assert.deepEqual(workerFromRow(worker), storedWorker('w1', 'e1'));
  assert.deepEqual(apiKeyFromRow(apiKey), storedApiKey('abc'));
});
