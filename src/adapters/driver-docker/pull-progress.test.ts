import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PullProgressSum, type PullLine } from './pull-progress.ts';

function sumOf(lines: readonly PullLine[], downloadedIsDone = false) {
  const sum = new PullProgressSum(downloadedIsDone);
  for (const line of lines) sum.take(line);
  return sum.progress;
}

const DOCKER: readonly PullLine[] = [
  { status: 'Pulling from team/app', id: '1' },
  { status: 'Already exists', id: 'a' },
  { status: 'Pulling fs layer', id: 'b' },
  { status: 'Pulling fs layer', id: 'c' },
  { status: 'Downloading', id: 'b', progressDetail: { current: 40, total: 100 } },
];

test('layers and bytes add up; a total is told once all sizes are known', () => {
  assert.deepEqual(sumOf(DOCKER), { layersDone: 1, layersTotal: 3, bytesDone: 40, bytesTotal: null });
  const more: readonly PullLine[] = [
    ...DOCKER,
    { status: 'Downloading', id: 'c', progressDetail: { current: 10, total: 50 } },
    { status: 'Download complete', id: 'b' },
    { status: 'Extracting', id: 'b', progressDetail: { current: 5, total: 100 } },
  ];
  assert.deepEqual(sumOf(more), { layersDone: 1, layersTotal: 3, bytesDone: 110, bytesTotal: 150 });
  const end: readonly PullLine[] = [
    ...more,
    { status: 'Pull complete', id: 'b' },
    { status: 'Pull complete', id: 'c' },
    { status: 'Digest: sha256:1' },
  ];
  assert.deepEqual(sumOf(end), { layersDone: 3, layersTotal: 3, bytesDone: 150, bytesTotal: 150 });
});

test('of Podman a layer that was downloaded is done', () => {
  const lines = [{ status: 'Download complete', id: 'a' }];
  assert.equal(sumOf(lines, true).layersDone, 1);
  assert.equal(sumOf(lines, false).layersDone, 0);
});

test('more layers than an image can have are not counted', () => {
  const lines = Array.from({ length: 2_000 }, (_, index) => ({ status: 'Waiting', id: String(index) }));
  assert.equal(sumOf(lines).layersTotal, 1_000);
});
