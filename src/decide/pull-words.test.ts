import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pullWords, size } from './pull-words.ts';

test('a pull is told in layers and bytes, both parts in one unit', () => {
  const amounts = { layersDone: 3, layersTotal: 7, bytesDone: 250_000_000, bytesTotal: 4_000_000_000 };
  assert.equal(pullWords(amounts), 'pulling its image: 3 of 7 layers, 0.3 of 4.0 GB');
  assert.equal(pullWords({ ...amounts, bytesTotal: null }), 'pulling its image: 3 of 7 layers, 250 MB');
  assert.equal(
    pullWords({ layersDone: 0, layersTotal: 1, bytesDone: 0, bytesTotal: 30_400_000 }),
    'pulling its image: 0 of 1 layer, 0 of 30 MB',
  );
  assert.equal(size(1_250_000_000), '1.3 GB');
});
