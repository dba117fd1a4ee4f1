import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isImageId, parseImageReference } from './image-reference.ts';

const DIGEST = `sha256:${'a1'.repeat(32)}`;

test('a reference is a name, a tag and a digest; a port is no tag', () => {
  for (const [image, name, tag, digest] of [
    ['app', 'app', 'latest', null],
    ['app:1', 'app', '1', null],
    ['team/app:v1.2_x-3', 'team/app', 'v1.2_x-3', null],
    ['registry.example:5000/team/app', 'registry.example:5000/team/app', 'latest', null],
    ['127.0.0.1:5000/app:1', '127.0.0.1:5000/app', '1', null],
    [`app@${DIGEST}`, 'app', null, DIGEST],
    [`localhost/app:1@${DIGEST}`, 'localhost/app', '1', DIGEST],
  ] as const) {
    assert.deepEqual(parseImageReference(image), { name, tag, digest }, image);
  }
});

test('what engines refuse is no reference', () => {
  const long = `app:${'1'.repeat(129)}`;
  for (const image of [
    '',
    'App',
    'app:',
    'a b',
    'app:1:2',
    '/app',
    'app/',
    `app@${DIGEST}0`,
    'app@1',
    long,
  ]) {
    assert.equal(parseImageReference(image), null, image);
  }
});

test('an id alone names an image that is here', () => {
  assert.ok(isImageId(DIGEST));
  assert.ok(!isImageId('sha256:12'));
  assert.ok(!isImageId(`app@${DIGEST}`));
});
