import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Quantiles } from './quantiles.ts';

function exact(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

test('a quantile is within 1 % of the exact one, or below 1 where that is', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 300 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (values, share) => {
        const quantiles = new Quantiles();
        for (const value of values) quantiles.add(value);
        const wanted = exact(values, share);
        const got = quantiles.at(share);
        if (wanted < 1) assert.equal(got, 0);
        else assert.ok(Math.abs(got - wanted) <= 0.0101 * wanted, `${got} for ${wanted}`);
      },
    ),
  );
});

test('two together are as if all had been added to one', () => {
  const [first, second, both] = [new Quantiles(), new Quantiles(), new Quantiles()];
  for (let value = 0; value < 100; value += 1) {
    (value % 3 === 0 ? first : second).add(value * value);
    both.add(value * value);
  }
  first.addAll(second);
  assert.equal(first.count, 100);
  for (const share of [0.1, 0.5, 0.95, 1]) assert.equal(first.at(share), both.at(share));
});

test('without a value it is 0', () => {
  assert.equal(new Quantiles().at(0.5), 0);
});
