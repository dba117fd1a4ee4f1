import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';
import fc from 'fast-check';
import { failureText, findBroken } from './proof/prove.ts';
import { runWorld } from './proof/run-world.ts';
import { Violation } from './proof/violation.ts';
import { worldPlan, type WorldPlan } from './proof/world-plan.ts';

it('the same world is the same byte for byte, and another one is not', async () => {
  const plans = fc.sample(worldPlan, { seed: 1, numRuns: 40 });
  const traces = new Set<string>();
  for (const plan of plans) {
    const trace = await runWorld(plan);
    assert.equal(await runWorld(plan), trace);
    traces.add(trace);
  }
  assert.equal(traces.size, plans.length);
  const [first] = plans;
  assert.ok(first !== undefined);
  assert.ok((await runWorld(first)).split('\n').length > 10, 'something happens in it');
});

it('a failure names one command that repeats just that world', async () => {
  const run = async (plan: WorldPlan): Promise<void> => {
    const restarts = plan.kind === 'shared' ? plan.steps.filter(({ kind }) => kind === 'restart') : [];
    if (restarts.length > 0) throw new Violation('noRestart', `${restarts.length} restarts`);
  };
  const broken = await findBroken({ seed: 5, worlds: 200, run });
  assert.ok(broken !== null);
  const plan = broken.counterexample?.[0];
  assert.ok(plan?.kind === 'shared');
  assert.ok(plan.steps.length <= 3, `it is made small: ${JSON.stringify(plan.steps)}`);
  const named = /npm run soak -- --seed (-?\d+) --path ([\d:]+)/.exec(failureText(broken));
  assert.ok(named?.[1] !== undefined && named[2] !== undefined);
  const again = await findBroken({ seed: Number(named[1]), path: named[2], worlds: 1, shrinks: false, run });
  assert.deepEqual(again?.counterexample, broken.counterexample);
  assert.equal(again?.numRuns, 1);

  const command = ['scripts/soak.ts', '--seed', named[1], '--path', named[2], '--trace'];
  const soak = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', ...command], {
    encoding: 'utf8',
  });
  assert.equal(soak.status, 0, soak.stderr);
  assert.match(soak.stdout, /step \{"kind":"restart"\}[^]*This world holds\./);
});
