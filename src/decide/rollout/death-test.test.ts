import assert from 'node:assert/strict';
import { it } from 'node:test';
import { diesTooOften } from './death-test.ts';
import { binomialTail, binomialUpperBound, hypergeometricTail, poissonTail } from './tails.ts';

const SECOND = 1_000;
const lives = (deaths: number, seconds: number) => ({ deaths, exposureMs: seconds * SECOND });

it('two deaths within a minute are too many where the stable revision had none', () => {
  assert.equal(diesTooOften(lives(2, 60), lives(0, 60), 0.002), true);
  assert.equal(diesTooOften(lives(2, 60), lives(0, 36_000), 0.002), true);
});

it('one never is', () => assert.equal(diesTooOften(lives(1, 1), lives(0, 360_000), 0.002), false));

it('a stable revision that dies as often excuses it', () => {
  assert.equal(diesTooOften(lives(2, 60), lives(100, 3_000), 0.002), false);
  assert.equal(diesTooOften(lives(20, 600), lives(100, 3_000), 0.002), false);
});

it('two deaths spread over hours are no sign', () => {
  assert.equal(diesTooOften(lives(2, 7_200), lives(0, 3_600), 0.002), false);
});

it('tails are those of the distributions', () => {
  assert.equal(poissonTail(0, 3), 1);
  assert.ok(Math.abs(poissonTail(2, 1) - 0.2642) < 1e-4);
  assert.equal(binomialTail(0, 0, 0.1), 1);
  assert.ok(Math.abs(binomialTail(1, 1, 0.2) - 0.2) < 1e-12);
  assert.ok(Math.abs(binomialTail(2, 3, 0.5) - 0.5) < 1e-12);
  // None of 300 leaves 1 % for a share of 1 - 0.01 ** (1 / 300).
  assert.ok(Math.abs(binomialUpperBound(0, 300, 0.01) - 0.01523) < 1e-4);
  assert.equal(hypergeometricTail(0, 5, 0, 20), 1);
  assert.ok(Math.abs(hypergeometricTail(1, 1, 1, 29) - 1 / 29) < 1e-12);
  assert.ok(Math.abs(hypergeometricTail(2, 5, 3, 10) - 0.5) < 1e-12);
  assert.ok(Math.abs(hypergeometricTail(60, 1_000, 100, 2_000) - 0.02538) < 1e-4);
  assert.ok(hypergeometricTail(250, 5_000, 256, 5_100) > 0.3);
});
