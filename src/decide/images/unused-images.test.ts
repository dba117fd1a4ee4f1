import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalReference } from '../../model/image-reference.ts';
import type { PulledImage } from '../../model/prewarm-task.ts';
import { unusedImages, type ImageOnMachine, type ImageWorld } from './unused-images.ts';

const HOUR = 3_600_000;
const NOW = 1_000 * HOUR;

function pulled(id: string, unusedHours: number, references: readonly string[] = [id]): PulledImage {
  return { id, references, sizeBytes: 10, pulledAtMs: 0, lastUsedAtMs: NOW - unusedHours * HOUR };
}

function onMachine(id: string, change: Partial<ImageOnMachine> = {}): ImageOnMachine {
  return { id, references: [id], sizeBytes: 10, inUse: false, ...change };
}

function removed(world: Partial<ImageWorld>, bounds: { hours?: number; bytes?: number }): string {
  const plan = unusedImages(
    { held: [], pulled: [], needed: [], reserved: [], ...world },
    { unusedMs: bounds.hours === undefined ? null : bounds.hours * HOUR, bytes: bounds.bytes ?? null },
    NOW,
  );
  return plan.remove.map(({ image, why }) => `${image.id}:${why}`).join(' ');
}

test('an image goes when nothing needed it for as long as the bound, and not sooner', () => {
  const world = { held: [onMachine('a'), onMachine('b')], pulled: [pulled('a', 24), pulled('b', 23.9)] };
  assert.equal(removed(world, { hours: 24 }), 'a:age');
  assert.equal(removed(world, {}), '');
});

test('for want of space the one unused for longest goes first, and no more than must', () => {
  const world = {
    held: ['a', 'b', 'c'].map((id) => onMachine(id)),
    pulled: [pulled('a', 1), pulled('b', 3), pulled('c', 2)],
  };
  assert.equal(removed(world, { bytes: 30 }), '');
  assert.equal(removed(world, { bytes: 29 }), 'b:space');
  assert.equal(removed(world, { bytes: 10 }), 'b:space c:space');
  assert.equal(removed(world, { hours: 3, bytes: 10 }), 'b:age c:space');
});

test('what is used, named, tagged by others, or was never pulled by us stays, however old and however full', () => {
  const old = { hours: 1, bytes: 0 };
  const image = pulled('nginx:1', 99);
  assert.equal(removed({ held: [onMachine('nginx:1')], pulled: [image] }, old), 'nginx:1:age');
  assert.equal(removed({ held: [onMachine('nginx:1')], pulled: [] }, old), '');
  assert.equal(removed({ held: [onMachine('nginx:1', { inUse: true })], pulled: [image] }, old), '');
  for (const needed of ['nginx:1', 'docker.io/library/nginx:1']) {
    assert.equal(
      removed({ held: [onMachine('nginx:1')], pulled: [image], needed: [needed] }, old),
      '',
      needed,
    );
  }
  const tagged = onMachine('nginx:1', { references: ['nginx:1', 'mine:keep'] });
  assert.equal(removed({ held: [tagged], pulled: [image] }, old), '');
  const withDigest = onMachine('nginx:1', { references: ['nginx:1', 'nginx@sha256:0a'] });
  assert.equal(removed({ held: [withDigest], pulled: [image] }, old), 'nginx:1:age');
  assert.equal(removed({ held: [withDigest], pulled: [image], needed: ['nginx@sha256:0a'] }, old), '');
});

test('a prewarmed image waits for its use also where space is wanted, and waiting is no use', () => {
  const world = { held: [onMachine('a')], pulled: [pulled('a', 5)], needed: [], reserved: ['a:latest'] };
  const plan = unusedImages(world, { unusedMs: null, bytes: 0 }, NOW);
  assert.deepEqual([plan.remove, plan.used], [[], []]);
  assert.equal(removed({ ...world, reserved: [] }, { bytes: 0 }), 'a:space');
});

test('what somebody else removed is forgotten', () => {
  const world = { held: [], pulled: [pulled('a', 99)], needed: [], reserved: [] };
  const plan = unusedImages(world, { unusedMs: HOUR, bytes: 0 }, NOW);
  assert.deepEqual([plan.remove, plan.gone], [[], world.pulled]);
});

const NAMES = ['a', 'b:1', 'library/a', 'ghcr.io/o/a', 'docker.io/library/b:1', 'a@sha256:0a'] as const;
const IDS = ['sha256:1', 'sha256:2', 'sha256:3', 'sha256:4'] as const;
const names = fc.subarray([...NAMES]);
const worlds = fc.record({
  held: fc.uniqueArray(
    fc.record({
      id: fc.constantFrom(...IDS),
      references: names,
      sizeBytes: fc.nat(100),
      inUse: fc.boolean(),
    }),
    { selector: ({ id }) => id },
  ),
  pulled: fc.uniqueArray(
    fc.record({
      id: fc.constantFrom(...IDS),
      references: names,
      sizeBytes: fc.nat(100),
      pulledAtMs: fc.constant(0),
      lastUsedAtMs: fc.integer({ min: 0, max: NOW }),
    }),
    { selector: ({ id }) => id },
  ),
  needed: names,
  reserved: names,
});
const bounds = fc.record({
  unusedMs: fc.option(fc.nat(NOW), { nil: null }),
  bytes: fc.option(fc.nat(300), { nil: null }),
});

test('in no world is an image removed that is not ours, is used, is named, or is within the bounds', () => {
  fc.assert(
    fc.property(worlds, bounds, (generated, given) => {
      const world: ImageWorld = generated;
      const plan = unusedImages(world, given, NOW);
      const wanted = new Set([...world.needed, ...world.reserved].map(canonicalReference));
      for (const { image, why } of plan.remove) {
        const held = world.held.find(({ id }) => id === image.id);
        assert.ok(held !== undefined && !held.inUse && world.pulled.includes(image));
        for (const name of [...held.references, ...image.references])
          assert.ok(!wanted.has(canonicalReference(name)), name);
        if (why === 'age') assert.ok(given.unusedMs !== null && NOW - image.lastUsedAtMs >= given.unusedMs);
        else assert.ok(given.bytes !== null);
      }
      const ids = [...plan.remove.map(({ image }) => image), ...plan.used, ...plan.gone].map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length, 'each image has one fate at most');
    }),
    { numRuns: 2_000 },
  );
});

test('after the plan, either all is within the bounds or nothing that is left may go', () => {
  fc.assert(
    fc.property(worlds, bounds, (world, given) => {
      const gone = new Set(unusedImages(world, given, NOW).remove.map(({ image }) => image.id));
      const rest = {
        ...world,
        held: world.held.filter(({ id }) => !gone.has(id)),
        pulled: world.pulled.filter(({ id }) => !gone.has(id)),
      };
      assert.deepEqual(unusedImages(rest, given, NOW).remove, []);
    }),
    { numRuns: 2_000 },
  );
});
