import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseTrace } from '../../bench/autoscale/traces.ts';
import { syntheticTraces } from '../../bench/autoscale/synthetic.ts';

const HEAD = 'arrival_s,prompt_tokens,output_tokens';

it('reads arrivals from the first one on, and how long each request runs', () => {
  const trace = parseTrace('t', `${HEAD}\n100,1000,50\n102.5,0,0\n`);
  assert.deepEqual([...trace.arrivalS], [0, 2.5]);
  assert.ok(Math.abs(trace.serviceS[0]! - 1.2) < 1e-12);
  assert.ok(trace.serviceS[1]! > 0);
});

it('names the line of a fault', () => {
  assert.throws(() => parseTrace('t', 'a,b\n1,2,3'), /t, line 1: the columns must be/);
  assert.throws(() => parseTrace('t', `${HEAD}\n`), /no request/);
  assert.throws(() => parseTrace('t', `${HEAD}\n1,2,3\n0,2,3\n`), /line 3: it arrives before/);
  for (const broken of ['1,2', '1,2,x', '1,-2,3', '1,2,3,4', '']) {
    assert.throws(() => parseTrace('t', `${HEAD}\n1,2,3\n${broken}\n5,1,1`), /line 3: /);
  }
});

it('draws the same traffic at every run, in order', () => {
  const once = syntheticTraces();
  assert.deepEqual(once, syntheticTraces());
  for (const { name, arrivalS, serviceS } of once) {
    assert.ok(arrivalS.length > 500, name);
    assert.ok(
      arrivalS.every((atS, index) => index === 0 || atS >= arrivalS[index - 1]!),
      name,
    );
    assert.ok(
      serviceS.every((seconds) => seconds > 0),
      name,
    );
  }
});
