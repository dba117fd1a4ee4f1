import assert from 'node:assert/strict';
import test from 'node:test';
import { FAULTS_MAX, FaultList, faultsError } from './faults.ts';

test('the first fault of a path stays, and the list has an end', () => {
  const list = new FaultList();
  assert.ok(list.empty);
  list.add('a', 'first');
  list.add('a', 'second');
  assert.deepEqual(list.toFaults(), { a: 'first' });
  for (let index = 0; index < FAULTS_MAX * 2; index += 1) list.add(`b[${index}]`, 'text');
  assert.ok(list.full);
  assert.equal(Object.keys(list.toFaults()).length, FAULTS_MAX);
});

test('a path is touched by a fault of itself or of anything inside, not of a neighbour', () => {
  const list = new FaultList();
  list.add('envs[2].key', 'x');
  list.add('worker_config.max_replicas', 'x');
  for (const path of ['envs', 'envs[2]', 'envs[2].key', 'worker_config', 'worker_config.max_replicas']) {
    assert.ok(list.touches(path), path);
  }
  for (const path of ['env', 'envs[1]', 'envs[2].value', 'worker', 'worker_config.max']) {
    assert.ok(!list.touches(path), path);
  }
});

test('the error has all faults as metadata and the first three in its message', () => {
  const one = faultsError({ name: 'is 5; allowed: a string' });
  assert.equal(one.code, 'VALIDATOR_PARAM');
  assert.equal(one.message, '1 field is not valid: name is 5; allowed: a string.');
  const five = faultsError({ a: 'is 1', b: 'is 2', c: 'is 3', d: 'is 4', e: 'is 5' });
  assert.equal(five.message, '5 fields are not valid: a is 1; b is 2; c is 3; and 2 more, all in metadata.');
  assert.deepEqual(Object.keys(five.metadata), ['a', 'b', 'c', 'd', 'e']);
});
